package import SluiceCore

/// Puts a price on the attempts of one request, and on what the baseline would have taken for them.
///
/// The rates of the baseline are those of the moment of decision; what is effective is priced at completion, or at the start where the
/// rate card says so (`ledger.md`, Baseline and savings).
package struct Meter: Sendable {
    /// An answer whose length nobody limited is taken to be no longer than this.
    private static let longestAnswer = 131_072

    /// The model at the baseline's backend, with the factor of the window at the moment of decision.
    private struct Rates: Sendable {
        var card: SharedCard
        var window: PriceFactor
        var backend: Int
        var model: String
    }

    /// What prices depend on: of its many texts none but the tier.
    private struct Request: Sendable {
        let endpoint: Endpoint
        let maxTokens: Int?
        let choices: Int
        let promptBytes: Int
        let inputTokens: Int
        let hasMedia: Bool
        let serviceTier: String?

        init(_ request: InferenceRequest) {
            self.endpoint = request.endpoint
            self.maxTokens = request.maxTokens
            self.choices = request.choices
            self.promptBytes = request.promptBytes
            self.inputTokens = request.inputTokens
            self.hasMedia = request.hasMedia
            self.serviceTier = request.serviceTier
        }
    }

    let policy: PolicySet
    private let request: Request
    /// The index of the model that is sent.
    private let model: Int
    private let decided: Timestamp
    private let baseline: Rates?
    /// What was sent, at the baseline's backend: the first step of the waterfall. nil where nothing was substituted or it has no price.
    private let substituted: Rates?

    package init(policy: PolicySet, request: InferenceRequest, decision: Decision, at now: Timestamp) {
        self.policy = policy
        self.request = Request(request)
        self.model = decision.model
        self.decided = now
        guard let baseline = policy.baseline else {
            self.baseline = nil
            self.substituted = nil
            return
        }
        func rates(of model: Int) -> Rates? {
            guard policy.hardware[baseline.backend] == nil, let offer = policy.models[model].offers[baseline.backend],
                let shared = policy.card(ofModel: model, at: baseline.backend, on: now)
            else { return nil }
            return Rates(card: shared, window: policy.windowFactor(of: shared, at: now), backend: baseline.backend, model: offer.name)
        }
        let compared =
            switch baseline.model {
            case .requested: decision.requested
            case .fixed(let model): model
            }
        self.baseline = rates(of: compared)
        self.substituted = decision.model == compared ? nil : rates(of: decision.model)
    }

    /// The card of a candidate's model in force at an instant.
    package func card(for candidate: Route.Candidate, at instant: Timestamp) -> SharedCard? {
        self.policy.card(ofModel: self.model, at: candidate.backend, on: instant)
    }

    /// What an attempt is expected to cost, with all of the answer that its client allows: budgets hold so much for it. nil without a price.
    package func estimate(for candidate: Route.Candidate, at instant: Timestamp) -> Money? {
        self.estimate(for: candidate, by: self.card(for: candidate, at: instant), at: instant)
    }

    private func estimate(for candidate: Route.Candidate, by rates: SharedCard?, at instant: Timestamp) -> Money? {
        // Nobody bills a count of tokens.
        guard self.request.endpoint != .countTokens else { return .zero }
        let hasOutput = self.request.endpoint != .embeddings
        let output = hasOutput ? (self.request.maxTokens ?? RoutePlanner.usualOutput) * self.request.choices : 0
        // Rather three and a half bytes a token than four: many that are each a little too low add up.
        let usage = TokenUsage(input: max(self.request.inputTokens, self.request.promptBytes / 7 * 2), output: output)
        if let hardware = self.hardware(of: candidate) { return hardware.estimate(usage, work: RoutePlanner.usualWork, at: instant) }
        guard let rates else { return nil }
        let window = self.policy.windowFactor(of: rates, at: instant)
        let tier = self.policy.backends[candidate.backend].api.billedTier ?? self.request.serviceTier
        return (rates.price(usage, tier: tier, window: window) ?? rates.price(usage, tier: nil, window: window))?.cost
    }

    /// The most that an attempt may cost, whatever comes; nil where a price is missing.
    package func bound(for candidate: Route.Candidate, at instant: Timestamp) -> Money? {
        self.bound(for: candidate, by: self.card(for: candidate, at: instant), at: instant)
    }

    private func bound(for candidate: Route.Candidate, by rates: SharedCard?, at instant: Timestamp) -> Money? {
        guard self.request.endpoint != .countTokens else { return .zero }
        if let hardware = self.hardware(of: candidate) { return self.bound(of: self.mostUsage(candidate), on: hardware, at: instant) }
        guard let rates else { return nil }
        return self.dearest(rates, window: self.policy.windowFactor(of: rates, at: instant), candidate: candidate)
    }

    /// What is written before an attempt leaves.
    func intent(of subject: LedgerEntry.Subject, attempt: Int, at candidate: Route.Candidate, _ now: Timestamp) -> AttemptIntent {
        let backend = candidate.backend
        let rates = self.card(for: candidate, at: now)
        let name = self.hardware(of: candidate) == nil ? rates?.card.revision : self.policy.backends[backend].owned == nil ? "rented" : "owned"
        let target = LedgerEntry.Target(
            pool: self.policy.pools[candidate.pool].name, backend: self.policy.backends[backend].name, backendModel: candidate.offer.name, rateCard: name)
        let entry = LedgerEntry(
            kind: .intent, at: now, subject: subject, attempt: attempt, target: target, estimate: self.estimate(for: candidate, by: rates, at: now))
        return AttemptIntent(entry: entry, bound: self.bound(for: candidate, by: rates, at: now))
    }

    /// An end that cost nothing: nothing was sent, or the backend refused.
    package func free(_ outcome: LedgerEntry.Outcome, status: Int?) -> LedgerEntry.Settlement {
        var end = LedgerEntry.Settlement(outcome: outcome, status: status, evidence: .computed)
        end.cost = .zero
        end.costLow = .zero
        end.costHigh = .zero
        end.baseline = self.baseline == nil ? nil : .zero
        end.levers = self.baseline == nil ? nil : .zero
        return end
    }

    /// An end of which only bounds are known.
    ///
    /// - Parameters:
    ///   - wasAnswered: The backend began to answer, so it has read the prompt: the low bound counts it.
    ///   - keepsBaseline: The baseline would have been paid for this attempt too.
    package func interval(
        _ outcome: LedgerEntry.Outcome, status: Int?, candidate: Route.Candidate, facts: AnswerFacts, share: NodeMeter.Share?,
        wasAnswered: Bool, keepsBaseline: Bool, evidence: LedgerEntry.Evidence, at now: Timestamp
    ) -> LedgerEntry.Settlement {
        var end = LedgerEntry.Settlement(outcome: outcome, status: status, evidence: evidence)
        self.describe(&end, facts)
        if let hardware = self.hardware(of: candidate) {
            let least = wasAnswered ? self.leastUsage(facts) : .zero
            return self.interval(
                end, on: hardware, share: share, least: least, most: self.mostUsage(candidate), keepsBaseline: keepsBaseline, at: now)
        }
        guard let rates = self.cardInForce(candidate, facts, at: now) else {
            end.evidence = .unpriced
            return end
        }
        let window = self.window(of: rates, now)
        let least = wasAnswered ? self.leastUsage(facts) : .zero
        guard let high = self.dearest(rates, window: window, candidate: candidate),
            let low = wasAnswered ? self.cheapest(rates.card, least, facts: facts, window: window) : .zero
        else {
            end.evidence = .unpriced
            return end
        }
        end.costLow = low
        end.costHigh = max(low, high)
        if keepsBaseline { end.baseline = self.price(least, by: self.baseline) }
        return end
    }

    /// The end of an answer with usage that is to be believed, or flagged where it is not.
    package func answered(
        _ outcome: LedgerEntry.Outcome, status: Int?, candidate: Route.Candidate, facts: AnswerFacts, share: NodeMeter.Share?, at now: Timestamp
    ) -> LedgerEntry.Settlement {
        guard let reported = facts.usage, reported.addsUp, !reported.isAbsurd, reported.usage.generated >= self.leastGenerated(facts) else {
            return self.unbelievable(outcome, status: status, candidate: candidate, facts: facts, share: share, at: now)
        }
        var end = LedgerEntry.Settlement(outcome: outcome, status: status, evidence: .computed)
        self.describe(&end, facts)
        end.usage = reported.usage
        // Providers count in dollars, and nothing is converted.
        if self.policy.currency == "USD" { end.providerCost = facts.providerCost }
        if let most = self.request.maxTokens, reported.usage.generated > most * self.request.choices { end.flags.append(.overMaxTokens) }
        if let hardware = self.hardware(of: candidate) { return self.answered(end, by: facts, on: hardware, share: share, at: now) }
        guard let rates = self.cardInForce(candidate, facts, at: now),
            let priced = rates.price(reported.usage, tier: facts.tier, window: self.window(of: rates, now))
        else {
            end.evidence = .unpriced
            return end
        }
        end.cost = priced.cost
        end.costLow = priced.cost
        end.costHigh = priced.cost
        end.unitPrices = priced.unitPrices
        end.perRequest = priced.perRequest
        let steps = self.steps(to: priced, of: reported.usage, by: rates, tier: facts.tier, at: candidate.backend)
        // The same place at its ordinary tier: exactly nothing is saved, whatever the clock did in between.
        let isSame =
            self.baseline?.backend == candidate.backend && self.baseline?.model == candidate.offer.name && steps.tiered == steps.base
            && steps.base == steps.cost
        self.compare(&end, reported.usage, steps, isSame: isSame)
        return end
    }

    /// The steps from the base price to what was paid. At the baseline's own backend its window counts from the first one on, as in the baseline:
    /// what is cheaper there for everybody is no lever.
    private func steps(to priced: PricedUsage, of usage: TokenUsage, by card: SharedCard, tier: String?, at backend: Int) -> PricedUsage {
        guard let baseline, baseline.backend == backend, baseline.window != .one,
            let base = card.price(usage, tier: nil, window: baseline.window), let tiered = card.price(usage, tier: tier, window: baseline.window)
        else { return priced }
        var steps = priced
        steps.base = base.cost
        steps.tiered = tiered.cost
        return steps
    }

    /// No usage, or one that cannot be: bounds from our own count.
    private func unbelievable(
        _ outcome: LedgerEntry.Outcome, status: Int?, candidate: Route.Candidate, facts: AnswerFacts, share: NodeMeter.Share?, at now: Timestamp
    ) -> LedgerEntry.Settlement {
        var own = facts
        own.usage = nil
        var end = self.interval(
            outcome, status: status, candidate: candidate, facts: own, share: share, wasAnswered: true, keepsBaseline: true, evidence: .estimated, at: now)
        if let reported = facts.usage {
            end.usage = reported.usage
            end.flags.append(.unreconciled)
            if reported.isAbsurd { end.flags.append(.usageAbsurd) }
        }
        return end
    }

    private func describe(_ end: inout LedgerEntry.Settlement, _ facts: AnswerFacts) {
        end.modelServed = facts.model
        end.tierServed = facts.tier
        end.upstreamID = facts.upstreamID
    }

    private func cardInForce(_ candidate: Route.Candidate, _ facts: AnswerFacts, at now: Timestamp) -> SharedCard? {
        guard let served = facts.model, served != candidate.offer.name else { return self.inForce(at: now) { self.card(for: candidate, at: $0) } }
        let backend = self.policy.backends[candidate.backend]
        return self.policy.cardInForce(sent: candidate.offer.name, served: served, at: backend, decided: self.decided, completed: now).map(SharedCard.init)
    }

    private func inForce(at now: Timestamp, _ card: (Timestamp) -> SharedCard?) -> SharedCard? {
        guard let current = card(now) else { return nil }
        return current.card.pricedAt == .completion ? current : card(self.decided)
    }

    /// The factor of the window that was open when the card says that the price is looked up.
    private func window(of rates: SharedCard, _ now: Timestamp) -> PriceFactor {
        self.policy.windowFactor(of: rates, at: rates.card.pricedAt == .completion ? now : self.decided)
    }

    /// Baseline and levers, in their fixed order: model, backend, lane, window, cache.
    func compare(_ end: inout LedgerEntry.Settlement, _ usage: TokenUsage, _ priced: PricedUsage, isSame: Bool) {
        guard let baseline = self.baseline, let plain = self.price(usage, by: baseline) else {
            end.flags.append(.unbaselined)
            return
        }
        var start = isSame ? priced.cost : plain
        let model = self.substituted.flatMap { self.price(usage, by: $0) }.map { start - $0 } ?? .zero
        let backend = start - model - priced.base
        var levers = LedgerEntry.Levers(
            model: model, backend: backend, lane: priced.base - priced.tiered, window: priced.tiered - priced.cost, cache: .zero)
        if self.policy.baseline?.ignoresCache == true, usage.cachedInput > 0 {
            var uncached = usage
            uncached.input += usage.cachedInput
            uncached.cachedInput = 0
            if let dear = self.price(uncached, by: baseline) {
                levers.cache = dear - start
                start = dear
            }
        }
        end.baseline = start
        end.levers = levers
    }

    /// What the baseline would have taken for these tokens.
    func baselineCost(of usage: TokenUsage) -> Money? { self.price(usage, by: self.baseline) }

    private func price(_ usage: TokenUsage, by rates: Rates?) -> Money? {
        rates.flatMap { $0.card.price(usage, tier: nil, window: $0.window)?.cost }
    }

    // MARK: Bounds (`ledger.md`, Bounds where usage is missing)

    /// Tokens that were certainly generated: an event with content has at least one.
    private func leastGenerated(_ facts: AnswerFacts) -> Int { max(facts.tokens, facts.textBytes / 16) }

    func leastUsage(_ facts: AnswerFacts) -> TokenUsage {
        if var reported = facts.usage?.usage, facts.usage?.addsUp == true, facts.usage?.isAbsurd == false {
            reported.output = max(reported.output, self.leastGenerated(facts) - reported.reasoning - reported.audioOutput)
            return reported
        }
        return TokenUsage(input: self.request.promptBytes / 8, output: self.leastGenerated(facts))
    }

    /// The prompt at the cheapest class it may have been billed in, and what was relayed.
    private func cheapest(_ card: RateCard, _ usage: TokenUsage, facts: AnswerFacts, window: PriceFactor) -> Money? {
        if facts.usage != nil { return card.price(usage, tier: facts.tier, window: window)?.cost }
        guard let prompt = card.promptPrices(prompt: usage.input) else { return nil }
        var cheap = card
        cheap.prices.input = TokenPrice(pico: prompt.lowerBound)
        cheap.above = []
        guard facts.tier == nil, let wanted = self.request.serviceTier, let asked = cheap.price(usage, tier: wanted, window: window)?.cost else {
            return cheap.price(usage, tier: facts.tier, window: window)?.cost
        }
        // It broke off before it named the tier: the one that was asked for may have been served.
        return cheap.price(usage, tier: nil, window: window).map { min($0.cost, asked) }
    }

    /// The tokens that an attempt can have at most: one for each byte of the prompt, and all that the client or the model allows.
    private func mostUsage(_ candidate: Route.Candidate) -> TokenUsage {
        let context = candidate.offer.context ?? Meter.longestAnswer
        let prompt = self.request.hasMedia ? max(self.request.promptBytes, context) : self.request.promptBytes
        let hasOutput = self.request.endpoint != .embeddings && self.request.endpoint != .countTokens
        return TokenUsage(input: prompt, output: hasOutput ? (self.request.maxTokens ?? context) * self.request.choices : 0)
    }

    private func dearest(_ card: SharedCard, window: PriceFactor, candidate: Route.Candidate) -> Money? {
        let most = self.mostUsage(candidate)
        return card.highestPrice(prompt: most.input, output: most.output, window: max(window, .one))
    }
}

extension PriceFactor: Comparable {
    package static func < (a: PriceFactor, b: PriceFactor) -> Bool { a.millionths < b.millionths }
}
