extension Schema {
    static let ledger = """
        PRAGMA user_version = 2;

        -- `line` is the export line, byte for byte, or since the tenth migration a `ShortLine` that stands for it. The other columns repeat what is in it, and `audit verify` compares them.
        -- By the eleventh it was empty for the intent of a live call, whose end came next and said the rest; since the twelfth the row of the end stands for both.
        -- `part` is 0 for the intent of an attempt, 1 for its end: each attempt has at most one of either.
        CREATE TABLE ledger(
          seq INTEGER PRIMARY KEY,
          at_ms INTEGER NOT NULL,
          request_id TEXT,
          attempt INTEGER,
          part INTEGER,
          line TEXT NOT NULL,
          hash BLOB NOT NULL
        ) STRICT;
        CREATE UNIQUE INDEX ledger_attempt ON ledger(request_id, attempt, part);
        CREATE TRIGGER ledger_is_append_only_update BEFORE UPDATE ON ledger BEGIN
          SELECT RAISE(ABORT, 'the ledger is append-only');
        END;
        CREATE TRIGGER ledger_is_append_only_delete BEFORE DELETE ON ledger BEGIN
          SELECT RAISE(ABORT, 'the ledger is append-only');
        END;

        -- Where the entries of an hour lie in the chain; an entry may be written out of the order of `at`.
        CREATE TABLE ledger_hour(
          hour_ms INTEGER PRIMARY KEY,
          first_seq INTEGER NOT NULL,
          last_seq INTEGER NOT NULL,
          entries INTEGER NOT NULL
        ) STRICT;

        -- Written with the first entry of a later hour: what the chain was up to there.
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
        """
}
