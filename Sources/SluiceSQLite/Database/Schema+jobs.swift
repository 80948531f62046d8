extension Schema {
    /// A partial index serves a statement only if it repeats the index's WHERE term literally.
    static let jobs = """
        PRAGMA user_version = 3;

        -- Jobs that compete for the same backends.
        CREATE TABLE lane(
          id INTEGER PRIMARY KEY,
          class TEXT NOT NULL,
          sent_model TEXT NOT NULL,
          endpoint TEXT NOT NULL,
          rung INTEGER NOT NULL,
          UNIQUE (class, sent_model, endpoint, rung)
        ) STRICT;

        -- `id` is the order of arrival, `pub` the id that outside sees, `state` that of JobState.
        -- A lease is (id, lease, owner): the count of leases of this job, and the boot that holds it.
        CREATE TABLE job(
          id INTEGER PRIMARY KEY,
          pub TEXT NOT NULL UNIQUE,
          request_id TEXT NOT NULL,
          kind INTEGER NOT NULL,
          state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 7),
          lane INTEGER NOT NULL REFERENCES lane(id),
          rung INTEGER NOT NULL DEFAULT 0,
          batch_id TEXT,
          line INTEGER,
          custom_id TEXT,
          tenant TEXT NOT NULL,
          api_key TEXT,
          route TEXT NOT NULL,
          model TEXT NOT NULL,
          created_ms INTEGER NOT NULL,
          deadline_ms INTEGER,
          bucket_ms INTEGER NOT NULL,
          not_before_ms INTEGER NOT NULL,
          promote_at_ms INTEGER,
          promote_to TEXT,
          attempts INTEGER NOT NULL DEFAULT 0,
          generation INTEGER NOT NULL DEFAULT 0,
          lease INTEGER NOT NULL DEFAULT 0,
          owner INTEGER REFERENCES boot(epoch),
          max_cost_pico INTEGER,
          estimated_cost_pico INTEGER,
          finished_ms INTEGER,
          result_status INTEGER,
          last_error TEXT,
          has_body INTEGER NOT NULL DEFAULT 1,
          has_result INTEGER NOT NULL DEFAULT 0,
          CHECK ((state > 3) = (finished_ms IS NOT NULL)),
          CHECK (state NOT IN (2, 3) OR owner IS NOT NULL)
        ) STRICT;
        CREATE INDEX job_ready ON job(lane, bucket_ms, id) WHERE state = 1;
        CREATE INDEX job_held ON job(not_before_ms) WHERE state = 0;
        CREATE INDEX job_promotion ON job(promote_at_ms) WHERE state < 2 AND rung = 0 AND promote_at_ms IS NOT NULL;
        CREATE INDEX job_due ON job(deadline_ms) WHERE state < 4 AND deadline_ms IS NOT NULL;
        CREATE INDEX job_running ON job(owner) WHERE state IN (2, 3);
        CREATE INDEX job_open ON job(lane, state, id) WHERE finished_ms IS NULL;
        CREATE INDEX job_list ON job(tenant, state, id);
        CREATE INDEX job_bodies ON job(finished_ms) WHERE state > 3 AND has_body = 1;
        CREATE INDEX job_results ON job(finished_ms) WHERE state > 3 AND has_result = 1;

        CREATE TABLE job_body(
          job INTEGER PRIMARY KEY REFERENCES job(id) ON DELETE CASCADE,
          request TEXT NOT NULL,
          client_request_id TEXT,
          fields BLOB NOT NULL,
          body BLOB NOT NULL
        ) STRICT;

        CREATE TABLE job_result(
          job INTEGER PRIMARY KEY REFERENCES job(id) ON DELETE CASCADE,
          status INTEGER NOT NULL,
          content_type TEXT NOT NULL,
          body BLOB NOT NULL
        ) STRICT;

        -- Written before the call; `ended_ms` is missing while nothing is known of its end. What it cost stands in the ledger.
        CREATE TABLE attempt(
          job INTEGER NOT NULL REFERENCES job(id) ON DELETE CASCADE,
          n INTEGER NOT NULL,
          request_id TEXT NOT NULL,
          lease INTEGER NOT NULL,
          bound_pico INTEGER,
          started_ms INTEGER NOT NULL,
          ended_ms INTEGER,
          PRIMARY KEY (job, n)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX attempt_open ON attempt(job) WHERE ended_ms IS NULL;

        -- How many jobs of a lane are in a state, kept by the triggers below: counting would walk all of them.
        CREATE TABLE depth(
          lane INTEGER NOT NULL,
          state INTEGER NOT NULL,
          jobs INTEGER NOT NULL CHECK (jobs >= 0),
          PRIMARY KEY (lane, state)
        ) STRICT, WITHOUT ROWID;
        CREATE TRIGGER job_is_counted AFTER INSERT ON job BEGIN
          INSERT INTO depth VALUES (NEW.lane, NEW.state, 1) ON CONFLICT DO UPDATE SET jobs = jobs + 1;
        END;
        CREATE TRIGGER job_is_counted_off AFTER DELETE ON job BEGIN
          UPDATE depth SET jobs = jobs - 1 WHERE lane = OLD.lane AND state = OLD.state;
        END;
        CREATE TRIGGER job_is_counted_over AFTER UPDATE OF state, lane ON job WHEN OLD.state <> NEW.state OR OLD.lane <> NEW.lane BEGIN
          UPDATE depth SET jobs = jobs - 1 WHERE lane = OLD.lane AND state = OLD.state;
          INSERT INTO depth VALUES (NEW.lane, NEW.state, 1) ON CONFLICT DO UPDATE SET jobs = jobs + 1;
        END;
        """
}
