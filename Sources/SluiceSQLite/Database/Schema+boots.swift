extension Schema {
    static let boots = """
        PRAGMA application_id = 1397506885;
        PRAGMA user_version = 1;

        -- One row for each start of a process that writes. `ended_ms` is missing after a crash; once the next one
        -- has looked at the pages it is 0, or -1 where the machine went down too.
        CREATE TABLE boot(
          epoch INTEGER PRIMARY KEY AUTOINCREMENT,
          started_ms INTEGER NOT NULL,
          ended_ms INTEGER
        ) STRICT;

        -- The key itself is nowhere: only its SHA-256.
        CREATE TABLE api_key(
          id INTEGER PRIMARY KEY,
          name TEXT NOT NULL CHECK (name <> ''),
          tenant TEXT,
          hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
          created_ms INTEGER NOT NULL,
          revoked_ms INTEGER
        ) STRICT;
        CREATE UNIQUE INDEX api_key_name ON api_key(name) WHERE revoked_ms IS NULL;
        """
}
