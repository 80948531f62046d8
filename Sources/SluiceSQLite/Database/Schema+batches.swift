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
          -- While it is being cancelled: up to where its lines were looked through.
          swept_line INTEGER NOT NULL DEFAULT 0,
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
}
