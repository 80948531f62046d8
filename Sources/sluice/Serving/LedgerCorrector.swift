import FoundationEssentials
import NIOPosix
import SluiceCore
import SluiceDispatch
import SluicePolicy
import SluiceSQLite
import Synchronization

/// Appends corrections to the ledger of a running server, one time after another: two at once would correct twice.
final class LedgerCorrector: Sendable {
    private let source: PolicySource
    private let ledger: SQLiteLedger
    private let budgets: Budgets
    private let clock: SluiceClock
    private let isAtIt = Mutex(false)

    init(source: PolicySource, ledger: SQLiteLedger, budgets: Budgets, clock: SluiceClock) {
        self.source = source
        self.ledger = ledger
        self.budgets = budgets
        self.clock = clock
    }

    /// Prices the ledger again by the policy that is served; nil while it is at it already.
    @Sendable func recompute(_ filter: LedgerFilter, isWritten: Bool) async throws -> [UInt8]? {
        let (ledger, policy, now) = (self.ledger, self.source.policy, self.clock.now.wall)
        return try await self.alone {
            var recomputation = Recomputation(policy: policy)
            if isWritten {
                try recomputation.run(over: ledger, filter, at: now) { entries throws(StoreError) in try self.commit(entries) }
            } else {
                try recomputation.run(over: ledger, filter, at: now)
            }
            return recomputation.json(isWritten: isWritten)
        }
    }

    /// Gives calls in doubt what a bill says that they cost; nil while it is at it already.
    @Sendable func close(_ body: [UInt8]) async throws -> [UInt8]? {
        guard let doubts = try? JSONDecoder().decode(DoubtClosing.self, from: Data(body)) else {
            throw Refusal.invalid("the body names entries and what they cost: {\"close\":[{\"seq\":12,\"cost\":\"0.0012\",\"shared\":false}]}")
        }
        let (ledger, now) = (self.ledger, self.clock.now.wall)
        return try await self.alone { try doubts.write(to: ledger, at: now) { entries throws(StoreError) in try self.commit(entries) } }
    }

    /// Budgets know of it at once, as they would after the next start.
    private func commit(_ corrections: [LedgerEntry]) throws(StoreError) {
        try self.ledger.commit(corrections)
        let currency = self.source.policy.currency
        self.budgets.correct(corrections.filter { $0.subject?.currency == currency }, at: self.clock.now.wall)
    }

    private func alone(_ body: @escaping @Sendable () throws -> [UInt8]) async throws -> [UInt8]? {
        let isFree = self.isAtIt.withLock { isAtIt in
            defer { isAtIt = true }
            return !isAtIt
        }
        guard isFree else { return nil }
        defer { self.isAtIt.withLock { $0 = false } }
        let ledger = self.ledger
        try await withCheckedThrowingContinuation { waiting in ledger.flush { waiting.resume(with: $0) } }
        return try await NIOThreadPool.singleton.runIfActive(body)
    }
}

/// What `audit reconcile --correct` asks the books to be given.
struct DoubtClosing: Codable {
    struct Entry: Codable {
        var seq: Int64
        var cost: String
        var shared: Bool
    }

    var close: [Entry]

    init(_ closings: [OpenDoubts.Closing]) {
        self.close = closings.map { Entry(seq: $0.seq, cost: $0.cost.description, shared: $0.isShared) }
    }

    /// Appends a correction for each that is in doubt still, and can have cost so much; says how many they were.
    func write(
        to ledger: SQLiteLedger, at now: Timestamp, commit: ([LedgerEntry]) throws(StoreError) -> Void
    ) throws(StoreError) -> [UInt8] {
        var corrections: [LedgerEntry] = []
        for wanted in self.close {
            guard let cost = Money(wanted.cost), let row = try ledger.lines(LedgerFilter(), after: wanted.seq - 1, limit: 1).first, row.seq == wanted.seq else {
                continue
            }
            let entry = try row.entry()
            guard let request = entry.subject?.requestID, !(try ledger.rows(ofRequest: request).contains(correcting: wanted.seq)) else { continue }
            let closing = OpenDoubts.Closing(seq: wanted.seq, cost: cost, isShared: wanted.shared)
            if let correction = entry.closed(closing, at: now) { corrections.append(correction) }
        }
        if !corrections.isEmpty { try commit(corrections) }
        return Array("{\"closed\":\(corrections.count)}".utf8)
    }
}

extension [LedgerRow] {
    fileprivate func contains(correcting seq: Int64) throws(StoreError) -> Bool {
        for row in self { if try row.entry().corrects == seq { return true } }
        return false
    }
}
