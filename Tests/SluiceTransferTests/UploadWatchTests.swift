import Testing

@testable import SluiceTransfer

@Suite struct UploadWatchTests {
    private final class Call {
        var taken: Int? = 0
    }

    private func stalled(_ watch: inout UploadWatch<Call>, at second: UInt64) -> Int { watch.look(at: second * 1_000_000_000) { $0.taken }.count }

    @Test func aBackendThatTakesNothingForTenSecondsHasStopped() {
        let call = Call()
        var watch = UploadWatch<Call>()
        watch.add(call, at: 0)
        call.taken = 1000
        #expect((1...10).map { self.stalled(&watch, at: $0) } == [Int](repeating: 0, count: 10))
        #expect(self.stalled(&watch, at: 11) == 1)
        #expect(watch.alarm == nil)
    }

    @Test func aBackendThatReadsSlowlyIsWaitedFor() {
        let call = Call()
        var watch = UploadWatch<Call>()
        watch.add(call, at: 0)
        for second in 1...100 as ClosedRange<UInt64> {
            if second % 9 == 0 { call.taken = Int(second) }
            #expect(self.stalled(&watch, at: second) == 0)
        }
    }

    @Test func theConnectionIsNotWaitedForHere() {
        let call = Call()
        var watch = UploadWatch<Call>()
        watch.add(call, at: 0)
        #expect((1...30).map { self.stalled(&watch, at: $0) }.allSatisfy { $0 == 0 })
    }

    /// Between two looks thousands may come and go, each with its body.
    @Test func aCallThatIsOverIsNotKept() {
        var watch = UploadWatch<Call>()
        weak var last: Call?
        do {
            let call = Call()
            last = call
            watch.add(call, at: 0)
        }
        #expect(last == nil)
        #expect(self.stalled(&watch, at: 1) == 0 && watch.alarm == nil)
    }

    @Test func whatIsTakenIsNotLookedAtAnyMore() {
        let call = Call()
        var watch = UploadWatch<Call>()
        watch.add(call, at: 0)
        #expect(watch.alarm != nil)
        call.taken = nil
        #expect(self.stalled(&watch, at: 1) == 0 && watch.alarm == nil)
    }
}
