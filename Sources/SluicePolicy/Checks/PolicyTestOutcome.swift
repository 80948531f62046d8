package import SluiceCore

/// What became of one of a policy's own tests.
package struct PolicyTestOutcome: Hashable, Sendable {
    package var name: String
    /// What was not as expected; nil where the test passed.
    package var why: String?
    package var place: SourcePlace

    package var isPassed: Bool { self.why == nil }

    package init(name: String, why: String?, place: SourcePlace) {
        self.name = name
        self.why = why
        self.place = place
    }
}

extension PolicySet {
    /// Runs the policy's own tests; those without `at:` take place at `now`.
    package func runTests(at now: Timestamp) -> [PolicyTestOutcome] {
        self.tests.map { PolicyTestOutcome(name: $0.name, why: ClassifierTestRun(test: $0, policy: self, now: now).why(), place: $0.place) }
    }
}

/// Runs a test as far as the classifier decides: everything but pool and backend.
private struct ClassifierTestRun {
    let test: PolicyTest
    let policy: PolicySet
    let now: Timestamp

    func why() -> String? {
        guard let tenant = self.policy.tenants.first(where: { $0.name == self.test.request.tenant }) else { return "there is no tenant `\(self.test.request.tenant)`" }
        do {
            return self.mismatches(try self.decision(for: tenant)).first
        } catch {
            return "refused with \(error.status) \(error.code.rawValue): \(error.message)"
        }
    }

    /// A client that did not agree to wait may be refused, and yet its route and class are what a test asks about.
    private func decision(for tenant: Tenant) throws(Refusal) -> Decision {
        let classifier = Classifier(policy: self.policy)
        do {
            return try classifier.classify(self.test.request, tenant: tenant, at: self.test.at ?? self.now)
        } catch where error.code == .mustBeAsync {
            var patient = self.test.request
            patient.consent = .batch
            return try classifier.classify(patient, tenant: tenant, at: self.test.at ?? self.now)
        }
    }

    private func mismatches(_ decision: Decision) -> [String] {
        let expect = self.test.expect
        let trafficClass = self.policy.classes[decision.trafficClass]
        let route = self.policy.routes[decision.route]
        var result: [String] = []
        func compare(_ what: String, _ expected: String?, _ actual: String?, alias: String? = nil) {
            guard let expected, expected != actual, expected != alias else { return }
            result.append("\(what) is \(actual ?? "none"), expected \(expected)")
        }
        compare("route", expect.route, route.displayName, alias: "routes[\(route.index)]")
        compare("class", expect.trafficClass, trafficClass.name)
        compare("serve", expect.serve?.rawValue, trafficClass.serve.rawValue)
        compare("model", expect.model, self.policy.models[decision.model].name)
        compare("not_before", expect.notBefore?.description, decision.wait?.notBefore.description)
        compare("deadline", expect.deadline?.description, decision.wait?.deadline?.description)
        return result
    }
}
