import SluiceCore
import Testing

/// A bill that closes calls in doubt (`promises.md` P5).
@Suite struct OpenDoubtsTests {
    private let at = Timestamp(rfc3339: "2026-11-25T12:00:00Z") ?? .distantPast

    private func doubt(_ low: String, _ high: String, kind: LedgerEntry.Kind = .inDoubt) -> LedgerEntry {
        let subject = LedgerEntry.Subject(
            requestID: "req_\(low)_\(high)", tenant: "t", key: nil, trafficClass: "live", route: "r", model: "chat", serve: .now, tierRequested: nil,
            policy: "p", tags: [:], currency: "USD")
        var entry = LedgerEntry(
            kind: kind, at: self.at, subject: subject, attempt: 1, target: .init(pool: "p", backend: "b", backendModel: "m", rateCard: nil), estimate: nil)
        entry.settlement = .init(outcome: .unknown, status: nil, evidence: .inDoubt)
        entry.settlement?.costLow = Money(low)
        entry.settlement?.costHigh = Money(high)
        return entry
    }

    private func reconciliation(_ entries: [LedgerEntry], billed: [(model: String, amount: String)]) -> Reconciliation {
        var bill = LedgerBill(backends: ["b"])
        for (index, entry) in entries.enumerated() { bill.add(entry, seq: Int64(index + 1)) }
        var invoice = Invoice()
        for line in billed {
            var entry = InvoiceLine(day: "2026-11-25", model: line.model, meter: .output)
            entry.amount = MoneySum(line.amount)
            invoice.add(entry, amount: line.amount)
        }
        return Reconciliation(invoice, with: bill, days: { _ in true })
    }

    private func closings(_ entries: [LedgerEntry], billed amount: String) -> [String] {
        self.reconciliation(entries, billed: [("m", amount)]).closings.map { "\($0.seq) \($0.cost)\($0.isShared ? " shared" : "")" }
    }

    @Test func oneCallGetsWhatTheBillHas() {
        #expect(self.closings([self.doubt("0.1", "0.9")], billed: "0.123456789012") == ["1 0.123456789012"])
    }

    @Test func severalShareItByTheWidthOfTheirIntervals() {
        #expect(self.closings([self.doubt("0", "1"), self.doubt("0", "3")], billed: "2") == ["1 0.5 shared", "2 1.5 shared"])
        #expect(self.closings([self.doubt("0.5", "0.5"), self.doubt("0", "1")], billed: "0.75") == ["1 0.5 shared", "2 0.25 shared"])
    }

    @Test(arguments: ["0.000000000001", "0.1", "0.333333333333", "2.999999999999", "3"])
    func theSumIsExactAndEachStaysWithinItsBounds(_ amount: String) throws {
        let entries = (0..<7).map { self.doubt("0", "0.\($0 % 3 + 1)00000000007") } + [self.doubt("0", "2")]
        let found = self.reconciliation(entries, billed: [("m", amount)]).closings
        #expect(found.reduce(into: MoneySum.zero) { $0 += MoneySum($1.cost) } == MoneySum(amount))
        for closing in found { #expect(closing.cost >= .zero && closing.cost <= entries[Int(closing.seq) - 1].settlement?.costHigh ?? .zero) }
        #expect(found.count == entries.count)
    }

    @Test func whatIsNotWithinTheBoundsClosesNothing() {
        #expect(self.closings([self.doubt("0.1", "0.9")], billed: "0.05") == [])
        #expect(self.closings([self.doubt("0.1", "0.9")], billed: "0.91") == [])
    }

    @Test func anotherModelIsNoneOfItsBusiness() {
        let found = self.reconciliation([self.doubt("0", "1")], billed: [("other", "0.5")])
        #expect(found.closings.isEmpty && found.doubts.calls == 1)
    }

    @Test func aCorrectionClosesTheIntervalAndTheSumsFollow() throws {
        let entry = self.doubt("0.1", "0.9")
        let closing = try #require(self.reconciliation([entry], billed: [("m", "0.4")]).closings.first)
        let correction = try #require(entry.closed(closing, at: self.at + .seconds(86_400)))
        #expect(correction.settlement?.costLow == Money("0.3") && correction.settlement?.costHigh == Money("-0.5"))
        var sums = RollupMeasures()
        sums.add(entry)
        #expect(sums.waste == MoneySum("0.9") && sums[.inDoubt] == 1)
        sums.add(correction)
        #expect(sums.waste == MoneySum("0.4") && sums.costLow == MoneySum("0.4") && sums.costHigh == MoneySum("0.4") && sums.cost == .zero)
        #expect(sums[.inDoubt] == 0 && sums[.providerReported] == 1 && sums.attempts == 1 && sums.isCertain)
        let again = self.reconciliation([entry, correction], billed: [("m", "0.4")])
        #expect(again.closings.isEmpty && again.doubts.calls == 0 && again.isWithin(PriceFactor(millionths: 0)))
    }

    @Test func aCostOutsideTheBoundsIsNotBooked() {
        #expect(self.doubt("0.1", "0.9").closed(.init(seq: 1, cost: Money("0.95") ?? .zero, isShared: false), at: self.at) == nil)
    }
}
