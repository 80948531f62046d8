import SluiceCore
import Testing

@Suite struct SubstitutionTests {
    private func rule(_ millionths: Int64?) -> Substitution {
        var rule = Substitution(index: 0, models: [0], with: 1, why: "smaller", classes: [0])
        rule.verify = millionths.map { PriceFactor(millionths: $0) }
        return rule
    }

    @Test(arguments: [(20_000, 1_000...1_450), (500_000, 29_000...31_000), (1_000_000, 60_000...60_000), (0, 0...0)])
    func verifiesItsShareOfRequests(_ share: Int64, _ range: ClosedRange<Int>) {
        var ids = RequestIDs()
        let rule = self.rule(share)
        let count = (0..<60_000).count { _ in rule.verifies(ids.next("req_", at: 1_764_000_000_000)) }
        #expect(range.contains(count), "\(count) of 60000")
    }

    @Test func tellsTheSameOfARequestEachTime() {
        let rule = self.rule(500_000)
        for id in ["req_1", "req_01kb0n3v8g0000zzzzzzzzzzzz", ""] { #expect(rule.verifies(id) == rule.verifies(id)) }
        #expect(!self.rule(nil).verifies("req_1"))
    }
}
