extension Schema {
    static let connections = """
        PRAGMA user_version = 9;

        -- Jobs that a client waits for on its connection: the next process finds them at once.
        CREATE INDEX job_connected ON job(id) WHERE kind = 1 AND finished_ms IS NULL;

        -- Calls that came to nothing since the job was last armed, and those among them that may have been carried out.
        ALTER TABLE job ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE job ADD COLUMN doubts INTEGER NOT NULL DEFAULT 0;
        """
}
