extension Schema {
    /// What stands for entries and sums whose time was over.
    static let retention = """
        PRAGMA user_version = 5;

        -- Up to where entries were deleted, always a checkpoint: only what stands there or before may be.
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
        DROP TRIGGER ledger_is_append_only_delete;
        CREATE TRIGGER ledger_is_append_only_delete BEFORE DELETE ON ledger
          WHEN OLD.seq > (SELECT ifnull(max(seq), 0) FROM ledger_cut) BEGIN
          SELECT RAISE(ABORT, 'the ledger is append-only');
        END;

        -- What the deleted hourly sums came to: those of all hours before `hour_ms`.
        CREATE TABLE rollup_cut(
          id INTEGER PRIMARY KEY CHECK (id = 1),
          hour_ms INTEGER NOT NULL,
          totals TEXT NOT NULL
        ) STRICT;
        """
}
