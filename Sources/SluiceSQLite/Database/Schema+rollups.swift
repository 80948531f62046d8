extension Schema {
    static let rollups = """
        -- Sums of an hour, written in the same transaction as the entries; absent names are ''. With `by_tag` 0 each entry counts once
        -- (`tag` is '*' where it has tags, else ''), with `by_tag` 1 once for each of its tags (`name=value`).
        -- `measures` is a JSON object of counts and exact decimals, without those that are 0.
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
        """
}
