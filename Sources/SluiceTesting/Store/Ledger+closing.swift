package import SluiceCore

extension Ledger {
    /// Appends an attempt of live traffic as the router does when it ends.
    package func append(closing end: LedgerEntry, begun: Timestamp, committed: @escaping @Sendable (Result<Void, StoreError>) -> Void) {
        self.append(closing: end, begun: begun, line: ShortLine(end).bytes, ticket: 1, of: CommitDesk { _, result in committed(result) })
    }
}
