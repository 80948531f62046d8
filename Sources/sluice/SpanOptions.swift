import ArgumentParser
import SluiceCore

/// From when to when.
struct SpanOptions: ParsableArguments {
    @Option(help: ArgumentHelp("From this instant on: RFC 3339, a date (its midnight in UTC), or a time ago such as 7d.", valueName: "time"))
    var since: String?

    @Option(help: ArgumentHelp("Before this instant.", valueName: "time"))
    var until: String?

    func validate() throws {
        for (name, text) in [("--since", self.since), ("--until", self.until)] {
            guard let text, SpanOptions.instant(text, before: .distantPast) == nil else { continue }
            throw ValidationError("\(name) wants a time such as 2026-11-23T15:30:00+01:00, a date, or 7d for a week ago.")
        }
        let now = Timestamp.now
        if let start = self.start(at: now), let end = self.end(at: now), end < start { throw ValidationError("--until is before --since.") }
    }

    func start(at now: Timestamp) -> Timestamp? { self.since.flatMap { SpanOptions.instant($0, before: now) } }
    func end(at now: Timestamp) -> Timestamp? { self.until.flatMap { SpanOptions.instant($0, before: now) } }

    private static func instant(_ text: String, before now: Timestamp) -> Timestamp? {
        Timestamp(rfc3339: text) ?? DurationText.parse(text).map { now - $0 }
    }
}
