extension Schema {
    static let verifications = """
        PRAGMA user_version = 7;

        -- What a substitute answered; the job, of kind 5, asks the original, and goes with this row.
        CREATE TABLE verification(
          job INTEGER PRIMARY KEY REFERENCES job(id) ON DELETE CASCADE,
          rule TEXT NOT NULL,
          substitute TEXT NOT NULL,
          backend TEXT NOT NULL,
          status INTEGER NOT NULL,
          content_type TEXT NOT NULL,
          body BLOB NOT NULL
        ) STRICT;
        CREATE UNIQUE INDEX job_verified ON job(request_id) WHERE kind = 5;
        CREATE INDEX job_verification_ended ON job(finished_ms) WHERE kind = 5 AND finished_ms IS NOT NULL;
        """
}
