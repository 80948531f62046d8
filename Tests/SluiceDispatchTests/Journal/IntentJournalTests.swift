import FoundationEssentials
import SluiceCore
import SluiceDispatch
import SluiceTesting
import Testing

@Suite struct IntentJournalTests {
    private let folder = TemporaryFolder()

    private func open(_ limits: IntentJournal.Limits = .init()) throws -> IntentJournal { try IntentJournal(folder: self.folder.path, limits: limits) }

    /// What the next process finds when this one is killed now: the files as they are.
    private func replay(closed: Set<String> = []) throws -> JournalReplay {
        let image = TemporaryFolder()
        for name in try FileManager.default.contentsOfDirectory(atPath: self.folder.path) {
            try FileManager.default.copyItem(atPath: self.folder.path + "/" + name, toPath: image.path + "/" + name)
        }
        return try self.replay(IntentJournal(folder: image.path), closed: closed)
    }

    private func replay(_ journal: IntentJournal, closed: Set<String> = []) throws -> JournalReplay {
        try journal.replay(at: Sample.now + .seconds(60)) { id, attempt in closed.contains("\(id) \(attempt)") }
    }

    @Test func isEmptyAtFirst() throws {
        let replay = try self.replay()
        #expect(replay.ends.isEmpty && replay.damaged == 0)
    }

    @Test func intentWithoutAnEndIsInDoubtWithItsBound() throws {
        let journal = try self.open()
        _ = try journal.append(Sample.intent(Sample.subject("req_1"), bound: Money("0.05")))
        let replay = try self.replay()
        let end = try #require(replay.ends.first?.entry)
        #expect(replay.inDoubt == 1 && end.kind == .inDoubt && end.subject?.requestID == "req_1")
        #expect(end.settlement?.costLow == .zero && end.settlement?.costHigh == Money("0.05") && end.settlement?.cost == nil)
        #expect(end.at == Sample.now + .seconds(60))
    }

    @Test func intentWithoutAPriceIsUnpriced() throws {
        let journal = try self.open()
        _ = try journal.append(Sample.intent(Sample.subject("req_1"), bound: nil))
        let end = try #require(try self.replay().ends.first?.entry)
        #expect(end.settlement?.evidence == .unpriced && end.settlement?.costHigh == nil)
    }

    @Test func endIsReplayedAsItWasWritten() throws {
        let journal = try self.open()
        let subject = Sample.subject("req_1", tags: ["a": "b\n\"c\""])
        let end = SealedEntry(Sample.settled(subject))
        _ = try journal.append(end: end, closing: try journal.append(Sample.intent(subject)))
        let replay = try self.replay()
        #expect(replay.ends.map(\.line) == [end.line])
        #expect(replay.inDoubt == 0)
    }

    /// They were whole lines.
    @Test func recordsOfEarlierVersionsAreReadToo() throws {
        let journal = try self.open()
        let intent = Sample.intent(Sample.subject("req_1", tags: ["a": "b\n\"c\""]), bound: Money("0.05"))
        let line = LedgerLine.body(of: intent.entry)
        _ = try journal.append(intent: line.span.bytes, bound: intent.bound)
        let replay = try self.replay()
        #expect(replay.damaged == 0 && replay.entries.map(\.line) == [ShortLine(intent.entry), ShortLine(intent.inDoubt(at: Sample.now + .seconds(60)))])
    }

    @Test func whatTheLedgerHasIsLeftOut() throws {
        let journal = try self.open()
        for i in 1...3 { _ = try journal.append(Sample.intent(Sample.subject("req_\(i)"))) }
        let replay = try self.replay(closed: ["req_1 1", "req_3 1"])
        #expect(replay.ends.map(\.entry.subject?.requestID) == ["req_2"])
    }

    @Test func committedRecordsAreNotReplayed() throws {
        let journal = try self.open()
        let subject = Sample.subject("req_1")
        let ticket = try journal.append(end: SealedEntry(Sample.settled(subject)), closing: try journal.append(Sample.intent(subject)))
        journal.committed([ticket])
        _ = try journal.append(Sample.intent(Sample.subject("req_2")))
        let replay = try self.replay()
        #expect(replay.ends.map(\.entry.subject?.requestID) == ["req_2"])
    }

    @Test func leftoversStayUntilTheyAreForgotten() throws {
        try { _ = try self.open().append(Sample.intent(Sample.subject("req_1"))) }()
        let second = try self.open()
        #expect(try self.replay(second).ends.count == 1)
        #expect(try self.replay().ends.count == 1)
        second.forgetLeftovers()
        #expect(try self.replay().ends.isEmpty)
    }

    @Test func closingRemovesWhatTheLedgerHas() throws {
        let journal = try self.open()
        journal.committed([try journal.append(Sample.intent(Sample.subject("req_1")))])
        journal.close()
        #expect(try self.replay().ends.isEmpty)
    }

    @Test func segmentsAreUsedAgain() throws {
        var limits = IntentJournal.Limits()
        limits.segmentBytes = 16_384
        limits.segments = 3
        let journal = try self.open(limits)
        for i in 0..<2000 {
            let subject = Sample.subject("req_\(i)")
            journal.committed([try journal.append(end: SealedEntry(Sample.settled(subject)), closing: try journal.append(Sample.intent(subject)))])
        }
        #expect(try self.replay().ends.isEmpty)
    }

    @Test func refusesWhenEverySegmentHoldsSomething() throws {
        var limits = IntentJournal.Limits()
        limits.segmentBytes = 4096
        limits.segments = 2
        let journal = try self.open(limits)
        var tickets: [IntentJournal.Ticket] = []
        let error = #expect(throws: StoreError.self) {
            while tickets.count < 100 { tickets.append(try journal.append(Sample.intent(Sample.subject("req_\(tickets.count)")))) }
        }
        #expect(error?.code == .full)
        journal.committed(tickets)
        #expect(throws: Never.self) { try journal.append(Sample.intent(Sample.subject("req_more"))) }
    }

    @Test func replayKeepsTheOrderOverSegments() throws {
        var limits = IntentJournal.Limits()
        limits.segmentBytes = 4096
        let journal = try self.open(limits)
        for i in 0..<40 {
            let subject = Sample.subject("req_\(i)")
            _ = try journal.append(end: SealedEntry(Sample.settled(subject)), closing: try journal.append(Sample.intent(subject)))
        }
        #expect(try self.replay().ends.map(\.entry.subject?.requestID) == (0..<40).map { "req_\($0)" })
    }

    @Test func tornLastRecordIsIgnored() throws {
        let journal = try self.open()
        for i in 1...3 { _ = try journal.append(Sample.intent(Sample.subject("req_\(i)"))) }
        try self.damage { bytes, starts in bytes[starts[2] + 100] ^= 1 }
        let replay = try self.replay()
        #expect(replay.ends.map(\.entry.subject?.requestID) == ["req_1", "req_2"] && replay.damaged == 0)
    }

    @Test func damageInTheMidstIsReported() throws {
        let journal = try self.open()
        for i in 1...3 { _ = try journal.append(Sample.intent(Sample.subject("req_\(i)"))) }
        try self.damage { bytes, starts in bytes[starts[1] + 100] ^= 1 }
        let replay = try self.replay()
        #expect(replay.ends.map(\.entry.subject?.requestID) == ["req_1", "req_3"] && replay.damaged == 1)
    }

    /// Changes bytes of the one segment; `starts` is where its records begin.
    private func damage(_ change: (inout [UInt8], [Int]) -> Void) throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: self.folder.path).map { self.folder.path + "/" + $0 }
        for file in files {
            var bytes = [UInt8](try Data(contentsOf: URL(filePath: file)))
            var starts: [Int] = []
            var position = 64
            // The segment to come may be in the making, and have no bytes yet.
            while position + 8 <= bytes.count, bytes[position..<position + 8].contains(where: { $0 != 0 }) {
                starts.append(position)
                let length = (0..<4).reduce(0) { $0 | Int(bytes[position + $1]) << ($1 * 8) }
                position += 24 + (length + 7) & ~7
            }
            guard !starts.isEmpty else { continue }
            change(&bytes, starts)
            try Data(bytes).write(to: URL(filePath: file))
        }
    }
}

extension IntentJournal {
    fileprivate func append(_ intent: AttemptIntent) throws(StoreError) -> Ticket {
        let line = ShortLine(intent.entry).bytes
        return try self.append(intent: line.span.bytes, bound: intent.bound)
    }

    fileprivate func append(end: SealedEntry, closing ticket: Ticket) throws(StoreError) -> Ticket {
        let line = end.line.bytes
        return try self.append(end: line.span.bytes, closing: ticket)
    }
}
