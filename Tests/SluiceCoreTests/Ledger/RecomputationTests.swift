import SluiceCore
import Testing

@Suite struct RecomputationTests {
    private let noon = Timestamp(rfc3339: "2026-11-25T12:00:00Z") ?? .distantPast
    private let usage = TokenUsage(input: 1_000_000, output: 1000)

    private static func card(_ input: String, until end: Timestamp? = nil, from start: Timestamp? = nil) -> RateCard {
        var prices = RateCard.Prices(repeating: nil)
        prices.input = TokenPrice(perMillion: input)
        prices.output = TokenPrice(perMillion: "10")
        var card = RateCard(revision: "at \(input)", prices: prices)
        card.validFrom = start
        card.validUntil = end
        return card
    }

    /// The backend `premium` is the baseline; `other` has the same model.
    private func policy(premium: [RateCard], other: [RateCard] = [card("1")], owned: Bool = false) -> PolicySet {
        var parts = PolicySet.Parts()
        parts.backends = [Backend(index: 0, name: "premium", api: .openai), Backend(index: 1, name: "other", api: .vllm)]
        parts.backends[0].prices = .every(premium)
        parts.backends[1].prices = .every(other)
        if owned {
            parts.backends[1].owned = Backend.Owned(
                capex: .zero, lifeMonths: 36, residual: PriceFactor(millionths: 0), monthlyOpex: .zero, gpus: 1, charge: .byGPUSecond)
        }
        parts.models = [Model(index: 0, name: "chat", offers: [Model.Offer(name: "m"), Model.Offer(name: "m")])]
        parts.baseline = Baseline(backend: 0, model: .requested, ignoresCache: false)
        return PolicySet(parts)
    }

    /// As it was booked at 2.5 a million, whoever served it.
    private func entry(at backend: String, cost: String? = "2.51", baseline: String? = "2.51", kind: LedgerEntry.Kind = .settled) -> LedgerEntry {
        let subject = LedgerEntry.Subject(
            requestID: "req_1", tenant: "t", key: nil, trafficClass: "live", route: "r", model: "chat", serve: .now, tierRequested: nil, policy: "p",
            tags: [:], currency: "USD")
        var entry = LedgerEntry(
            kind: kind, at: self.noon, subject: subject, attempt: 1,
            target: .init(pool: backend, backend: backend, backendModel: "m", rateCard: "at 2.5"), estimate: nil)
        var end = LedgerEntry.Settlement(outcome: .ok, status: 200, evidence: cost == nil ? .unpriced : .computed)
        end.usage = self.usage
        end.cost = cost.flatMap { Money($0) }
        end.costLow = end.cost
        end.costHigh = end.cost
        end.baseline = baseline.flatMap { Money($0) }
        if let cost = end.cost, let baseline = end.baseline {
            end.levers = .init(model: .zero, backend: baseline - cost, lane: .zero, window: .zero, cache: .zero)
        }
        end.total = .milliseconds(800)
        entry.settlement = end
        return entry
    }

    private func sums(_ entries: LedgerEntry?...) -> RollupMeasures {
        entries.compactMap { $0 }.reduce(into: RollupMeasures()) { $0.add($1) }
    }

    private func saved(_ measures: RollupMeasures) -> String {
        #expect(measures.waterfall.reduce(into: MoneySum.zero) { $0 += $1.amount } == measures.saved)
        return measures.saved.description
    }

    private func correct(_ entry: LedgerEntry, by policy: PolicySet, after earlier: LedgerEntry? = nil) throws -> LedgerEntry {
        var books = Recomputation(policy: policy)
        if let earlier { books.note(earlier) }
        let correction = books.correction(of: entry, seq: 7, at: self.noon + .seconds(60))
        return try #require(correction)
    }

    @Test func theSamePricesNeedNoCorrection() {
        var books = Recomputation(policy: self.policy(premium: [Self.card("2.5")]))
        #expect(books.correction(of: self.entry(at: "premium"), seq: 1, at: self.noon) == nil)
        #expect(books.entries == 1 && books.corrections == 0)
    }

    @Test func theRouteOfTheBaselineStillSavesNothing() throws {
        let entry = self.entry(at: "premium")
        let correction = try self.correct(entry, by: self.policy(premium: [Self.card("2.6")]))
        #expect(correction.settlement?.cost == Money("0.1") && correction.corrects == 7 && correction.target?.rateCard == "at 2.6")
        let sums = self.sums(entry, correction)
        #expect(sums.cost.description == "2.61" && sums.baseline.description == "2.61" && self.saved(sums) == "0" && sums.requests == 1)
    }

    @Test func aBaselineElsewhereStaysAsItWasDecided() throws {
        let entry = self.entry(at: "other", cost: "1.01")
        let policy = self.policy(premium: [Self.card("99")], other: [Self.card("2")])
        let correction = try self.correct(entry, by: policy)
        let sums = self.sums(entry, correction)
        #expect(sums.cost.description == "2.01" && sums.baseline.description == "2.51" && self.saved(sums) == "0.5")
    }

    @Test func whatHadNoPriceGetsOneAndABaseline() throws {
        let entry = self.entry(at: "other", cost: nil, baseline: nil)
        let policy = self.policy(premium: [Self.card("2.5")])
        #expect(self.sums(entry).unpriced == 1)
        let correction = try self.correct(entry, by: policy)
        let sums = self.sums(entry, correction)
        #expect(sums.unpriced == 0 && sums.unbaselined == 0 && sums.coverage == 1_000_000 && sums.cost.description == "1.01" && self.saved(sums) == "1.5")
    }

    @Test func wasteStaysWaste() throws {
        let entry = self.entry(at: "premium", baseline: nil, kind: .waste)
        let policy = self.policy(premium: [Self.card("3")])
        let correction = try self.correct(entry, by: policy)
        let sums = self.sums(entry, correction)
        #expect(sums.cost == .zero && sums.waste.description == "3.01" && sums.unbaselined == 0 && self.saved(sums) == "-3.01")
    }

    @Test func earlierCorrectionsCount() throws {
        let entry = self.entry(at: "premium")
        let one = try self.correct(entry, by: self.policy(premium: [Self.card("3")]))
        var again = Recomputation(policy: self.policy(premium: [Self.card("3")]))
        again.note(one)
        #expect(again.correction(of: entry, seq: 7, at: self.noon) == nil)
        let two = try self.correct(entry, by: self.policy(premium: [Self.card("2")]), after: one)
        #expect(two.settlement?.cost == Money("-1") && two.before?.cost == Money("3.01"))
        let sums = self.sums(entry, one, two)
        #expect(sums.cost.description == "2.01" && self.saved(sums) == "0" && sums.costHigh == sums.cost)
    }

    @Test func aPriceThatIsGoneCorrectsNothing() {
        var books = Recomputation(policy: self.policy(premium: []))
        #expect(books.correction(of: self.entry(at: "premium"), seq: 1, at: self.noon) == nil && books.unpriced == 1)
    }

    @Test func hardwareOfOnesOwnIsNotPricedAgain() {
        var books = Recomputation(policy: self.policy(premium: [Self.card("2.5")], owned: true))
        #expect(books.correction(of: self.entry(at: "other", cost: "0.5"), seq: 1, at: self.noon) == nil && books.entries == 0)
    }

    /// The row says noon, but the answer may have been whole a moment before.
    @Test func theEdgeOfACardIsNoMistake() {
        let cards = [Self.card("2.5", until: self.noon), Self.card("3", from: self.noon)]
        var books = Recomputation(policy: self.policy(premium: cards))
        #expect(books.correction(of: self.entry(at: "premium"), seq: 1, at: self.noon) == nil)
        #expect(books.correction(of: self.entry(at: "premium", cost: "3.01"), seq: 2, at: self.noon) == nil)
    }

    @Test func aCorrectionCanBeReadFromItsLine() throws {
        let correction = try self.correct(self.entry(at: "premium"), by: self.policy(premium: [Self.card("2.6")]))
        let body = LedgerLine.body(of: correction)
        let read = try LedgerLine.read(body: body)
        #expect(read.before?.cost == Money("2.51") && read.before?.usage == self.usage && read.before?.at == self.noon && LedgerLine.body(of: read) == body)
    }
}
