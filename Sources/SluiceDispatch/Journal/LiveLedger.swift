package import SluiceCore

/// Where live attempts of one event loop are written down: in the journal before their bytes leave and as soon as they end, then in the
/// ledger with the next group.
package final class LiveLedger {
    /// Entries that wait in memory for a full disk; beyond it live requests are refused.
    private static let mostBuffered = 64 << 20

    private let journal: IntentJournal
    private let ledger: any Ledger
    private let policy: PolicyInForce
    private let desk: CommitDesk
    /// Room for the line at hand.
    private var line: [UInt8] = []

    package init(journal: IntentJournal, ledger: any Ledger, policy: PolicyInForce) {
        self.journal = journal
        self.ledger = ledger
        self.policy = policy
        self.desk = CommitDesk { tickets, result in
            if case .success = result { journal.committed(tickets.lazy.map(IntentJournal.Ticket.init(number:))) }
        }
    }

    package func makeRecorder() -> LiveRecorder { LiveRecorder(self) }

    /// - Returns: nil where the journal has no room and the policy says to serve on from memory.
    fileprivate func begin(_ intent: AttemptIntent) throws(StoreError) -> IntentJournal.Ticket? {
        let waiting = self.ledger.backlogBytes
        if waiting > 0 {
            let isRefused = self.policy.live.policy.server.onLedgerFull == .refuse
            guard !isRefused, waiting < LiveLedger.mostBuffered else { throw StoreError(.full, "the ledger's disk is full") }
        }
        let line = self.encode(intent.entry)
        do throws(StoreError) {
            return try self.journal.append(intent: line.span.bytes, bound: intent.bound)
        } catch {
            guard case .full = error.code, self.policy.live.policy.server.onLedgerFull == .buffer else { throw error }
            return nil
        }
    }

    fileprivate func end(_ entry: LedgerEntry, _ open: LiveRecorder.Open) {
        let line = self.encode(entry)
        var ticket = open.ticket
        if let begun = ticket {
            // A journal that cannot take the end still has the intent: after a crash the attempt would be in doubt, not lost.
            ticket = (try? self.journal.append(end: line.span.bytes, closing: begun)) ?? begun
        }
        self.ledger.append(closing: entry, begun: open.begun, line: line, ticket: ticket?.number, of: self.desk)
    }

    private func encode(_ entry: LedgerEntry) -> [UInt8] {
        self.line.removeAll(keepingCapacity: true)
        ShortLine.append(entry, to: &self.line)
        return self.line
    }
}

/// Records the attempts of one live request.
package final class LiveRecorder: AttemptRecorder {
    fileprivate struct Open {
        var attempt: Int?
        var begun: Timestamp
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
            do throws(StoreError) {
                let ticket = try self.ledger.begin(intent)
                if let open { self.others.append(open) }
                self.open = Open(attempt: intent.entry.attempt, begun: intent.entry.at, ticket: ticket)
            } catch {
                return then(error)
            }
            then(nil)
        }

        package func end(_ entry: LedgerEntry) {
            self.ledger.end(entry, self.take(entry.attempt))
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
