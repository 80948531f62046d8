/// A set of instants as half-open intervals, sorted, disjoint and never touching.
package struct IntervalSet: Hashable, Sendable {
    package private(set) var intervals: [Range<Timestamp>]

    /// The union of the given intervals, in any order; empty ones vanish.
    package init(_ intervals: some Sequence<Range<Timestamp>> = []) {
        self.intervals = []
        for interval in intervals.filter({ !$0.isEmpty }).sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = self.intervals.last, interval.lowerBound <= last.upperBound {
                self.intervals[self.intervals.count - 1] = last.lowerBound..<max(last.upperBound, interval.upperBound)
            } else {
                self.intervals.append(interval)
            }
        }
    }

    package func union(_ other: IntervalSet) -> IntervalSet {
        IntervalSet(self.intervals + other.intervals)
    }

    package func intersection(_ other: IntervalSet) -> IntervalSet {
        var result: [Range<Timestamp>] = []
        var mine = self.intervals[...]
        var theirs = other.intervals[...]
        while let a = mine.first, let b = theirs.first {
            result.append(a.clamped(to: b))
            if a.upperBound < b.upperBound { mine.removeFirst() } else { theirs.removeFirst() }
        }
        return IntervalSet(result)
    }

    /// What of `span` is not in the set.
    package func complement(in span: Range<Timestamp>) -> IntervalSet {
        var result: [Range<Timestamp>] = []
        var start = span.lowerBound
        for interval in self.intervals where interval.upperBound > start {
            guard interval.lowerBound < span.upperBound else { break }
            if interval.lowerBound > start { result.append(start..<interval.lowerBound) }
            start = max(start, interval.upperBound)
        }
        if start < span.upperBound { result.append(start..<span.upperBound) }
        return IntervalSet(result)
    }

    /// The first interval that ends after `instant`: it holds the instant or opens later.
    package func interval(endingAfter instant: Timestamp) -> Range<Timestamp>? {
        var low = 0
        var high = self.intervals.count
        while low < high {
            let middle = (low + high) / 2
            if self.intervals[middle].upperBound > instant { high = middle } else { low = middle + 1 }
        }
        return low < self.intervals.count ? self.intervals[low] : nil
    }

    package func contains(_ instant: Timestamp) -> Bool {
        self.interval(endingAfter: instant)?.contains(instant) ?? false
    }
}
