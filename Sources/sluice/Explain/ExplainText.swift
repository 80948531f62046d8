import SluiceCore
import SluicePolicy

/// An explanation as people read it, in the layout of the policy guide.
struct ExplainText {
    private let explanation: Explanation
    private let report: ExplainReport
    private let policy: PolicySet
    private let now: Timestamp
    private let zone: String

    init(_ explanation: Explanation, _ request: InferenceRequest, tenant: Tenant, _ policy: PolicySet, at now: Timestamp) {
        self.explanation = explanation
        self.report = ExplainReport(explanation, request, policy)
        self.policy = policy
        self.now = now
        self.zone = tenant.terms.zone ?? policy.zone
    }

    var text: String {
        ([self.route] + self.tried + [self.trafficClass, self.model] + self.when + self.refused + self.places + [self.baseline]).joined(separator: "\n") + "\n"
    }

    private func line(_ title: String, _ text: String, at place: String? = nil) -> String {
        let left = (title + String(repeating: " ", count: max(1, 10 - title.count))) + text
        guard let place else { return left }
        return left + String(repeating: " ", count: max(2, 64 - left.count)) + place
    }

    private func place(of place: SourcePlace) -> String { "\(place.file):\(place.line):\(place.column)" }

    private var route: String {
        let route = self.policy.routes[self.explanation.decision.route]
        let name = route.name.map { " “\($0)”" } ?? ""
        return self.line("route", "routes[\(route.index)]\(name)", at: self.place(of: route.place))
    }

    private var tried: [String] {
        self.explanation.tried.map { tried in
            let name = "routes[\(tried.route.index)]\(tried.route.name.map { " " + $0 } ?? "")"
            let why = tried.mismatch?.description ?? (tried.route.match.isEmpty ? "takes everything" : tried.route.match.descriptions.joined(separator: ", "))
            return "            \(tried.mismatch == nil ? "✓" : "✗") \(name)\(String(repeating: " ", count: max(2, 32 - name.count)))\(why)"
        }
    }

    private var trafficClass: String {
        let trafficClass = self.policy.classes[self.explanation.decision.trafficClass]
        var text = "\(trafficClass.name) · \(trafficClass.serve.rawValue)"
        if let wait = self.explanation.decision.wait {
            text += wait.deadline.map { " · deadline \(self.long($0 - self.now)) → \(self.local($0))" } ?? " · no deadline"
        }
        return self.line("class", text)
    }

    private var model: String {
        guard let substituted = self.report.substituted, let rule = self.explanation.decision.substitutions.last else {
            return self.line("model", self.report.model)
        }
        let name = self.policy.substitutions[rule].name.map { " “\($0)”" } ?? ""
        return self.line("model", "\(substituted.from) → \(substituted.to) (\(substituted.why))", at: "substitute[\(rule)]\(name)")
    }

    private var when: [String] {
        guard let wait = self.explanation.decision.wait else { return [self.line("when", "at once")] }
        let during = self.policy.classes[self.explanation.decision.trafficClass].during
        var lines: [String] = []
        if wait.notBefore > self.now {
            let window = if case .named(let name)? = during { "window \(name), " } else { "" }
            lines.append(self.line("when", "not before \(self.local(wait.notBefore)) (\(window)in \(self.long(wait.notBefore - self.now)))"))
        } else {
            lines.append(self.line("when", "as soon as there is room"))
        }
        if let promoteAt = wait.promoteAt, let pool = self.report.promote_to {
            lines.append("          promoted to `\(pool)` at \(self.local(promoteAt)) if still waiting")
        }
        return lines
    }

    private var refused: [String] {
        self.report.refused.map { [self.line("refused", "\($0.status) \($0.code): \($0.message)")] } ?? []
    }

    private var places: [String] {
        let pool = self.explanation.route.candidates.first.map { self.policy.pools[$0.pool] }
        let title = pool.map { "pool \($0.name), pick \($0.pick.rawValue)" } ?? "nowhere: no backend can take it"
        let baseline = self.explanation.baselineCost
        var lines = [self.line("where", title + String(repeating: " ", count: max(2, 50 - title.count)) + "est. cost      vs baseline")]
        for (index, candidate) in self.report.candidates.enumerated() {
            let number = candidate.chosen || candidate.why_not?.hasPrefix("stands behind") == true ? "\(index + 1) " : "  "
            let state = (candidate.chosen ? "up" : candidate.why_not ?? "") + (candidate.prefix_home ? " · prefix home" : "")
            let left = "            \(number)\(candidate.backend)"
            let middle = left + String(repeating: " ", count: max(2, 26 - left.count)) + state
            let cost = candidate.estimated_cost.map { self.amount($0) } ?? "–"
            let change = self.change(candidate.estimated_cost, from: baseline)
            lines.append(
                middle + String(repeating: " ", count: max(2, 60 - middle.count)) + cost + String(repeating: " ", count: max(2, 15 - cost.count)) + change
                    + (candidate.chosen ? "   ← would go here" : ""))
        }
        if let pool, pool.affinity != nil, pool.backends.count > 1, !self.explanation.route.candidates.contains(where: \.isHome) {
            lines.append("            the beginning of the prompt decides which of `\(pool.name)` is first: give the body with --curl")
        }
        return lines
    }

    private var baseline: String {
        guard let baseline = self.report.baseline, let backend = baseline.backend, let model = baseline.model else {
            return self.line("baseline", "none is declared")
        }
        let text = "\(backend) · \(model) · now"
        return self.line("baseline", text + String(repeating: " ", count: max(2, 50 - text.count)) + (baseline.cost.map { self.amount($0) } ?? "has no price"))
    }

    private func amount(_ text: String) -> String {
        // Five decimals at least: a request costs fractions of a cent.
        let decimals = text.contains(".") ? text.split(separator: ".")[1].count : 0
        let padded = (text.contains(".") ? text : text + ".") + String(repeating: "0", count: max(0, 5 - decimals))
        switch self.policy.currency {
        case "USD": return "$\(padded)"
        case "EUR": return "€\(padded)"
        default: return "\(padded) \(self.policy.currency)"
        }
    }

    /// The change of the bill in per cent, for people: cheaper is negative.
    private func change(_ cost: String?, from baseline: Money?) -> String {
        guard let cost = cost.flatMap({ Money($0) }), let baseline, baseline.pico != 0 else { return "" }
        let percent = (Int128(cost.pico) - Int128(baseline.pico)) * 100
        let rounded = percent.dividedHalfEven(by: Int128(baseline.pico))
        return rounded == 0 ? "±0 %" : rounded < 0 ? "−\(-rounded) %" : "+\(rounded) %"
    }

    private func local(_ instant: Timestamp) -> String {
        guard let clock = ZonedClock(self.zone) else { return instant.description }
        let date = clock.date(at: instant)
        let second = clock.second(at: instant)
        let days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return
            "\(days[date.weekday]) \(date.day) \(months[date.month - 1]) \(two(second / 3600)):\(two(second / 60 % 60)) \(ZoneAbbreviation(self.zone)?.text(at: instant) ?? self.zone)"
    }

    private func long(_ duration: Duration) -> String {
        let minutes = (duration.milliseconds + 30_000) / 60_000
        let parts = [(minutes / 60, "h"), (minutes % 60, "min")].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
        return parts.isEmpty ? "\(duration.milliseconds / 1000) s" : parts.joined(separator: " ")
    }
}
