package import SluiceCore

/// What became of one of a policy's own tests.
package struct PolicyTestOutcome: Hashable, Sendable {
    package var name: String
    /// What was not as expected; nil where the test passed.
    package var why: String?
    package var place: SourcePlace

    package var isPassed: Bool { self.why == nil }
}

extension PolicySet {
    /// Runs the policy's own tests, with every backend up and idle; those without `at:` take place at `now`.
    package func runTests(at now: Timestamp) -> [PolicyTestOutcome] {
        self.tests.map { PolicyTestOutcome(name: $0.name, why: PolicyTestRun(test: $0, policy: self, now: $0.at ?? now).why(), place: $0.place) }
    }
}

/// One run of one test: the decision and the plan that live traffic would get.
private struct PolicyTestRun {
    let test: PolicyTest
    let policy: PolicySet
    let now: Timestamp

    func why() -> String? {
        guard let tenant = self.policy.tenants.first(where: { $0.name == self.test.request.tenant }) else { return "there is no tenant `\(self.test.request.tenant)`" }
        do {
            let decision = try self.decision(for: tenant)
            return self.mismatch(decision) ?? self.mismatch(self.plan(decision))
        } catch {
            return "refused with \(error.status) \(error.code.rawValue): \(error.message)"
        }
    }

    /// A client that did not agree to wait may be refused, and yet its route and class are what a test asks about.
    private func decision(for tenant: Tenant) throws(Refusal) -> Decision {
        let classifier = Classifier(policy: self.policy)
        do {
            return try classifier.classify(self.test.request, tenant: tenant, at: self.now)
        } catch where error.code == .mustBeAsync {
            var patient = self.test.request
            patient.consent = .batch
            return try classifier.classify(patient, tenant: tenant, at: self.now)
        }
    }

    private func plan(_ decision: Decision) -> Route {
        let instant = decision.wait?.notBefore ?? self.now
        return RoutePlanner(policy: self.policy).plan(
            self.test.request, decision, at: Now(wall: instant, monotonic: MonotonicInstant(nanoseconds: 0)), chance: 0
        ) { _ in BackendCondition() }
    }

    private func mismatch(_ decision: Decision) -> String? {
        let expect = self.test.expect
        let trafficClass = self.policy.classes[decision.trafficClass]
        let route = self.policy.routes[decision.route]
        return self.difference("route", expect.route, route.displayName, alias: "routes[\(route.index)]")
            ?? self.difference("class", expect.trafficClass, trafficClass.name)
            ?? self.difference("serve", expect.serve?.rawValue, trafficClass.serve.rawValue)
            ?? self.difference("model", expect.model, self.policy.models[decision.model].name)
            ?? self.difference("not_before", expect.notBefore?.description, decision.wait?.notBefore.description)
            ?? self.difference("deadline", expect.deadline?.description, decision.wait?.deadline?.description)
    }

    private func mismatch(_ route: Route) -> String? {
        let first = route.candidates.first
        return self.difference("pool", self.test.expect.pool, first.map { self.policy.pools[$0.pool].name })
            ?? self.difference("backend", self.test.expect.backend, first.map { self.policy.backends[$0.backend].name })
    }

    private func difference(_ what: String, _ expected: String?, _ actual: String?, alias: String? = nil) -> String? {
        guard let expected, expected != actual, expected != alias else { return nil }
        return "\(what) is \(actual ?? "none"), expected \(expected)"
    }
}
