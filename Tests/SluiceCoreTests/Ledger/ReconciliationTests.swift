import SluiceCore
import Testing

@Suite struct ReconciliationTests {
    private let at = Timestamp(rfc3339: "2026-11-25T12:00:00Z") ?? .distantPast

    private func entry(_ kind: LedgerEntry.Kind = .settled, input: Int, price: String = "2", tier: String? = nil) throws -> LedgerEntry {
        let subject = LedgerEntry.Subject(
            requestID: "req_1", tenant: "t", key: nil, trafficClass: "live", route: "r", model: "chat", serve: .now, tierRequested: nil, policy: "p",
            tags: [:], currency: "USD")
        var entry = LedgerEntry(
            kind: kind, at: self.at, subject: subject, attempt: 1,
            target: .init(pool: "p", backend: "b", backendModel: "m", rateCard: nil), estimate: nil)
        var end = LedgerEntry.Settlement(outcome: .ok, status: 200, evidence: .computed)
        var prices = PerTokenClass<UnitPrice?>(repeating: nil)
        prices.input = UnitPrice(perMillion: price)
        end.usage = TokenUsage(input: input)
        end.unitPrices = UnitPrices(prices)
        end.cost = PricedUsage.cost(of: TokenUsage(input: input), at: UnitPrices(prices), perRequest: .zero)
        end.tierServed = tier
        entry.settlement = end
        return entry
    }

    private func doubt(high: String) throws -> LedgerEntry {
        var entry = try self.entry(.waste, input: 1)
        var end = LedgerEntry.Settlement(outcome: .unknown, status: nil, evidence: .inDoubt)
        end.costLow = .zero
        end.costHigh = Money(high)
        entry.settlement = end
        return entry
    }

    private func reconcile(_ entries: [LedgerEntry], _ lines: [(tier: String?, quantity: Int128?, amount: String)]) -> [String: String] {
        var bill = LedgerBill(backends: ["b"])
        for entry in entries { bill.add(entry) }
        var invoice = Invoice()
        for line in lines {
            var entry = InvoiceLine(day: "2026-11-25", model: "m", meter: InvoiceLine.Meter(.input), tier: line.tier)
            entry.quantity = line.quantity
            entry.amount = MoneySum(line.amount)
            invoice.add(entry, amount: line.amount)
        }
        let found = Reconciliation(invoice, with: bill, days: { _ in true })
        #expect(found.byCause.reduce(into: MoneySum.zero) { $0 += $1.amount } == found.difference)
        return found.byCause.filter { $0.amount != .zero }.reduce(into: [:]) { $0[$1.cause.rawValue] = $1.amount.description }
    }

    @Test func agreesWhereBothSaySo() throws {
        #expect(self.reconcile([try self.entry(input: 1_000_000)], [("default", 1_000_000, "2")]) == [:])
    }

    @Test func takesTheStandardTierByAnyOfItsNames() throws {
        let entries = [try self.entry(input: 1_000_000, tier: "default"), try self.entry(input: 1_000_000, tier: "auto"), try self.entry(input: 1_000_000)]
        #expect(self.reconcile(entries, [("standard", 3_000_000, "6")]) == [:])
    }

    @Test func aSurplusThatACallInDoubtMayHaveCausedIsWaste() throws {
        let entries = [try self.entry(input: 1_000_000), try self.doubt(high: "0.5")]
        #expect(self.reconcile(entries, [(nil, 1_200_000, "2.4")]) == ["waste": "0.4"])
        #expect(self.reconcile(entries, [(nil, 1_300_000, "2.6")]) == ["count_drift": "0.6"])
    }

    @Test(arguments: [
        // The bill has no number of requests, ours and the one in doubt, ours alone, and one more than we know.
        (nil, "2.3", ["waste": "0.3"]), (2, "2.3", ["waste": "0.3"]), (1, "2.3", ["not_invoiced": "0.3"]), (3, "2.3", ["traffic_not_seen": "0.3"]),
        (2, "2.6", ["price_drift": "0.6"]), (nil, "1.7", ["unexplained": "-0.3"]),
    ])
    func aBillWithoutKindsOfTokensMayHaveACallInDoubt(_ requests: Int?, _ amount: String, _ causes: [String: String]) throws {
        var bill = LedgerBill(backends: ["b"])
        for entry in [try self.entry(input: 1_000_000), try self.doubt(high: "0.5")] { bill.add(entry) }
        var line = InvoiceLine(day: "2026-11-25", model: "m", meter: .whole)
        line.requests = requests
        line.amount = MoneySum(amount)
        var invoice = Invoice()
        invoice.add(line, amount: amount + "000000")
        let found = Reconciliation(invoice, with: bill, days: { _ in true }).byCause.filter { $0.amount != .zero }
        #expect(found.reduce(into: [:]) { $0[$1.cause.rawValue] = $1.amount.description } == causes)
    }

    @Test func ourOwnRowsAreRoundedMoreOftenThanABill() throws {
        // 333.3333335 picodollars a token: each of our rows is rounded to a whole one.
        let entries = try (0..<1000).map { _ in try self.entry(input: 1, price: "0.0003333333335") }
        #expect(self.reconcile(entries, [("default", 1000, "0.000000333333")]) == ["rounding": "0.000000000333"])
    }

    @Test func movesCountsBetweenTiersBeforeItBlamesAnythingElse() throws {
        let entries = [try self.entry(input: 1_000_000), try self.entry(input: 500_000, price: "1", tier: "batch")]
        // All of the batch work was billed as ordinary.
        #expect(self.reconcile(entries, [("default", 1_500_000, "3")]) == ["tier_drift": "0.5"])
        // A part of the ordinary work was billed as priority.
        #expect(
            self.reconcile(entries, [("default", 800_000, "1.6"), ("priority", 200_000, "0.8"), ("batch", 500_000, "0.5")]) == ["tier_drift": "0.4"])
    }

    /// Anthropic's cost report names tiers and has no counts.
    @Test func movesAmountsBetweenTiersWhereABillHasNoCounts() throws {
        let entries = [try self.entry(input: 1_000_000)]
        #expect(self.reconcile(entries, [("priority", nil, "4")]) == ["tier_drift": "2"])
        #expect(self.reconcile(entries, [("batch", nil, "1")]) == ["tier_drift": "-1"])
        #expect(self.reconcile(entries, [("default", nil, "1.5"), ("priority", nil, "1")]) == ["tier_drift": "0.5"])
        #expect(self.reconcile(entries, [("default", nil, "2"), ("priority", nil, "4")]) == ["traffic_not_seen": "4"])
    }

    @Test func guessesFromAmountsAlone() throws {
        let entries = [try self.entry(input: 1_000_003)]
        #expect(self.reconcile(entries, [(nil, nil, "2.100006300000")]) == ["price_drift": "0.1000003"])
        #expect(self.reconcile(entries, [(nil, nil, "2.000014")]) == ["count_drift": "0.000008"])
        #expect(self.reconcile(entries, [(nil, nil, "2.01")]) == ["rounding": "0.009994"])
        #expect(self.reconcile(entries, [(nil, nil, "2.000011111111")]) == ["unexplained": "0.000005111111"])
    }

    @Test(arguments: [
        ("Input Tokens", "input"), ("uncached_input_tokens", "input"), ("cache_read_input_tokens", "cached_input"),
        ("cache_creation.ephemeral_5m_input_tokens", "cache_write_5m"), ("cache_creation.ephemeral_1h_input_tokens", "cache_write_1h"),
        ("Output Tokens", "output"), ("reasoning", "output"), ("completion", "output"), ("web_search", "web_search"), ("", "all"),
    ])
    func readsTheWordsOfBills(_ text: String, _ meter: String) {
        #expect(InvoiceLine.Meter(reading: text).name == meter)
    }

    @Test func errorsInOppositeDirectionsDoNotHideOneAnother() throws {
        var bill = LedgerBill(backends: ["b"])
        bill.add(try self.entry(input: 1_000_000))
        var invoice = Invoice()
        for (model, amount) in [("m", "1"), ("other", "1")] {
            var line = InvoiceLine(day: "2026-11-25", model: model, meter: InvoiceLine.Meter(.input))
            line.quantity = model == "m" ? 1_000_000 : 5
            line.amount = MoneySum(amount)
            invoice.add(line, amount: amount)
        }
        let found = Reconciliation(invoice, with: bill, days: { _ in true })
        #expect(found.difference == .zero)
        #expect(!found.isWithin(PriceFactor(millionths: 500_000)))
    }
}
