/// Decides the class of a request: the first route that matches, then the client's own wishes, then the class's terms.
///
/// A pure function of the policy and the request; `explain`, the tests in policies and live traffic all ask it.
package struct Classifier: Sendable {
    private let policy: PolicySet

    package init(policy: PolicySet) {
        self.policy = policy
    }

    /// - Parameter downgrades: Classes that budgets give in place of more urgent ones.
    /// - Throws: The refusal that the client gets.
    package func classify(
        _ request: InferenceRequest, tenant: Tenant, at now: Timestamp, downgrades: [Int] = []
    ) throws(Refusal) -> Decision {
        let model = try self.model(of: request, tenant: tenant)
        guard let route = self.policy.route(for: request) else {
            throw Refusal(404, .notFound, "no route of the policy takes this request; add a last route without `match:`")
        }
        // By their places: classes are large, and one copy is enough.
        let wished = try self.wish(request, tenant: tenant, over: self.policy.routes[route].trafficClass)
        let place = downgrades.reduce(wished) { self.policy.classes[$0].isMoreUrgent(than: self.policy.classes[$1]) ? $1 : $0 }
        let trafficClass = self.policy.classes[place]
        var decision = Decision(
            route: self.policy.routes[route].index, trafficClass: trafficClass.index, requested: model.index, budget: trafficClass.latency)
        decision.maxCost = trafficClass.maxCost.map { limit in request.wishes.maxCost.map { min(limit, $0) } ?? limit } ?? request.wishes.maxCost
        self.policy.substitute(&decision, request, trafficClass)
        switch trafficClass.serve {
        case .now where request.consent == .background || request.consent == .batch:
            // It is polled for in any case, so it is written down first; then it runs at once.
            decision.wait = Decision.Wait(deadline: try self.wishedDeadline(request, tenant: tenant, at: now), notBefore: now, answer: .queued)
        case .now:
            decision.budget = self.budget(of: request, in: trafficClass)
        case .later:
            decision.wait = try self.wait(request, tenant: tenant, in: trafficClass, at: now)
        }
        return decision
    }

    private func model(of request: InferenceRequest, tenant: Tenant) throws(Refusal) -> Model {
        guard let model = self.policy.model(named: request.model) else {
            let near = NearName.best(for: request.model, among: self.policy.models.map(\.name).filter(tenant.mayUse))
            throw Refusal(
                404, .modelNotFound,
                "the model \(request.model.quotedForMessage) does not exist\(near.map { "; did you mean `\($0)`?" } ?? "")", param: "model")
        }
        guard tenant.mayUse(model: model.name) else {
            throw Refusal(403, .modelNotAllowed, "the tenant `\(tenant.name)` may not use the model `\(model.name)`", param: "model")
        }
        guard model.offers.indices.contains(where: { model.offers[$0] != nil && self.policy.serves(request.endpoint, at: $0) }) else {
            throw Refusal(
                404, .modelNotFound, "no backend serves the model `\(model.name)` on \(request.endpoint.path)", param: "model")
        }
        return model
    }

    /// Towards more patience always; towards more urgency only if the tenant lists the class. Takes and gives places in `classes`.
    private func wish(_ request: InferenceRequest, tenant: Tenant, over place: Int) throws(Refusal) -> Int {
        guard let name = request.wishes.trafficClass else { return place }
        let given = self.policy.classes[place]
        guard let wanted = self.policy.trafficClass(named: name) else {
            let near = NearName.best(for: name, among: self.policy.classes.map(\.name))
            throw Refusal.invalid(
                "Sluice-Class names \(name.quotedForMessage), which is no class\(near.map { "; did you mean `\($0)`?" } ?? "")", param: "Sluice-Class")
        }
        guard wanted.index == given.index || given.isMoreUrgent(than: wanted) || tenant.terms.classes?.contains(wanted.index) ?? true else {
            throw Refusal(
                403, .classNotAllowed,
                "the class `\(wanted.name)` is more urgent than `\(given.name)`, and the tenant `\(tenant.name)` does not list it", param: "Sluice-Class")
        }
        return wanted.index
    }

    private func budget(of request: InferenceRequest, in trafficClass: TrafficClass) -> LatencyBudget {
        var wished = request.wishes.latency
        if let plain = request.wishes.plainBudget {
            let bare = request.isStream ? LatencyBudget(firstToken: plain) : LatencyBudget(total: plain)
            wished = wished.tightened(by: bare)
        }
        var budget = trafficClass.latency.tightened(by: wished)
        // It bounds a whole answer's total; for a stream the first byte and each gap, which the attempt's time-outs see to.
        if let timeout = request.wishes.readTimeout, !request.isStream { budget = budget.tightened(by: LatencyBudget(total: timeout)) }
        return budget
    }

    private func wait(
        _ request: InferenceRequest, tenant: Tenant, in trafficClass: TrafficClass, at now: Timestamp
    ) throws(Refusal) -> Decision.Wait {
        let answer = try self.answer(request, in: trafficClass)
        let deadline = try self.wishedDeadline(request, tenant: tenant, at: now) ?? trafficClass.deadline.map { now + $0 }
        var wait = Decision.Wait(deadline: deadline, notBefore: now, answer: answer)
        if let during = trafficClass.during, let opening = self.policy.calendar.nextOpening(of: during, from: now) {
            wait.notBefore = max(now, opening.lowerBound)
        }
        if let promote = trafficClass.promote, let deadline {
            let half = Duration.milliseconds((deadline - now).milliseconds / 2)
            wait.promoteAt = deadline - (request.wishes.deadline == nil ? promote.beforeDeadline : min(promote.beforeDeadline, half))
            wait.promoteTo = promote.pool
        }
        return wait
    }

    private func wishedDeadline(_ request: InferenceRequest, tenant: Tenant, at now: Timestamp) throws(Refusal) -> Timestamp? {
        guard let instant = request.wishes.deadline?.instant(after: now, zone: tenant.terms.zone ?? self.policy.zone) else { return nil }
        let name = request.consent == .background ? "background_options.completion_window" : "Sluice-Deadline"
        guard instant > now || request.consent == .batch else { throw Refusal.invalid("`\(name)` has passed", param: name) }
        guard instant <= now + ClientWishes.Deadline.longest else { throw Refusal.invalid("`\(name)` is more than ten years away", param: name) }
        return instant
    }

    private func answer(_ request: InferenceRequest, in trafficClass: TrafficClass) throws(Refusal) -> Decision.WaitAnswer {
        switch request.consent {
        case .respondAsync(let wait): return .job(wait: wait)
        case .deadline, .waitingClass: return .job(wait: nil)
        case .background, .batch: return .queued
        case .tier:
            // At most until the caller's read time-out less 30 s, or half of it if that is more.
            let patience = request.wishes.readTimeout ?? .seconds(600)
            let bound = max(patience - .seconds(30), .milliseconds(patience.milliseconds / 2))
            return .hold(trafficClass.hold.map { min($0, bound) } ?? bound)
        case .none:
            guard let hold = trafficClass.hold else {
                throw Refusal(
                    422, .mustBeAsync,
                    "the class `\(trafficClass.name)` waits for cheaper capacity; send `Prefer: respond-async` and poll the job, or ask for a class that is served now",
                    shouldRetry: false)
            }
            guard let timeout = request.wishes.readTimeout else { return .hold(hold) }
            return .hold(min(hold, timeout))
        }
    }
}

extension PolicySet {
    /// Takes the rules for substitutes one after another, each at most once.
    package func substitute(_ decision: inout Decision, _ request: InferenceRequest, _ trafficClass: TrafficClass) {
        for rule in self.substitutions
        where rule.models.contains(decision.model) && rule.classes.contains(trafficClass.index) && rule.match.mismatch(request) == nil {
            let allowed = self.models[rule.with].offers.enumerated().contains { backend, offer in
                offer.map { rule.accepts($0) && self.backends[backend].endpoints.contains(request.endpoint) } ?? false
            }
            guard allowed else { continue }
            decision.model = rule.with
            decision.substitutions.append(rule.index)
        }
    }
}

extension Substitution {
    /// Whether a backend's offer is as good as the rule demands.
    package func accepts(_ offer: Model.Offer) -> Bool {
        if let least = self.minPrecision, offer.precision.map({ $0 < least }) ?? true { return false }
        if let least = self.minParameters, offer.parameters.map({ $0 < least }) ?? true { return false }
        return true
    }
}
