import SluiceCore
import Testing

@Suite struct DeferredPaceTests {
    /// When the backend is expected back, in seconds.
    private func back(_ ends: [(DeferredPace.End, second: Int)]) -> Int64? {
        var pace = DeferredPace(ceiling: nil)
        for (end, second) in ends {
            pace.begin()
            pace.end(end, tokens: 100, held: .milliseconds(10), at: self.at(second))
        }
        return pace.expectedBack.map { $0.nanoseconds / 1_000_000_000 }
    }

    private func at(_ second: Int) -> MonotonicInstant { MonotonicInstant(nanoseconds: 0) + .seconds(second) }

    @Test func whatHasTakenNothingForAWhileIsThoughtToTakeNothingForAsLongAgain() {
        #expect(self.back([]) == nil)
        #expect(self.back([(.tooMuch, 100)]) == 100)
        #expect(self.back([(.tooMuch, 100), (.tooMuch, 103), (.tooMuch, 110)]) == 120)
    }

    @Test func whereNobodyIsThereItIsEightTimesAsLong() {
        #expect(self.back([(.unreachable, 100), (.unreachable, 110)]) == 190)
        #expect(self.back([(.unreachable, 100), (.tooMuch, 110)]) == 120, "somebody is there again")
    }

    @Test func anAnswerEndsItAndOtherEndsSayNothing() {
        #expect(self.back([(.tooMuch, 100), (.tooMuch, 110), (.answered, 111)]) == nil)
        #expect(self.back([(.tooMuch, 100), (.tooMuch, 110), (.answered, 111), (.tooMuch, 112)]) == 112)
        #expect(self.back([(.tooMuch, 100), (.tooMuch, 110), (.other, 115)]) == 120)
    }
}
