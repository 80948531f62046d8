package import SluiceCore

/// Where live attempts are written down: in the journal before their bytes leave and as soon as they end, then in the ledger with the
/// next group.
package final class LiveLedger: Sendable {
    /// Entries that wait in memory for a full disk; beyond it live requests are refused.
    private static let mostBuffered = 64 << 20

    private let journal: IntentJournal
    private let ledger: any Ledger
    private let policy: PolicyInForce

    package init(journal: IntentJournal, ledger: any Ledger, policy: PolicyInForce) {
        self.journal = journal
        self.ledger = ledger
        self.policy = policy
    }

    package func makeRecorder() -> LiveRecorder { LiveRecorder(self) }

    /// - Returns: nil where the journal has no room and the policy says to serve on from memory.
    fileprivate func begin(_ line: ShortLine, bound: Money?) throws(StoreError) -> IntentJournal.Ticket? {
        let waiting = self.ledger.backlogBytes
        if waiting > 0 {
            let isRefused = self.policy.live.policy.server.onLedgerFull == .refuse
            guard !isRefused, waiting < LiveLedger.mostBuffered else { throw StoreError(.full, "the ledger's disk is full") }
        }
        do throws(StoreError) {
            return try self.journal.append(intent: line, bound: bound)
        } catch {
            guard case .full = error.code, self.policy.live.policy.server.onLedgerFull == .buffer else { throw error }
            return nil
        }
    }

    fileprivate func end(_ intent: SealedEntry, _ end: SealedEntry, _ ticket: IntentJournal.Ticket?) {
        guard let ticket else { return self.ledger.append([intent, end]) { _ in } }
        // A journal that cannot take the end still has the intent: after a crash the attempt would be in doubt, not lost.
        let closed = (try? self.journal.append(end: end, closing: ticket)) ?? ticket
        let journal = self.journal
        self.ledger.append([intent, end]) { result in
            if case .success = result { journal.committed(CollectionOfOne(closed)) }
        }
    }
}

/// Records the attempts of one live request.
package final class LiveRecorder: AttemptRecorder {
    private struct Open {
        var attempt: Int?
        var intent: SealedEntry
        var ticket: IntentJournal.Ticket?
    }

    private let ledger: LiveLedger
    /// The attempt under way; others only where there are several at once.
    private var open: Open?
    private var others: [Open] = []

    fileprivate init(_ ledger: LiveLedger) {
        self.ledger = ledger
    }

    #if BENCH_WITHOUT_LEDGER
        // For `Benchmarks/rig/ledger.sh` alone: no setting of a program that is in use may leave a call unwritten.
        package func begin(_ intent: AttemptIntent, then: (StoreError?) -> Void) { then(nil) }
        package func end(_ entry: LedgerEntry) {}
    #else
        package func begin(_ intent: AttemptIntent, then: (StoreError?) -> Void) {
            let sealed = SealedEntry(intent.entry)
            do throws(StoreError) {
                let ticket = try self.ledger.begin(sealed.line, bound: intent.bound)
                if let open { self.others.append(open) }
                self.open = Open(attempt: intent.entry.attempt, intent: sealed, ticket: ticket)
            } catch {
                return then(error)
            }
            then(nil)
        }

        package func end(_ entry: LedgerEntry) {
            let open = self.take(entry.attempt)
            self.ledger.end(open.intent, SealedEntry(entry), open.ticket)
        }
    #endif

    private func take(_ attempt: Int?) -> Open {
        if let open, open.attempt == attempt {
            self.open = self.others.popLast()
            return open
        }
        guard let index = self.others.firstIndex(where: { $0.attempt == attempt }) else {
            preconditionFailure("an end of attempt \(attempt ?? 0), which was never begun")
        }
        return self.others.remove(at: index)
    }
}
