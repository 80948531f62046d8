import SluiceCore
import SluiceTesting
import Testing

@Suite struct FocusHourTests {
    private static let doubt = Sample.intent(Sample.subject("b")).inDoubt(at: Sample.now)

    private static func closed(at cost: String) throws -> LedgerEntry {
        let cost = try #require(Money(cost))
        return try #require(Self.doubt.closed(.init(seq: 1, cost: cost, isShared: false), at: Sample.now))
    }

    /// Columns and report tell the same, whatever is certain.
    @Test func boundsBaselineAndWasteAreThoseOfAReport() throws {
        var gone = Sample.settled(Sample.subject("c"), cost: nil, baseline: Money("0.002"))
        gone.kind = .waste
        gone.settlement?.evidence = .lowerBound
        gone.settlement?.costLow = Money("0.0001")
        gone.settlement?.costHigh = Money("0.003")
        let entries = [
            Sample.settled(Sample.subject("a"), cost: Money("0.001"), baseline: Money("0.004")), Self.doubt, gone,
            Sample.settled(Sample.subject("d"), cost: Money("0.005"), baseline: nil).superseded(),
        ]
        for entries in [entries, entries + [try Self.closed(at: "0.000001")]] {
            var measures = RollupMeasures()
            var hour = FocusHour(Sample.now.hour)
            for entry in entries {
                measures.add(entry)
                hour.add(entry)
            }
            func sum(_ column: (FocusCharge) -> MoneySum) -> MoneySum { hour.rows.reduce(into: .zero) { $0 += column($1) } }
            #expect(sum(\.costLow) == measures.costLow && sum(\.costHigh) == measures.costHigh)
            #expect(sum(\.baseline) == measures.baseline && sum(\.waste) == measures.waste)
        }
    }
}
