/// The future cut into steps: fine where it is near, coarse where it is far, a bit over a week in all.
///
/// From ten minutes on the edges are those of whole clock times, so that windows of policies begin and end with a step.
package struct PlanHorizon: Sendable {
    /// One more than there are steps.
    package let edges: [Timestamp]

    package init(from now: Timestamp) {
        var edges = [now]
        for (size, end) in [(1, 10), (10, 60), (60, 600), (600, 7200), (1800, 86_400), (14_400, 8 * 86_400)] as [(Int64, Int64)] {
            let limit = now.milliseconds + end * 1000
            while let last = edges.last, last.milliseconds + size * 500 < limit {
                let next = last.milliseconds + size * 1000
                edges.append(Timestamp(milliseconds: size < 600 ? next : next / (size * 1000) * (size * 1000)))
            }
        }
        self.edges = edges
    }

    package var start: Timestamp { self.edges[0] }
    package var end: Timestamp { self.edges[self.edges.count - 1] }
    package var steps: Range<Int> { 0..<self.edges.count - 1 }

    package func span(of step: Int) -> Range<Timestamp> { self.edges[step]..<self.edges[step + 1] }

    package func middle(of step: Int) -> Timestamp {
        // Of the first step its beginning counts: that is now.
        step == 0 ? self.start : Timestamp(milliseconds: (self.edges[step].milliseconds + self.edges[step + 1].milliseconds) / 2)
    }

    package func seconds(of step: Int) -> Double { Double((self.edges[step + 1] - self.edges[step]).milliseconds) / 1000 }

    /// How much of a step lies before `instant`, 0…1.
    package func share(of step: Int, before instant: Timestamp) -> Double {
        let span = self.span(of: step)
        guard instant < span.upperBound else { return 1 }
        guard instant > span.lowerBound else { return 0 }
        return Double((instant - span.lowerBound).milliseconds) / Double((span.upperBound - span.lowerBound).milliseconds)
    }

    /// How much of each step lies in the set, 0…1.
    package func shares(in set: IntervalSet) -> [Double] {
        var shares = [Double](repeating: 0, count: self.steps.count)
        for interval in set.intervals {
            for step in self.steps where interval.overlaps(self.span(of: step)) {
                shares[step] += self.share(of: step, before: interval.upperBound) - self.share(of: step, before: interval.lowerBound)
            }
        }
        return shares
    }
}
