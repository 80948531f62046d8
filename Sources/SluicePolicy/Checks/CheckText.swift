package import SluiceCore

/// What `sluice check` says of a policy that is well.
package struct CheckText {
    private let policy: PolicySet
    private let files: Int
    private let windowNames: [String]
    private let now: Timestamp
    private let mark: String

    /// - Parameter mark: What stands before what is well: `✓`, or a word where the terminal has no such character.
    package init?(_ loaded: LoadedPolicy, at now: Timestamp, mark: String = "✓") {
        guard let policy = loaded.policy else { return nil }
        self.policy = policy
        self.files = loaded.files.count
        self.windowNames = loaded.windowNames
        self.now = now
        self.mark = mark
    }

    /// `✓ 3 files, 7 backends, …`
    package var parts: String {
        let counts = [
            (self.files, "file", "files"), (self.policy.backends.count, "backend", "backends"),
            (self.policy.pools.count - self.policy.backends.count, "pool", "pools"), (self.policy.classes.count, "class", "classes"),
            (self.policy.routes.count, "route", "routes"), (self.policy.substitutions.count, "substitution", "substitutions"),
            (self.policy.budgets.count { !$0.isOfSpill }, "budget", "budgets"),
        ]
        return "\(self.mark) " + counts.filter { $0.0 > 0 }.map { $0.0 == 1 ? "1 \($0.1)" : "\($0.0) \($0.2)" }.joined(separator: ", ")
    }

    /// `✓ 6 windows: next open — night today 22:00 CET, …`; nil where the policy has none.
    ///
    /// Those that are open or open today; where none does, the next one.
    package var windows: String? {
        let names = self.windowNames
        guard !names.isEmpty else { return nil }
        let openings = names.compactMap { name in
            self.policy.calendar.nextOpening(of: .named(name), from: self.now).map { (name: name, interval: $0, text: self.text(of: $0)) }
        }
        let today = openings.filter { $0.text.isToday }
        let shown =
            today.isEmpty ? Array(openings.sorted { $0.interval.lowerBound < $1.interval.lowerBound }.prefix(1)) : Array(today.prefix(6))
        let list =
            shown.isEmpty
            ? "none opens within a year" : "next open — " + shown.map { "\($0.name) \($0.text.words)" }.joined(separator: ", ")
        return "\(self.mark) \(names.count) window\(names.count == 1 ? "" : "s"): \(list)"
    }

    private func text(of interval: Range<Timestamp>) -> (words: String, isToday: Bool) {
        guard let clock = ZonedClock(self.policy.zone), let abbreviation = ZoneAbbreviation(self.policy.zone) else { return ("", false) }
        let today = clock.date(at: self.now)
        func words(_ instant: Timestamp, bare: Bool) -> String {
            let local = clock.local(at: instant)
            let days = local.date.daysSince1970 - today.daysSince1970
            let day = days == 0 ? (bare ? "" : "today ") : days < 7 && bare ? "" : days < 7 ? "\(local.weekday) " : "\(local.day) "
            return "\(day)\(local.clock) \(abbreviation.text(at: instant))"
        }
        if interval.contains(self.now) {
            let isFar = interval.upperBound - self.now > .seconds(86_400)
            let end =
                self.policy.calendar.isEndless(interval, from: self.now)
                ? "always" : "now (closes \(words(interval.upperBound, bare: !isFar)))"
            return (end, true)
        }
        return (words(interval.lowerBound, bare: false), clock.date(at: interval.lowerBound) == today)
    }

    /// `  metrics: at most 448 label sets · prices as of 2026-11-01 (22 days old) · policy 9f3c1a`
    package var figures: String {
        let sets = [self.policy.classes.count, self.policy.tenants.count, self.policy.backends.count, self.policy.models.count].reduce(1, *)
        var parts = ["metrics: at most \(sets.grouped) label set\(sets == 1 ? "" : "s")"]
        if let day = self.policy.oldestPrice(at: self.now), let read = Timestamp(rfc3339: day) {
            let age = max(0, (self.now - read).milliseconds / 86_400_000)
            parts.append("prices as of \(day) (\(age) day\(age == 1 ? "" : "s") old)")
        }
        parts.append("policy \(self.policy.revision.prefix(6))")
        return "  " + parts.joined(separator: " · ")
    }

    /// `✓ 2 tests passed`, or what failed; nil where the policy has none.
    package static func tests(_ outcomes: [PolicyTestOutcome], passed: String = "✓", failed: String = "✗") -> String? {
        guard !outcomes.isEmpty else { return nil }
        let failures = outcomes.filter { !$0.isPassed }
        guard !failures.isEmpty else { return "\(passed) \(outcomes.count) test\(outcomes.count == 1 ? "" : "s") passed" }
        let lines = failures.map { "  \($0.place.text): \($0.name): \($0.why ?? "")" }
        return (["\(failed) \(failures.count) of \(outcomes.count) test\(outcomes.count == 1 ? "" : "s") failed"] + lines).joined(
            separator: "\n")
    }
}

extension WindowCalendar {
    /// Whether an interval reaches further than the calendar looks.
    fileprivate func isEndless(_ interval: Range<Timestamp>, from now: Timestamp) -> Bool {
        interval.upperBound - now > .seconds(366 * 86_400)
    }
}

extension Int {
    /// With a space between groups of three digits: `1 152`.
    fileprivate var grouped: String {
        let digits = Array(String(self))
        return digits.indices.map { ($0 > 0 && (digits.count - $0) % 3 == 0 ? " " : "") + String(digits[$0]) }.joined()
    }
}
