/// Whose turn it is among equally urgent jobs of one place of the queue (`queue.md` 10.2).
///
/// Those that share the beginning of their prompt go one after the other, so that a backend finds it in its cache, but after a long run of one the
/// next one has its turn. Jobs that mostly read and jobs that mostly write are taken from two ends, half and half: a backend that does both at once
/// has its arithmetic and its memory busy.
package struct PrefixTurn: Sendable {
    /// Which part of a place is asked for jobs.
    package enum Side: Int, CaseIterable, Hashable, Sendable {
        case writing, reading

        /// The prefixes that jobs of this side have, as they are ordered on disk.
        var bounds: ClosedRange<Int64> {
            switch self {
            case .writing: .min ... -1
            case .reading: 0 ... .max
            }
        }
    }

    /// So many jobs of one prefix go one after the other.
    package static let longestRun = 256

    private struct Course: Sendable {
        var from: Int64
        var last: Int64?
        var run = 0
    }

    private var courses = Side.allCases.map { Course(from: $0.bounds.lowerBound) }
    private var first = Side.writing

    package init() {}

    /// The prefix by which a job is ordered: its hash, but for the bit that says on which side it is.
    package static func place(_ hash: UInt64, input: Int, output: Int) -> UInt64 { output > input ? hash | 1 << 63 : hash & ~(1 << 63) }

    /// How many of `limit` jobs each side is asked for; the first one of another side each time. What one does not have, the other gives.
    package mutating func portions(of limit: Int) -> [(side: Side, jobs: Int)] {
        let (one, other) = self.first == .writing ? (Side.writing, Side.reading) : (.reading, .writing)
        self.first = other
        return [(one, (limit + 1) / 2), (other, limit / 2)]
    }

    /// Where the next jobs of a side stand.
    package func prefixes(of side: Side) -> ClosedRange<Int64> { self.courses[side.rawValue].from...side.bounds.upperBound }

    /// Whether what stands before ``prefixes(of:)`` has been left out.
    package func isUnderWay(_ side: Side) -> Bool { self.courses[side.rawValue].from > side.bounds.lowerBound }

    /// Notes that a job goes; false where its prefix has had its turn and the job does not go: others are to be asked for then.
    package mutating func take(_ prefix: Int64, _ side: Side) -> Bool {
        let course = self.courses[side.rawValue]
        guard course.last == prefix else {
            self.courses[side.rawValue].last = prefix
            self.courses[side.rawValue].run = 1
            return true
        }
        guard course.run >= PrefixTurn.longestRun else {
            self.courses[side.rawValue].run += 1
            return true
        }
        if prefix == side.bounds.upperBound { self.wrap(side) } else { self.courses[side.rawValue] = Course(from: prefix + 1) }
        return false
    }

    /// Nothing is left from here on: it begins again.
    package mutating func wrap(_ side: Side) { self.courses[side.rawValue] = Course(from: side.bounds.lowerBound) }
}
