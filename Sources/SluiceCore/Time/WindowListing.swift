/// The concrete times at which the windows of a policy open and close (`sluice windows`, `GET /api/windows`).
package struct WindowListing: Codable, Sendable {
    package struct Opening: Codable, Hashable, Sendable {
        package var window: String
        /// RFC 3339 in UTC; null where it has been open for more than a year.
        @OrNull package var opens: String?
        /// RFC 3339 in UTC; null where it stays open for more than a year.
        @OrNull package var closes: String?
        /// The zone whose clock the window follows.
        package var zone: String
        /// By that clock, with its offset.
        @OrNull package var opensLocal: String?
        @OrNull package var closesLocal: String?

        enum CodingKeys: String, CodingKey {
            case window, opens, closes, zone
            case opensLocal = "opens_local"
            case closesLocal = "closes_local"
        }
    }

    package var schema = "sluice.windows/v1"
    package var data: [Opening]
    package var hasMore = false
    @OrNull package var lastID: String?

    enum CodingKeys: String, CodingKey {
        case schema, data
        case hasMore = "has_more"
        case lastID = "last_id"
    }

    /// Every opening that touches `span`, by its start; whole ones, not cut to the span.
    package init(of policy: PolicySet, in span: Range<Timestamp>) {
        self.data = policy.calendar.openings(in: span).map { opening in
            let zone = policy.calendar.zone(of: .named(opening.window)) ?? policy.zone
            return Opening(
                window: opening.window, opens: opening.opens?.description, closes: opening.closes?.description, zone: zone,
                opensLocal: opening.opens.flatMap { ZonedClock(zone)?.rfc3339(at: $0) },
                closesLocal: opening.closes.flatMap { ZonedClock(zone)?.rfc3339(at: $0) })
        }
    }
}

/// One time during which a named window is open.
package struct WindowOpening: Hashable, Sendable {
    package var window: String
    /// nil where it opened before anything that was looked at.
    package var opens: Timestamp?
    package var closes: Timestamp?
}

extension WindowCalendar {
    /// The policy's own windows, without those of the price book, which have a slash in their names.
    package var ownNames: [String] { self.named.keys.filter { !$0.contains("/") }.sorted() }

    /// Every opening of a named window that touches `span`, by its start.
    package func openings(in span: Range<Timestamp>) -> [WindowOpening] {
        let year = Duration.seconds(400 * 86_400)
        let wide = span.lowerBound - year..<span.upperBound + year
        return self.ownNames.flatMap { name in
            self.intervals(of: .named(name), in: wide).intervals.filter { $0.overlaps(span) }.map { interval in
                WindowOpening(
                    window: name, opens: interval.lowerBound == wide.lowerBound ? nil : interval.lowerBound,
                    closes: interval.upperBound == wide.upperBound ? nil : interval.upperBound)
            }
        }.sorted { ($0.opens ?? .distantPast, $0.window) < ($1.opens ?? .distantPast, $1.window) }
    }

    /// The zone of the first hours in a window; nil where there are none.
    package func zone(of window: DispatchWindow) -> String? {
        switch window {
        case .hours(let hours): hours.zone
        case .named(let name): self.named[name].flatMap { self.zone(of: $0) }
        case .any(let windows), .all(let windows): windows.lazy.compactMap { self.zone(of: $0) }.first
        case .not(let window): self.zone(of: window)
        case .except(let window, _): self.zone(of: window)
        }
    }
}
