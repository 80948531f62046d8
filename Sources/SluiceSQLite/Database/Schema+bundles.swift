extension Schema {
    static let bundles = """
        PRAGMA user_version = 6;

        -- Lines that go to a provider as one batch of its own; `state` is that of BundleState. `up_file` and `up_batch` are the provider's names,
        -- `leftovers` its files that are to be deleted, a line each.
        CREATE TABLE bundle(
          id INTEGER PRIMARY KEY AUTOINCREMENT,
          token TEXT NOT NULL UNIQUE,
          backend TEXT NOT NULL,
          model TEXT NOT NULL,
          endpoint TEXT NOT NULL,
          state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 5),
          up_file TEXT,
          up_batch TEXT,
          created_ms INTEGER NOT NULL,
          submitted_ms INTEGER,
          pull_ms INTEGER,
          hedge_ms INTEGER,
          ended_ms INTEGER,
          leftovers TEXT NOT NULL DEFAULT '',
          last_error TEXT,
          CHECK ((state > 3) = (ended_ms IS NOT NULL)),
          CHECK (state NOT IN (2, 3) OR up_batch IS NOT NULL)
        ) STRICT;
        CREATE INDEX bundle_open ON bundle(id) WHERE state < 4 OR leftovers <> '';

        -- A line that has no end yet, with the lease under which its job was taken. It outlives a job that is erased meanwhile.
        CREATE TABLE bundle_line(
          bundle INTEGER NOT NULL REFERENCES bundle(id) ON DELETE CASCADE,
          job INTEGER NOT NULL,
          lease INTEGER NOT NULL,
          owner INTEGER NOT NULL,
          attempt INTEGER NOT NULL,
          PRIMARY KEY (bundle, job)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX bundle_line_job ON bundle_line(job, attempt);

        -- Jobs that are off the lanes, on rung 2, may be promoted too.
        DROP INDEX job_promotion;
        CREATE INDEX job_promotion ON job(promote_at_ms) WHERE state < 2 AND rung <> 1 AND promote_at_ms IS NOT NULL;
        """
}
