extension Schema {
    /// Lanes by tenant and batch, jobs that are lines.
    static let lines = """
        DROP TRIGGER job_is_counted;
        DROP TRIGGER job_is_counted_off;
        DROP TRIGGER job_is_counted_over;
        DROP TABLE depth;

        -- Jobs that compete for the same backends, each batch apart: so a batch can be paused without touching its lines.
        CREATE TABLE new_lane(
          id INTEGER PRIMARY KEY,
          tenant TEXT NOT NULL,
          class TEXT NOT NULL,
          sent_model TEXT NOT NULL,
          endpoint TEXT NOT NULL,
          rung INTEGER NOT NULL,
          batch INTEGER REFERENCES batch(id) ON DELETE CASCADE
        ) STRICT;
        INSERT INTO new_lane(tenant, class, sent_model, endpoint, rung)
          SELECT DISTINCT job.tenant, lane.class, lane.sent_model, lane.endpoint, lane.rung FROM job JOIN lane ON lane.id = job.lane;

        -- `id` is the order of arrival, `pub` the id that outside sees, `state` that of JobState.
        -- A lease is (id, lease, owner): the count of leases of this job, and the boot that holds it.
        -- The request of a line stands in its batch's input file, any other one in `job_body`.
        CREATE TABLE new_job(
          id INTEGER PRIMARY KEY,
          pub TEXT NOT NULL UNIQUE,
          request_id TEXT NOT NULL,
          kind INTEGER NOT NULL,
          state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 7),
          lease INTEGER NOT NULL DEFAULT 0,
          owner INTEGER,
          attempts INTEGER NOT NULL DEFAULT 0,
          lane INTEGER NOT NULL REFERENCES lane(id),
          rung INTEGER NOT NULL DEFAULT 0,
          batch INTEGER REFERENCES batch(id),
          line INTEGER,
          custom_id TEXT,
          source_offset INTEGER,
          source_length INTEGER,
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
          prefix INTEGER NOT NULL DEFAULT 0,
          estimated_tokens INTEGER NOT NULL DEFAULT 0,
          estimated_cost_pico INTEGER,
          max_cost_pico INTEGER,
          generation INTEGER NOT NULL DEFAULT 0,
          finished_ms INTEGER,
          result_status INTEGER,
          last_error TEXT,
          has_body INTEGER NOT NULL DEFAULT 1,
          has_result INTEGER NOT NULL DEFAULT 0,
          CHECK ((state > 3) = (finished_ms IS NOT NULL)),
          CHECK (state NOT IN (2, 3) OR owner IS NOT NULL)
        ) STRICT;
        INSERT INTO new_job(id, pub, request_id, kind, state, lease, owner, attempts, lane, rung, line, custom_id, tenant, api_key, route, model, created_ms,
            deadline_ms, bucket_ms, not_before_ms, promote_at_ms, promote_to, estimated_cost_pico, max_cost_pico, generation, finished_ms, result_status,
            last_error, has_body, has_result)
          SELECT job.id, job.pub, job.request_id, job.kind, job.state, job.lease, job.owner, job.attempts, new_lane.id, job.rung, job.line, job.custom_id,
            job.tenant, job.api_key, job.route, job.model, job.created_ms, job.deadline_ms, job.bucket_ms, job.not_before_ms, job.promote_at_ms,
            job.promote_to, job.estimated_cost_pico, job.max_cost_pico, job.generation, job.finished_ms, job.result_status, job.last_error, job.has_body,
            job.has_result
          FROM job JOIN lane ON lane.id = job.lane
            JOIN new_lane ON new_lane.tenant = job.tenant AND new_lane.class = lane.class AND new_lane.sent_model = lane.sent_model
              AND new_lane.endpoint = lane.endpoint AND new_lane.rung = lane.rung;
        DROP TABLE job;
        ALTER TABLE new_job RENAME TO job;
        DROP TABLE lane;
        ALTER TABLE new_lane RENAME TO lane;
        CREATE UNIQUE INDEX lane_key ON lane(tenant, class, sent_model, endpoint, rung, ifnull(batch, 0));
        CREATE INDEX lane_batch ON lane(batch) WHERE batch IS NOT NULL;
        \(Schema.jobIndexes)

        -- A call that was begun and of whose end nothing is known yet; what it cost stands in the ledger. It outlives a job that is erased
        -- meanwhile.
        CREATE TABLE new_attempt(
          job INTEGER NOT NULL,
          n INTEGER NOT NULL,
          request_id TEXT NOT NULL,
          bound_pico INTEGER,
          started_ms INTEGER NOT NULL,
          PRIMARY KEY (job, n)
        ) STRICT, WITHOUT ROWID;
        INSERT INTO new_attempt SELECT job, n, request_id, bound_pico, started_ms FROM attempt WHERE ended_ms IS NULL;
        DROP TABLE attempt;
        ALTER TABLE new_attempt RENAME TO attempt;

        -- How lines ended, in the order in which they did: the output and the error file. A number is never given twice, so it is a cursor.
        -- `side` is 0 for the output file, 1 for the error file.
        CREATE TABLE batch_result(
          seq INTEGER PRIMARY KEY AUTOINCREMENT,
          batch INTEGER NOT NULL REFERENCES batch(id),
          side INTEGER NOT NULL CHECK (side IN (0, 1)),
          job INTEGER NOT NULL UNIQUE REFERENCES job(id) ON DELETE CASCADE,
          bytes INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX batch_result_file ON batch_result(batch, side, seq);
        """

    /// A change of `state` touches few of these: every index that it moves in costs each job on its way.
    ///
    /// `job_ready` and `job_held` end with what a recount at the start sums up, so that it need not read the rows.
    private static let jobIndexes = """
        CREATE UNIQUE INDEX job_line ON job(batch, line) WHERE batch IS NOT NULL;
        CREATE INDEX job_ready ON job(lane, bucket_ms, prefix, id, estimated_tokens, created_ms) WHERE state = 1;
        CREATE INDEX job_held ON job(not_before_ms, lane, bucket_ms, estimated_tokens, created_ms) WHERE state = 0;
        CREATE INDEX job_promotion ON job(promote_at_ms) WHERE state < 2 AND rung = 0 AND promote_at_ms IS NOT NULL;
        CREATE INDEX job_running ON job(owner) WHERE state IN (2, 3);
        CREATE INDEX job_due ON job(deadline_ms) WHERE finished_ms IS NULL AND deadline_ms IS NOT NULL;
        CREATE INDEX job_open ON job(tenant, id) WHERE finished_ms IS NULL;
        CREATE INDEX job_ended ON job(tenant, state, id) WHERE finished_ms IS NOT NULL;
        CREATE INDEX job_bodies ON job(finished_ms) WHERE has_body = 1 AND finished_ms IS NOT NULL;
        CREATE INDEX job_results ON job(finished_ms) WHERE has_result = 1 AND batch IS NULL AND finished_ms IS NOT NULL;
        """
}
