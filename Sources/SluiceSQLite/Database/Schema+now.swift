import GRDB

extension Schema {
    /// Makes the tables of a new database at once: what the migrations come to, which SQLite needs five times as long for.
    static func create(_ db: Database) throws {
        try db.execute(literal: "PRAGMA user_version = \(sql: String(self.version))")
        try db.execute(sql: self.now)
        try db.execute(sql: "CREATE TABLE grdb_migrations (identifier TEXT NOT NULL PRIMARY KEY)")
        for name in self.migrator.migrations { try db.execute(literal: "INSERT INTO grdb_migrations VALUES (\(name))") }
    }

    /// The tables as the last migration leaves them (`MigrationTests` compares). What they are for stands with the migrations.
    private static let now = """
        CREATE TABLE boot(
          epoch INTEGER PRIMARY KEY AUTOINCREMENT,
          started_ms INTEGER NOT NULL,
          ended_ms INTEGER
        ) STRICT;

        CREATE TABLE api_key(
          id INTEGER PRIMARY KEY,
          name TEXT NOT NULL CHECK (name <> ''),
          tenant TEXT,
          hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
          created_ms INTEGER NOT NULL,
          revoked_ms INTEGER
        ) STRICT;
        CREATE UNIQUE INDEX api_key_name ON api_key(name) WHERE revoked_ms IS NULL;

        CREATE TABLE ledger(
          seq INTEGER PRIMARY KEY,
          at_ms INTEGER NOT NULL,
          request_id TEXT,
          attempt INTEGER,
          part INTEGER,
          line TEXT NOT NULL,
          hash BLOB NOT NULL,
          begun_ms INTEGER
        ) STRICT;
        CREATE TRIGGER ledger_is_append_only_update BEFORE UPDATE ON ledger BEGIN
          SELECT RAISE(ABORT, 'the ledger is append-only');
        END;

        CREATE TABLE ledger_hour(
          hour_ms INTEGER PRIMARY KEY,
          first_seq INTEGER NOT NULL,
          last_seq INTEGER NOT NULL,
          entries INTEGER NOT NULL
        ) STRICT;

        CREATE TABLE checkpoint(
          seq INTEGER PRIMARY KEY,
          hash BLOB NOT NULL,
          at_ms INTEGER NOT NULL,
          entries INTEGER NOT NULL,
          totals TEXT NOT NULL
        ) STRICT;
        CREATE TRIGGER checkpoint_is_append_only_update BEFORE UPDATE ON checkpoint BEGIN
          SELECT RAISE(ABORT, 'the ledger is append-only');
        END;
        CREATE TRIGGER checkpoint_is_append_only_delete BEFORE DELETE ON checkpoint BEGIN
          SELECT RAISE(ABORT, 'the ledger is append-only');
        END;

        CREATE TABLE rollup(
          by_tag INTEGER NOT NULL,
          hour_ms INTEGER NOT NULL,
          tag TEXT NOT NULL,
          currency TEXT NOT NULL,
          tenant TEXT NOT NULL,
          api_key TEXT NOT NULL,
          class TEXT NOT NULL,
          route TEXT NOT NULL,
          backend TEXT NOT NULL,
          model TEXT NOT NULL,
          measures TEXT NOT NULL,
          PRIMARY KEY (by_tag, hour_ms, tag, currency, tenant, api_key, class, route, backend, model)
        ) STRICT, WITHOUT ROWID;

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
          body BLOB NOT NULL,
          lines BLOB NOT NULL DEFAULT x'',
          code TEXT,
          message TEXT
        ) STRICT;

        CREATE TABLE file(
          id INTEGER PRIMARY KEY AUTOINCREMENT,
          pub TEXT NOT NULL UNIQUE,
          tenant TEXT NOT NULL,
          purpose TEXT NOT NULL,
          name TEXT NOT NULL,
          bytes INTEGER NOT NULL CHECK (bytes >= 0),
          sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
          created_ms INTEGER NOT NULL,
          expires_ms INTEGER,
          deleted_ms INTEGER
        ) STRICT;
        CREATE INDEX file_list ON file(tenant, id) WHERE deleted_ms IS NULL;
        CREATE INDEX file_expiry ON file(expires_ms) WHERE deleted_ms IS NULL AND expires_ms IS NOT NULL;
        CREATE INDEX file_deleted ON file(id) WHERE deleted_ms IS NOT NULL;

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
          -- While it is being cancelled: up to where its lines were looked through.
          swept_line INTEGER NOT NULL DEFAULT 0,
          erased_ms INTEGER,
          output_life_ms INTEGER,
          CHECK (done + failed + expired + cancelled <= total AND stored <= total),
          CHECK ((status > 2) = (ended_ms IS NOT NULL))
        ) STRICT;
        CREATE INDEX batch_list ON batch(tenant, wire, id) WHERE erased_ms IS NULL;
        CREATE INDEX batch_open ON batch(status, deadline_ms) WHERE status < 3;
        CREATE INDEX batch_input ON batch(input_file);
        CREATE INDEX batch_unfinished ON batch(id) WHERE rearm_upto IS NOT NULL OR is_erasing = 1 OR erased_ms IS NOT NULL;
        CREATE INDEX batch_ended ON batch(ended_ms) WHERE status > 2 AND is_output_deleted + is_error_deleted < 2;

        CREATE TABLE batch_fault(
          batch INTEGER NOT NULL REFERENCES batch(id) ON DELETE CASCADE,
          n INTEGER NOT NULL,
          code TEXT NOT NULL,
          message TEXT NOT NULL,
          param TEXT,
          line INTEGER,
          PRIMARY KEY (batch, n)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE lane(
          id INTEGER PRIMARY KEY,
          tenant TEXT NOT NULL,
          class TEXT NOT NULL,
          sent_model TEXT NOT NULL,
          endpoint TEXT NOT NULL,
          rung INTEGER NOT NULL,
          batch INTEGER REFERENCES batch(id) ON DELETE CASCADE
        ) STRICT;

        CREATE TABLE job(
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
          failures INTEGER NOT NULL DEFAULT 0,
          doubts INTEGER NOT NULL DEFAULT 0,
          CHECK ((state > 3) = (finished_ms IS NOT NULL)),
          CHECK (state NOT IN (2, 3) OR owner IS NOT NULL)
        ) STRICT;
        CREATE UNIQUE INDEX lane_key ON lane(tenant, class, sent_model, endpoint, rung, ifnull(batch, 0));
        CREATE INDEX lane_batch ON lane(batch) WHERE batch IS NOT NULL;
        CREATE UNIQUE INDEX job_line ON job(batch, line) WHERE batch IS NOT NULL;
        CREATE INDEX job_ready ON job(lane, bucket_ms, prefix, id, estimated_tokens, created_ms) WHERE state = 1;
        CREATE INDEX job_held ON job(not_before_ms, lane, bucket_ms, estimated_tokens, created_ms) WHERE state = 0;
        CREATE INDEX job_running ON job(owner) WHERE state IN (2, 3);
        CREATE INDEX job_due ON job(deadline_ms) WHERE finished_ms IS NULL AND deadline_ms IS NOT NULL;
        CREATE INDEX job_open ON job(tenant, id) WHERE finished_ms IS NULL;
        CREATE INDEX job_ended ON job(tenant, state, id) WHERE finished_ms IS NOT NULL;
        CREATE INDEX job_bodies ON job(finished_ms) WHERE has_body = 1 AND finished_ms IS NOT NULL;
        CREATE INDEX job_results ON job(finished_ms) WHERE has_result = 1 AND batch IS NULL AND finished_ms IS NOT NULL;

        CREATE TABLE attempt(
          job INTEGER NOT NULL,
          n INTEGER NOT NULL,
          request_id TEXT NOT NULL,
          bound_pico INTEGER,
          started_ms INTEGER NOT NULL,
          PRIMARY KEY (job, n)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE batch_result(
          seq INTEGER PRIMARY KEY AUTOINCREMENT,
          batch INTEGER NOT NULL REFERENCES batch(id),
          side INTEGER NOT NULL CHECK (side IN (0, 1)),
          job INTEGER NOT NULL UNIQUE REFERENCES job(id) ON DELETE CASCADE,
          bytes INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX batch_result_file ON batch_result(batch, side, seq);

        CREATE TABLE kept_answer(
          id INTEGER PRIMARY KEY,
          scope TEXT NOT NULL,
          key TEXT NOT NULL,
          fingerprint BLOB NOT NULL,
          at_ms INTEGER NOT NULL,
          status INTEGER NOT NULL,
          lines BLOB NOT NULL,
          body BLOB NOT NULL,
          job TEXT,
          UNIQUE (scope, key)
        ) STRICT;
        CREATE INDEX kept_answer_age ON kept_answer(at_ms);

        CREATE TABLE webhook_endpoint(
          id INTEGER PRIMARY KEY AUTOINCREMENT,
          pub TEXT NOT NULL UNIQUE,
          tenant TEXT NOT NULL,
          name TEXT NOT NULL,
          url TEXT NOT NULL,
          -- Words with spaces between them.
          events TEXT NOT NULL,
          created_ms INTEGER NOT NULL,
          is_enabled INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX webhook_endpoint_list ON webhook_endpoint(tenant, id);

        CREATE TABLE webhook_secret(
          endpoint INTEGER NOT NULL REFERENCES webhook_endpoint(id) ON DELETE CASCADE,
          n INTEGER NOT NULL,
          secret BLOB NOT NULL,
          expires_ms INTEGER,
          PRIMARY KEY (endpoint, n)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE webhook_delivery(
          id INTEGER PRIMARY KEY,
          event TEXT NOT NULL,
          type TEXT NOT NULL,
          endpoint INTEGER NOT NULL REFERENCES webhook_endpoint(id) ON DELETE CASCADE,
          subject TEXT NOT NULL,
          body BLOB NOT NULL,
          state INTEGER NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 2),
          attempts INTEGER NOT NULL DEFAULT 0,
          due_ms INTEGER NOT NULL,
          last_error TEXT,
          UNIQUE (event, endpoint)
        ) STRICT;
        CREATE INDEX webhook_delivery_due ON webhook_delivery(due_ms, id) WHERE state = 0;
        CREATE INDEX webhook_delivery_over ON webhook_delivery(due_ms) WHERE state > 0;
        CREATE INDEX webhook_delivery_endpoint ON webhook_delivery(endpoint);
        CREATE INDEX webhook_delivery_subject ON webhook_delivery(subject);

        CREATE TABLE ledger_cut(
          seq INTEGER PRIMARY KEY REFERENCES checkpoint(seq),
          cut_ms INTEGER NOT NULL
        ) STRICT;
        CREATE TRIGGER ledger_cut_is_append_only_update BEFORE UPDATE ON ledger_cut BEGIN
          SELECT RAISE(ABORT, 'the ledger is append-only');
        END;
        CREATE TRIGGER ledger_cut_is_append_only_delete BEFORE DELETE ON ledger_cut BEGIN
          SELECT RAISE(ABORT, 'the ledger is append-only');
        END;
        CREATE TRIGGER ledger_is_append_only_delete BEFORE DELETE ON ledger
          WHEN OLD.seq > (SELECT ifnull(max(seq), 0) FROM ledger_cut) BEGIN
          SELECT RAISE(ABORT, 'the ledger is append-only');
        END;

        CREATE TABLE rollup_cut(
          id INTEGER PRIMARY KEY CHECK (id = 1),
          hour_ms INTEGER NOT NULL,
          totals TEXT NOT NULL
        ) STRICT;

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

        CREATE TABLE bundle_line(
          bundle INTEGER NOT NULL REFERENCES bundle(id) ON DELETE CASCADE,
          job INTEGER NOT NULL,
          lease INTEGER NOT NULL,
          owner INTEGER NOT NULL,
          attempt INTEGER NOT NULL,
          PRIMARY KEY (bundle, job)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX bundle_line_job ON bundle_line(job, attempt);
        CREATE INDEX job_promotion ON job(promote_at_ms) WHERE state < 2 AND rung <> 1 AND promote_at_ms IS NOT NULL;

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
        CREATE INDEX kept_answer_job ON kept_answer(job) WHERE job IS NOT NULL;
        CREATE INDEX batch_outputs ON batch(id) WHERE output_life_ms IS NOT NULL AND is_output_deleted + is_error_deleted < 2;
        CREATE INDEX job_connected ON job(id) WHERE kind = 1 AND finished_ms IS NULL;
        CREATE UNIQUE INDEX ledger_attempt ON ledger(request_id, attempt, part) WHERE request_id IS NOT NULL;
        """
}
