import Synchronization

/// The windows of one policy, with their opening hours worked out in advance, so that asking costs a binary search.
package final class WindowCalendar: Sendable {
    private struct Schedule {
        var span: Range<Timestamp>
        var sets: [DispatchWindow: IntervalSet] = [:]
    }

    /// What the names of the policy stand for.
    package let named: [String: DispatchWindow]
    private let schedule: Mutex<Schedule>

    package init(named: [String: DispatchWindow]) {
        self.named = named
        self.schedule = Mutex(Schedule(span: .distantPast ..< .distantPast))
    }

    package func isOpen(_ window: DispatchWindow, at instant: Timestamp) -> Bool {
        self.intervals(of: window, around: instant).contains(instant)
    }

    /// The interval that holds `instant`, or the next one; nil where the window does not open within 400 days.
    package func nextOpening(of window: DispatchWindow, from instant: Timestamp) -> Range<Timestamp>? {
        self.intervals(of: window, around: instant).interval(endingAfter: instant)
    }

    /// Every interval of the window in `span`, cut to it.
    package func intervals(of window: DispatchWindow, in span: Range<Timestamp>) -> IntervalSet {
        window.intervals(in: span, named: self.named)
    }

    private func intervals(of window: DispatchWindow, around instant: Timestamp) -> IntervalSet {
        self.schedule.withLock { schedule in
            // A week behind and 400 days ahead; made anew when the clock has come near an end.
            if instant < schedule.span.lowerBound || instant >= schedule.span.upperBound - .seconds(366 * 86_400) {
                schedule = Schedule(span: instant - .seconds(7 * 86_400)..<instant + .seconds(400 * 86_400))
            }
            if let known = schedule.sets[window] { return known }
            let set = window.intervals(in: schedule.span, named: self.named)
            schedule.sets[window] = set
            return set
        }
    }
}
