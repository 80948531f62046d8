extension Schema {
    static let batches = """
        -- `id` is the order of creation and is never given twice, `pub` the id that outside sees, `status` that of BatchStatus. Each line is
        -- counted once where it ended, in the transaction that ends it; `stored` lines have a row.
        -- While `rearm_upto` is set, lines that failed are being armed again, in the order of their results; while `is_erasing` is, the answers in
        -- deleted files are being deleted; once `erased_ms` is, nobody sees the batch any more and its rows are being deleted.
        CREATE TABLE batch(
          id INTEGER PRIMARY KEY AUTOINCREMENT,
          pub TEXT NOT NULL UNIQUE,
          wire INTEGER NOT NULL,
          status INTEGER NOT NULL CHECK (status BETWEEN 0 AND 6),
          is_paused INTEGER NOT NULL DEFAULT 0,
          generation INTEGER NOT NULL DEFAULT 0,
          tenant TEXT NOT NULL,
          api_key TEXT,
          endpoint TEXT NOT NULL,
          input_file TEXT NOT NULL,
          output_file TEXT NOT NULL UNIQUE,
          error_file TEXT NOT NULL UNIQUE,
          completion_window TEXT NOT NULL,
          created_ms INTEGER NOT NULL,
          deadline_ms INTEGER NOT NULL,
          window_ms INTEGER NOT NULL,
          on_deadline INTEGER NOT NULL,
          max_cost_pico INTEGER,
          spent_pico INTEGER NOT NULL DEFAULT 0,
          metadata BLOB,
          tags TEXT NOT NULL,
          quote_cost_pico INTEGER,
          quote_finish_ms INTEGER,
          quote_risk REAL,
          total INTEGER NOT NULL DEFAULT 0,
          stored INTEGER NOT NULL DEFAULT 0,
          done INTEGER NOT NULL DEFAULT 0 CHECK (done >= 0),
          failed INTEGER NOT NULL DEFAULT 0 CHECK (failed >= 0),
          expired INTEGER NOT NULL DEFAULT 0 CHECK (expired >= 0),
          cancelled INTEGER NOT NULL DEFAULT 0 CHECK (cancelled >= 0),
          output_bytes INTEGER NOT NULL DEFAULT 0,
          error_bytes INTEGER NOT NULL DEFAULT 0,
          is_output_deleted INTEGER NOT NULL DEFAULT 0,
          is_error_deleted INTEGER NOT NULL DEFAULT 0,
          input INTEGER NOT NULL DEFAULT 0,
          cached_input INTEGER NOT NULL DEFAULT 0,
          cache_write_5m INTEGER NOT NULL DEFAULT 0,
          cache_write_1h INTEGER NOT NULL DEFAULT 0,
          output INTEGER NOT NULL DEFAULT 0,
          reasoning INTEGER NOT NULL DEFAULT 0,
          audio_input INTEGER NOT NULL DEFAULT 0,
          audio_output INTEGER NOT NULL DEFAULT 0,
          image_input INTEGER NOT NULL DEFAULT 0,
          in_progress_ms INTEGER,
          cancelling_ms INTEGER,
          ended_ms INTEGER,
          rearm_upto INTEGER,
          is_erasing INTEGER NOT NULL DEFAULT 0,
          erased_ms INTEGER,
          CHECK (done + failed + expired + cancelled <= total AND stored <= total),
          CHECK ((status > 2) = (ended_ms IS NOT NULL))
        ) STRICT;
        CREATE INDEX batch_list ON batch(tenant, wire, id) WHERE erased_ms IS NULL;
        CREATE INDEX batch_open ON batch(status, deadline_ms) WHERE status < 3;
        CREATE INDEX batch_input ON batch(input_file);
        CREATE INDEX batch_unfinished ON batch(id) WHERE rearm_upto IS NOT NULL OR is_erasing = 1 OR erased_ms IS NOT NULL;
        CREATE INDEX batch_ended ON batch(ended_ms) WHERE status > 2 AND is_output_deleted + is_error_deleted < 2;

        -- Why a batch was refused, in the order of the file.
        CREATE TABLE batch_fault(
          batch INTEGER NOT NULL REFERENCES batch(id) ON DELETE CASCADE,
          n INTEGER NOT NULL,
          code TEXT NOT NULL,
          message TEXT NOT NULL,
          param TEXT,
          line INTEGER,
          PRIMARY KEY (batch, n)
        ) STRICT, WITHOUT ROWID;
        """

    static let lines = """
        DROP TRIGGER job_is_counted;
        DROP TRIGGER job_is_counted_off;
        DROP TRIGGER job_is_counted_over;
        DROP TABLE depth;
        DROP INDEX job_ready;
        DROP INDEX job_held;

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
        UPDATE job SET lane = (
          SELECT new_lane.id FROM new_lane JOIN lane USING (class, sent_model, endpoint, rung) WHERE lane.id = job.lane AND new_lane.tenant = job.tenant);
        DROP TABLE lane;
        ALTER TABLE new_lane RENAME TO lane;
        CREATE UNIQUE INDEX lane_key ON lane(tenant, class, sent_model, endpoint, rung, ifnull(batch, 0));
        CREATE INDEX lane_batch ON lane(batch) WHERE batch IS NOT NULL;

        -- The request of a line stands in its batch's input file.
        ALTER TABLE job DROP COLUMN batch_id;
        ALTER TABLE job ADD COLUMN batch INTEGER REFERENCES batch(id);
        ALTER TABLE job ADD COLUMN source_offset INTEGER;
        ALTER TABLE job ADD COLUMN source_length INTEGER;
        ALTER TABLE job ADD COLUMN prefix INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE job ADD COLUMN estimated_tokens INTEGER NOT NULL DEFAULT 0;
        CREATE UNIQUE INDEX job_line ON job(batch, line) WHERE batch IS NOT NULL;
        -- These end with what a recount at the start sums up, so that it need not read the rows.
        CREATE INDEX job_ready ON job(lane, bucket_ms, prefix, id, estimated_tokens) WHERE state = 1;
        CREATE INDEX job_held ON job(not_before_ms, lane, bucket_ms, estimated_tokens) WHERE state = 0;

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
}
