extension ClientWishes {
    /// Reads one header of `contract.md`, Request headers; names are in lower case, others are ignored.
    ///
    /// - Throws: A 400 that names the header and shows a value that would do.
    package mutating func read(header name: String, value: String) throws(Refusal) {
        switch name {
        case "sluice-class":
            guard !value.isEmpty else { throw Refusal.invalid("Sluice-Class is empty; name a class of the policy", param: "Sluice-Class") }
            self.trafficClass = value
        case "sluice-latency-budget":
            try self.readBudget(value)
        case "sluice-deadline":
            guard let deadline = Deadline(value) else {
                throw Refusal.invalid(
                    "Sluice-Deadline is \(value.quotedForMessage); write a duration (4h, at most ten years), a time of day (06:00) or RFC 3339",
                    param: "Sluice-Deadline")
            }
            self.deadline = deadline
        case "sluice-max-cost":
            guard let cost = Money(value), cost >= .zero else {
                throw Refusal.invalid("Sluice-Max-Cost is \(value.quotedForMessage); write a plain number such as 0.02", param: "Sluice-Max-Cost")
            }
            self.maxCost = cost
        case "x-stainless-read-timeout", "x-stainless-timeout":
            // The SDKs send it with every call; a value that is no time is theirs to keep.
            if let timeout = ClientWishes.seconds(value) { self.readTimeout = timeout }
        default:
            break
        }
    }

    private mutating func readBudget(_ value: String) throws(Refusal) {
        for part in value.split(separator: ",", omittingEmptySubsequences: false) {
            let pair = part.split(separator: "=", maxSplits: 1).map { $0.trimmed }
            guard let text = pair.last, let duration = DurationText.parse(text), duration > .zero, duration <= Deadline.longest else {
                throw ClientWishes.wrongBudget(value)
            }
            switch pair.count == 2 ? pair[0] : "" {
            case "": self.plainBudget = duration
            case "first_token": self.latency.firstToken = duration
            case "total": self.latency.total = duration
            default: throw ClientWishes.wrongBudget(value)
            }
        }
    }

    private static func wrongBudget(_ value: String) -> Refusal {
        .invalid(
            "Sluice-Latency-Budget is \(value.quotedForMessage); write 800ms, or first_token=800ms, total=20s", param: "Sluice-Latency-Budget")
    }

    /// Seconds with decimals, up to a day; nil for anything else.
    private static func seconds(_ text: String) -> Duration? {
        guard let milliseconds = DecimalText.parse(text, decimals: 3), (1...86_400_000).contains(milliseconds) else { return nil }
        return .milliseconds(Int64(milliseconds))
    }
}

extension ClientWishes.Deadline {
    /// Ten years: whoever asks for more has made a mistake.
    package static let longest = Duration.seconds(3660 * 86_400)

    package init?(_ text: String) {
        if let duration = DurationText.parse(text) {
            guard duration > .zero, duration <= Self.longest else { return nil }
            self = .within(duration)
        } else if text.utf8.count == 5, let second = ClockText.parse(text) {
            self = .clock(second: second)
        } else if let instant = Timestamp(rfc3339: text) {
            self = .at(instant)
        } else {
            return nil
        }
    }

    /// The instant that is meant, for a client whose clock shows `zone`.
    package func instant(after now: Timestamp, zone: String) -> Timestamp {
        switch self {
        case .within(let duration): return now + duration
        case .at(let instant): return instant
        case .clock(let second):
            guard let clock = ZonedClock(zone) else { return now }
            let today = clock.date(at: now).daysSince1970
            let candidate = clock.instant(day: today, second: second)
            return candidate > now ? candidate : clock.instant(day: today + 1, second: second)
        }
    }
}

/// A time of day: `HH:MM` or `HH:MM:SS`, `24:00` being the end of the day.
package enum ClockText {
    /// Seconds since midnight.
    package static func parse(_ text: some StringProtocol) -> Int? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2 || parts.count == 3, parts.allSatisfy({ $0.utf8.count == 2 && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } })
        else { return nil }
        let numbers = parts.compactMap { UInt8($0) }.map(Int.init)
        guard numbers.count == parts.count, numbers[0] <= 24, numbers[1] < 60, numbers.count == 2 || numbers[2] < 60 else { return nil }
        let second = numbers[0] * 3600 + numbers[1] * 60 + (numbers.count == 3 ? numbers[2] : 0)
        return second <= 86_400 ? second : nil
    }
}

extension StringProtocol {
    /// Without spaces and tabs around it.
    package var trimmed: String {
        let isBlank = { (character: Character) in character == " " || character == "\t" }
        var rest = self[...]
        while let first = rest.first, isBlank(first) { rest = rest.dropFirst() }
        while let last = rest.last, isBlank(last) { rest = rest.dropLast() }
        return String(rest)
    }

    /// In quotes and cut to 60 characters, so that a message never carries a client's whole input.
    package var quotedForMessage: String {
        let shown = self.prefix(60).map { $0.isASCII && !$0.isNewline && $0 != "\"" ? String($0) : "?" }.joined()
        return "`\(shown)\(self.count > 60 ? "…" : "")`"
    }
}
