extension Schema {
    /// What an answer brings beside its body, and how long output files stay.
    static let results = """
        PRAGMA user_version = 8;

        -- `lines` are Sluice's own header lines, of jobs that are no lines of a batch; `code` and `message` say why it was Sluice that refused.
        ALTER TABLE job_result ADD COLUMN lines BLOB NOT NULL DEFAULT x'';
        ALTER TABLE job_result ADD COLUMN code TEXT;
        ALTER TABLE job_result ADD COLUMN message TEXT;
        UPDATE job_result SET code = 'max_cost_exceeded', message = json_extract(CAST(body AS TEXT), '$.error.message')
          WHERE status = 422 AND CAST(body AS TEXT) LIKE '{"error":{"message":%"code":"max_cost_exceeded","sluice":{%' AND json_valid(CAST(body AS TEXT));

        -- The job that the answer promises, or is the answer of.
        ALTER TABLE kept_answer ADD COLUMN job TEXT;
        CREATE INDEX kept_answer_job ON kept_answer(job) WHERE job IS NOT NULL;

        -- How long the output and the error file stay once the batch has ended; NULL is as long as the policy says.
        ALTER TABLE batch ADD COLUMN output_life_ms INTEGER;
        CREATE INDEX batch_outputs ON batch(id) WHERE output_life_ms IS NOT NULL AND is_output_deleted + is_error_deleted < 2;
        """
}
