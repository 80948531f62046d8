extension Schema {
    /// The intent of a live call is in the row of its end, which says all that it does but for when it was: that stands in `begun_ms`. It is the entry
    /// before, with the number before.
    static let begun = """
        PRAGMA user_version = 12;

        ALTER TABLE ledger ADD COLUMN begun_ms INTEGER;
        """
}
