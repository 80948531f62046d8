extension Schema {
    static let files = """
        PRAGMA user_version = 4;

        -- What is known of the bytes in the folder `files`. `id` is the order of arrival, `pub` the id that outside sees and the name on disk.
        -- `deleted_ms` is set while a deleted file still has requests that wait; nobody but they sees it.
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
        """

    static let answers = """
        -- Answers under idempotency keys; `scope` is the name of the API key.
        CREATE TABLE kept_answer(
          id INTEGER PRIMARY KEY,
          scope TEXT NOT NULL,
          key TEXT NOT NULL,
          fingerprint BLOB NOT NULL,
          at_ms INTEGER NOT NULL,
          status INTEGER NOT NULL,
          lines BLOB NOT NULL,
          body BLOB NOT NULL,
          UNIQUE (scope, key)
        ) STRICT;
        CREATE INDEX kept_answer_age ON kept_answer(at_ms);
        """

    static let webhooks = """
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

        -- As they are: a signature needs the bytes. The newest is 0.
        CREATE TABLE webhook_secret(
          endpoint INTEGER NOT NULL REFERENCES webhook_endpoint(id) ON DELETE CASCADE,
          n INTEGER NOT NULL,
          secret BLOB NOT NULL,
          expires_ms INTEGER,
          PRIMARY KEY (endpoint, n)
        ) STRICT, WITHOUT ROWID;

        -- The outbox: written by the transactions that end batches and responses, each event once for each endpoint.
        -- `state` is 0 while it waits, 1 delivered, 2 given up.
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
        """
}
