/// The append-only, hash-chained record of every attempt and what it cost.
///
/// Entries are given their place in the chain by the one writer, in the order in which they were appended, together with the hourly
/// roll-ups, in one transaction.
package protocol Ledger: Sendable {
    /// Queues entries for the next group commit and returns at once; `committed` is called on a thread of the store's once they are
    /// durable or have failed for good. On a full disk they are kept and tried again until there is space.
    func append(_ entries: [SealedEntry], committed: @escaping @Sendable (Result<Void, StoreError>) -> Void)

    /// Queues the intent and the end of an attempt of live traffic in the same way, and keeps nothing of what is given.
    ///
    /// - Parameters:
    ///   - end: What closes the attempt.
    ///   - begun: When the intent was; all else that it said, the end says too.
    ///   - line: The ``ShortLine`` of the end.
    ///   - ticket: What `desk` is told when the entries are durable or have failed; nil where nobody asks.
    func append(closing end: LedgerEntry, begun: Timestamp, line: [UInt8], ticket: UInt64?, of desk: CommitDesk)

    /// Commits what is queued now instead of with the next group.
    func flush(then: @escaping @Sendable (Result<Void, StoreError>) -> Void)

    /// Bytes of entries that wait because the disk is full; 0 when all is well.
    var backlogBytes: Int { get }

    // MARK: Reading; these block for a read of the database, so never on an event loop

    /// Export lines in chain order, at most `limit` of them, from behind `after`.
    func lines(_ filter: LedgerFilter, after seq: Int64, limit: Int) throws(StoreError) -> [LedgerRow]
    /// All rows of one request, in chain order.
    func rows(ofRequest id: String) throws(StoreError) -> [LedgerRow]
    /// The newest requests, one list of their rows each, newest first.
    func newestRequests(limit: Int, after: String?, filter: LedgerFilter) throws(StoreError) -> [[LedgerRow]]
    /// Measures by the dimensions asked for, over entries with `since ≤ at < until`: roll-ups for whole hours, rows for the rest.
    func rollups(since: Timestamp?, until: Timestamp?, by: [RollupDimension]) throws(StoreError) -> [(key: [String?], measures: RollupMeasures)]
    /// When Sluice was back after the machine had gone down under it, within a time.
    func powerCuts(since: Timestamp?, until: Timestamp?) throws(StoreError) -> [Timestamp]
    /// What is left where entries or sums were deleted because their time was over.
    func kept() throws(StoreError) -> LedgerKept
    func head() throws(StoreError) -> (seq: Int64, hash: ChainHash)?
    /// Whether the chain has an entry that closes this attempt: what a replay of the journal must not append again.
    func isClosed(request id: String, attempt: Int) throws(StoreError) -> Bool
}

/// From when on the ledger has entries and hourly sums; nil where nothing was ever deleted.
package struct LedgerKept: Hashable, Sendable {
    package var entriesFrom: Timestamp?
    package var sumsFrom: Timestamp?

    package init(entriesFrom: Timestamp? = nil, sumsFrom: Timestamp? = nil) {
        self.entriesFrom = entriesFrom
        self.sumsFrom = sumsFrom
    }
}

/// Is told what became of entries, many at a time, on a thread of the store's.
package final class CommitDesk: Sendable {
    package let committed: @Sendable (_ tickets: [UInt64], Result<Void, StoreError>) -> Void

    package init(_ committed: @escaping @Sendable (_ tickets: [UInt64], Result<Void, StoreError>) -> Void) {
        self.committed = committed
    }

    /// - Parameter ticket: nil where nobody asks.
    package func tell(_ ticket: UInt64?, _ result: Result<Void, StoreError>) {
        if let ticket { self.committed([ticket], result) }
    }
}

/// An entry with its line: encoded once, where it was made. A class, since it passes through several hands.
package final class SealedEntry: Sendable {
    package let entry: LedgerEntry
    package let line: ShortLine

    package init(_ entry: LedgerEntry) {
        self.entry = entry
        self.line = ShortLine(entry)
    }
}

/// An entry in its place in the chain.
package struct LedgerRow: Sendable {
    package var seq: Int64
    /// The export line without a line break.
    package var line: [UInt8]

    package init(seq: Int64, line: [UInt8]) {
        self.seq = seq
        self.line = line
    }
}

package struct LedgerFilter: Sendable {
    package var since: Timestamp?
    /// Exclusive.
    package var until: Timestamp?
    package var tenant: String?
    package var requestID: String?
    package var trafficClass: String?
    package var backend: String?
    package var outcome: String?

    package init() {}
}
