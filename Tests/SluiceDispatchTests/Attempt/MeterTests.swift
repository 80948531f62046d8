import SluiceCore
import SluiceDispatch
import Testing

/// What attempts cost, and what the baseline would have taken (`ledger.md`).
@Suite struct MeterTests {
    private let noon = Timestamp(milliseconds: 1_795_000_000_000)

    /// Two backends that serve `chat` and `small`; the prices of each by the model's own name.
    private func policy(_ change: (inout PolicySet.Parts) -> Void = { _ in }) -> PolicySet {
        TestPolicy.make(backends: 2) { parts in
            parts.models.append(Model(index: 1, name: "small", offers: [Model.Offer(name: "own-small"), Model.Offer(name: "own-small")]))
            for backend in 0..<2 {
                parts.backends[backend].prices = .perModel([
                    "own": [Self.card(input: backend == 0 ? "10" : "4", output: backend == 0 ? "20" : "8")],
                    "own-small": [Self.card(input: "1", output: "2")],
                ])
            }
            change(&parts)
        }
    }

    private static func card(input: String, output: String) -> RateCard {
        var prices = RateCard.Prices(repeating: nil)
        prices.input = TokenPrice(perMillion: input)
        prices.cachedInput = TokenPrice(perMillion: "0.1")
        prices.output = TokenPrice(perMillion: output)
        return RateCard(revision: "card", prices: prices)
    }

    private func request(_ change: (inout InferenceRequest) -> Void = { _ in }) -> InferenceRequest {
        var request = InferenceRequest(endpoint: .chat, tenant: "default", model: "chat")
        request.promptBytes = 4000
        request.inputTokens = 1000
        request.maxTokens = 500
        change(&request)
        return request
    }

    private func meter(_ policy: PolicySet, _ request: InferenceRequest? = nil, model: Int = 0) -> Meter {
        var decision = Decision(route: 0, trafficClass: 0, requested: 0, budget: LatencyBudget())
        decision.model = model
        return Meter(policy: policy, request: request ?? self.request(), decision: decision, at: self.noon)
    }

    private func candidate(_ policy: PolicySet, backend: Int, model: Int = 0) throws -> Route.Candidate {
        var decision = Decision(route: 0, trafficClass: 0, requested: 0, budget: LatencyBudget())
        decision.model = model
        let now = Now(wall: self.noon, monotonic: MonotonicInstant(nanoseconds: 0))
        let route = RoutePlanner(policy: policy).plan(self.request(), decision, at: now, chance: 0) { _ in BackendCondition() }
        return try #require(route.candidates.first { $0.backend == backend })
    }

    private func facts(_ usage: TokenUsage?, addsUp: Bool = true, isAbsurd: Bool = false, _ change: (inout AnswerFacts) -> Void = { _ in }) -> AnswerFacts {
        var facts = AnswerFacts()
        facts.usage = usage.map { ReportedUsage(usage: $0, addsUp: addsUp, isAbsurd: isAbsurd) }
        change(&facts)
        return facts
    }

    private func answered(_ policy: PolicySet, backend: Int, model: Int = 0, _ facts: AnswerFacts, request: InferenceRequest? = nil) throws
        -> LedgerEntry.Settlement
    {
        self.meter(policy, request, model: model).answered(
            .ok, status: 200, candidate: try self.candidate(policy, backend: backend, model: model), facts: facts, share: nil, at: self.noon)
    }

    @Test func theSameBackendAsTheBaselineSavesNothing() throws {
        let end = try self.answered(self.policy(), backend: 0, self.facts(TokenUsage(input: 1000, output: 100)))
        #expect(end.cost == Money("0.012") && end.baseline == end.cost && end.levers == .zero && end.evidence == .computed)
    }

    /// Half price at any time, at the baseline's own backend: that is no lever, and what its tiers change is the lane's.
    @Test func aWindowOfTheBaselineIsNoLever() throws {
        let policy = self.policy { parts in
            parts.windows["always"] = .not(.any([]))
            var card = Self.card(input: "10", output: "20")
            card.windows = [.init(name: "always", factor: PriceFactor(millionths: 500_000))]
            card.tiers["priority"] = RateCard.Tier(factor: PriceFactor(millionths: 2_000_000))
            parts.backends[0].prices = .perModel(["own": [card]])
        }
        let usage = TokenUsage(input: 1000, output: 100)
        let end = try self.answered(policy, backend: 0, self.facts(usage))
        #expect(end.cost == Money("0.006") && end.baseline == end.cost && end.levers == .zero)
        let urgent = try self.answered(policy, backend: 0, self.facts(usage) { $0.tier = "priority" })
        #expect(urgent.cost == Money("0.012") && urgent.baseline == Money("0.006"))
        #expect(urgent.levers?.lane == Money("-0.006") && urgent.levers?.backend == .zero && urgent.levers?.window == .zero)
    }

    @Test func theLowBoundKnowsTheTierThatWasAskedFor() throws {
        let policy = self.policy { parts in
            var card = Self.card(input: "10", output: "20")
            card.tiers["flex"] = RateCard.Tier(factor: PriceFactor(millionths: 500_000))
            parts.backends[0].prices = .perModel(["own": [card]])
        }
        func low(_ request: InferenceRequest, tier: String?) throws -> Money? {
            try self.answered(
                policy, backend: 0,
                self.facts(nil) {
                    $0.tier = tier
                    $0.tokens = 100
                }, request: request
            ).costLow
        }
        let plain = try #require(try low(self.request(), tier: nil))
        #expect(try low(self.request { $0.serviceTier = "flex" }, tier: nil)?.pico == plain.pico / 2)
        #expect(try low(self.request { $0.serviceTier = "flex" }, tier: "default") == plain)
    }

    @Test func aCheaperBackendIsTheBackendsLever() throws {
        let end = try self.answered(self.policy(), backend: 1, self.facts(TokenUsage(input: 1000, output: 100)))
        #expect(end.cost == Money("0.0048") && end.baseline == Money("0.012"))
        #expect(end.levers?.backend == Money("0.0072") && end.levers?.model == .zero)
    }

    @Test func aSubstitutedModelIsTheModelsLever() throws {
        let end = try self.answered(self.policy(), backend: 0, model: 1, self.facts(TokenUsage(input: 1000, output: 100)))
        #expect(end.cost == Money("0.0012") && end.baseline == Money("0.012") && end.levers?.model == Money("0.0108") && end.levers?.backend == .zero)
    }

    @Test func leversAddUpWhateverWasPaid() throws {
        let policy = self.policy { $0.baseline?.ignoresCache = true }
        for (backend, model) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
            let end = try self.answered(policy, backend: backend, model: model, self.facts(TokenUsage(input: 300, cachedInput: 700, output: 100)))
            let levers = try #require(end.levers)
            #expect(levers.model + levers.backend + levers.lane + levers.window + levers.cache == (end.baseline ?? .zero) - (end.cost ?? .zero))
        }
    }

    @Test func whatCannotBeIsAnIntervalAndFlagged() throws {
        let absurd = try self.answered(self.policy(), backend: 0, self.facts(TokenUsage(input: 1, output: 1), isAbsurd: true))
        #expect(absurd.cost == nil && absurd.flags == [.unreconciled, .usageAbsurd] && absurd.evidence == .estimated)
        let odd = try self.answered(self.policy(), backend: 0, self.facts(TokenUsage(input: 1000, output: 100), addsUp: false))
        #expect(odd.cost == nil && odd.flags == [.unreconciled] && odd.usage?.input == 1000)
        let tooFew = try self.answered(self.policy(), backend: 0, self.facts(TokenUsage(input: 1000, output: 3)) { $0.tokens = 10 })
        #expect(tooFew.cost == nil && tooFew.flags == [.unreconciled])
    }

    @Test func withoutAUsageTheBoundsComeFromOurOwnCount() throws {
        let end = try self.answered(self.policy(), backend: 0, self.facts(nil) { $0.tokens = 10 })
        // 4000 bytes are 500 to 4000 tokens, an input read from the cache is the cheapest; 10 tokens were seen, 500 allowed.
        #expect(end.costLow == Money("0.00025") && end.costHigh == Money("0.05") && end.evidence == .estimated)
    }

    @Test func moreThanWasAllowedIsFlagged() throws {
        let end = try self.answered(self.policy(), backend: 0, self.facts(TokenUsage(input: 1, output: 501)))
        #expect(end.flags == [.overMaxTokens])
        let two = try self.answered(self.policy(), backend: 0, self.facts(TokenUsage(input: 1, output: 501)), request: self.request { $0.choices = 2 })
        #expect(two.flags == [])
    }

    @Test func aModelWithoutAPriceIsUnpricedAndNeverFree() throws {
        let policy = self.policy { $0.backends[1].prices = .every([]) }
        let end = try self.answered(policy, backend: 1, self.facts(TokenUsage(input: 1000, output: 100)))
        #expect(end.evidence == .unpriced && end.cost == nil && end.costHigh == nil && end.usage?.input == 1000)
        #expect(self.meter(policy).bound(for: try self.candidate(policy, backend: 1), at: self.noon) == nil)
    }

    @Test func theModelThatAnsweredIsPricedWhereItHasACardOfItsOwn() throws {
        let served = try self.answered(self.policy(), backend: 0, self.facts(TokenUsage(input: 1000)) { $0.model = "own-small" })
        #expect(served.cost == Money("0.001") && served.modelServed == "own-small")
        let unknown = try self.answered(self.policy(), backend: 0, self.facts(TokenUsage(input: 1000)) { $0.model = "own-2026-05-01" })
        #expect(unknown.cost == Money("0.01"))
    }

    @Test func theBoundIsNeverBelowWhatAnAnswerMayCost() throws {
        let policy = self.policy()
        let bound = try #require(self.meter(policy).bound(for: self.candidate(policy, backend: 0), at: self.noon))
        let most = try self.answered(policy, backend: 0, self.facts(TokenUsage(input: 4000, output: 500)))
        #expect(bound == most.cost)
        let media = try #require(self.meter(policy, self.request { $0.hasMedia = true }).bound(for: self.candidate(policy, backend: 0), at: self.noon))
        #expect(media > bound)
    }

    @Test func aRefusalIsFree() {
        let end = self.meter(self.policy()).free(.refused, status: 429)
        #expect(end.cost == .zero && end.costLow == .zero && end.costHigh == .zero && end.baseline == .zero && end.levers == .zero)
    }
}
