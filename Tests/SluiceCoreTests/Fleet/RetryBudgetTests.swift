import SluiceCore
import Testing

/// `promises.md` P20: amplification of at most 1.2, and ten free ones.
@Suite struct RetryBudgetTests {
    @Test func tenAreFree() {
        var budget = RetryBudget()
        #expect((0..<11).map { _ in budget.take() } == Array(repeating: true, count: 10) + [false])
    }

    @Test(arguments: [0.01, 0.1, 0.5, 1.0])
    func addsAFifthOfTheLoadAtMost(_ failureRate: Double) {
        var budget = RetryBudget()
        var calls = 0
        let requests = 10_000
        for request in 0..<requests {
            budget.noteFirstAttempt()
            calls += 1
            // Every attempt of a failing request fails, and three are made if the budget allows.
            let fails = Double(request * 7919 % requests) < failureRate * Double(requests)
            for _ in 0..<2 where fails && budget.take() { calls += 1 }
        }
        #expect(Double(calls) <= 1.2 * Double(requests) + 10)
    }

    @Test func savesNoMoreThanTen() {
        var budget = RetryBudget()
        for _ in 0..<1000 { budget.noteFirstAttempt() }
        #expect((0..<20).count { _ in budget.take() } == 10)
    }
}
