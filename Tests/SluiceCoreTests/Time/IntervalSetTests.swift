import SluiceCore
import SluiceTesting
import Testing

@Suite struct IntervalSetTests {
    private func set(_ ranges: Range<Int64>...) -> IntervalSet {
        IntervalSet(ranges.map { Timestamp(milliseconds: $0.lowerBound)..<Timestamp(milliseconds: $0.upperBound) })
    }

    @Test func touchingIntervalsAreOneAndEmptyOnesNone() {
        #expect(self.set(5..<7, 1..<3, 3..<5, 9..<9) == self.set(1..<7))
    }

    @Test func tellsTheIntervalThatHoldsAnInstantOrComesNext() {
        let set = self.set(1..<3, 5..<7)
        let found = [0, 1, 2, 3, 6, 7].map { set.interval(endingAfter: Timestamp(milliseconds: $0))?.lowerBound.milliseconds }
        #expect(found == [1, 1, 1, 5, 5, nil])
        #expect(set.contains(Timestamp(milliseconds: 1)) && !set.contains(Timestamp(milliseconds: 3)))
    }

    /// Union, intersection and complement hold for every instant what they say.
    @Test func keepsTheLawsOfSets() {
        var chance = SeededGenerator(seed: 6)
        func some() -> IntervalSet {
            IntervalSet(
                (0..<Int.random(in: 0...5, using: &chance)).map { _ in
                    let start = Int64.random(in: 0..<40, using: &chance)
                    return Timestamp(milliseconds: start)..<Timestamp(milliseconds: start + Int64.random(in: 0...10, using: &chance))
                })
        }
        let span = Timestamp(milliseconds: 0)..<Timestamp(milliseconds: 60)
        for _ in 0..<500 {
            let (a, b) = (some(), some())
            let (union, both, rest) = (a.union(b), a.intersection(b), a.complement(in: span))
            for millisecond in Int64(0)..<60 {
                let instant = Timestamp(milliseconds: millisecond)
                let (inA, inB) = (a.contains(instant), b.contains(instant))
                #expect(union.contains(instant) == (inA || inB) && both.contains(instant) == (inA && inB) && rest.contains(instant) == !inA)
            }
            #expect(rest.complement(in: span) == a)
        }
    }
}
