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
        self.tests.map { PolicyTestOutcome(name: $0.name, why: PolicyTestRun(test: $0, policy: self, now: now).why(), place: $0.place) }
    }
}

/// Runs one test: all backends are up and idle.
private struct PolicyTestRun {
    let test: PolicyTest
    let policy: PolicySet
    let now: Timestamp

    func why() -> String? {
        guard let tenant = self.policy.tenants.first(where: { $0.name == self.test.request.tenant }) else {
            return "there is no tenant `\(self.test.request.tenant)`"
        }
        do throws(Refusal) {
            let moment = Now(wall: self.test.at ?? self.now, monotonic: MonotonicInstant(nanoseconds: 0))
            return self.mismatches(try Explanation(self.test.request, tenant: tenant, policy: self.policy, at: moment)).first
        } catch {
            return "refused with \(error.status) \(error.code.rawValue): \(error.message)"
        }
    }

    private func mismatches(_ explanation: Explanation) -> [String] {
        let expect = self.test.expect
        let decision = explanation.decision
        let trafficClass = self.policy.classes[decision.trafficClass]
        let route = self.policy.routes[decision.route]
        let candidate = explanation.route.candidates.first
        var result: [String] = []
        func compare(_ what: String, _ expected: String?, _ actual: String?, alias: String? = nil) {
            guard let expected, expected != actual, expected != alias else { return }
            result.append("\(what) is \(actual ?? "none"), expected \(expected)")
        }
        compare("route", expect.route, route.displayName, alias: "routes[\(route.index)]")
        compare("class", expect.trafficClass, trafficClass.name)
        compare("serve", expect.serve?.rawValue, trafficClass.serve.rawValue)
        compare("model", expect.model, self.policy.models[decision.model].name)
        compare("pool", expect.pool, candidate.map { self.policy.pools[$0.pool].name })
        compare("backend", expect.backend, candidate.map { self.policy.backends[$0.backend].name })
        compare("not_before", expect.notBefore?.description, decision.wait?.notBefore.description)
        compare("deadline", expect.deadline?.description, decision.wait?.deadline?.description)
        return result
    }
}
