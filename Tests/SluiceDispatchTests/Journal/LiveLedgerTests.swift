import SluiceCore
import SluiceDispatch
import SluiceSQLite
import SluiceTesting
import Testing

@Suite struct LiveLedgerTests {
    /// What the ledger has is no longer the journal's, so a few small segments take any number of calls.
    @Test func theJournalForgetsWhatTheLedgerHas() async throws {
        let folder = TemporaryFolder()
        let database = try SQLiteDatabase(.init(folder: DataFolder(folder.path)), at: Sample.now)
        let ledger = SQLiteLedger(database)
        var limits = IntentJournal.Limits()
        limits.segmentBytes = 16_384
        limits.segments = 4
        let journal = try IntentJournal(folder: folder.path + "/journal", limits: limits)
        let live = LiveLedger(journal: journal, ledger: ledger, policy: PolicyInForce(try await Stage(TestPolicy.make(backends: 1), at: [nil]).live))
        for i in 0..<400 {
            let recorder = live.makeRecorder()
            let subject = Sample.subject("req_\(i)")
            let attempts = i % 3 == 0 ? [1, 2] : [1]
            for attempt in attempts { recorder.begin(Sample.intent(subject, attempt: attempt)) { #expect($0 == nil) } }
            for attempt in attempts { recorder.end(Sample.settled(subject, attempt: attempt)) }
            if i % 10 == 0 { try await stored { ledger.flush(then: $0) } }
        }
        try await stored { ledger.flush(then: $0) }
        let calls = 400 + 134
        #expect(try ledger.head()?.seq == Int64(2 * calls) && ledger.verify(wanted: nil).chain.firstBad == nil)
        #expect(try ledger.rows(ofRequest: "req_3").map { try $0.entry().attempt } == [1, 1, 2, 2])
        let next = try IntentJournal(folder: folder.path + "/journal")
        #expect(try next.replay(at: Sample.now) { _, _ in false }.entries.isEmpty)
        try database.close(at: Sample.now)
    }
}
