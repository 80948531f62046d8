extension Schema {
    /// The intent of a live call goes into the chain with its end, which says all that it does: its row holds `seq`, `at_ms` and `hash`, and an
    /// empty line. It is found as the entry before the end, and need not be in the index.
    static let intents = """
        PRAGMA user_version = 11;

        DROP INDEX ledger_attempt;
        CREATE UNIQUE INDEX ledger_attempt ON ledger(request_id, attempt, part) WHERE request_id IS NOT NULL;
        """
}
