import Glibc
package import SluiceCore
import Synchronization

/// What the journal knows and the ledger does not, after a start.
package struct JournalReplay: Sendable {
    /// Each attempt's intent and its end, in the order in which the ends were written; then those of which no end is known, as in doubt.
    package var entries: [SealedEntry] = []
    package var inDoubt = 0
    /// What of ``entries`` ends an attempt.
    package var ends: [SealedEntry] { self.entries.filter { $0.entry.kind.isEnd } }
    /// Records that could not be read.
    package var damaged = 0
}

extension IntentJournal {
    /// What earlier processes left and the ledger has not.
    ///
    /// Append it to the ledger and call ``forgetLeftovers()`` when that is committed. To do so twice does no harm, since the ledger takes one end of
    /// an attempt only.
    ///
    /// - Parameter isClosed: Whether the ledger has the end of an attempt.
    package func replay(
        at now: Timestamp, isClosed: (_ requestID: String, _ attempt: Int) throws(StoreError) -> Bool
    ) throws(StoreError) -> JournalReplay {
        struct Attempt: Hashable {
            var requestID: String
            var number: Int
        }
        var replay = JournalReplay()
        var open: [(attempt: Attempt, intent: AttemptIntent)] = []
        var ended: Set<Attempt> = []
        for leftover in self.leftovers.withLock({ $0 }) {
            replay.damaged += leftover.damaged
            for record in leftover.records {
                guard let entry = Self.entry(of: record.body), let id = entry.subject?.requestID, let number = entry.attempt else {
                    replay.damaged += 1
                    continue
                }
                let attempt = Attempt(requestID: id, number: number)
                switch record.kind {
                case .intent: open.append((attempt, AttemptIntent(entry: entry, bound: record.bound)))
                case .end where ended.insert(attempt).inserted:
                    guard try !isClosed(id, number) else { continue }
                    if let intent = open.first(where: { $0.attempt == attempt })?.intent { replay.entries.append(SealedEntry(intent.entry)) }
                    replay.entries.append(SealedEntry(entry))
                case .end: break
                }
            }
        }
        for (attempt, intent) in open where !ended.contains(attempt) {
            guard try !isClosed(attempt.requestID, attempt.number) else { continue }
            replay.entries += [SealedEntry(intent.entry), SealedEntry(intent.inDoubt(at: now))]
            replay.inDoubt += 1
        }
        return replay
    }

    /// Versions that kept no ``ShortLine`` wrote the members with their names.
    private static func entry(of record: [UInt8]) -> LedgerEntry? {
        let body = record.starts(with: "\"kind\":".utf8) ? record : ShortLine(bytes: record).body
        return body.flatMap { try? LedgerLine.read(body: $0) }
    }

    /// Removes what earlier processes left: the ledger has it.
    package func forgetLeftovers() {
        self.leftovers.withLock { leftovers in
            for leftover in leftovers { unlink(leftover.path) }
            leftovers = []
        }
    }
}
