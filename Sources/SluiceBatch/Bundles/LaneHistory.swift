import SluiceCore
import Synchronization

/// How long providers' batch lanes have taken of late, told by the runs of bundles, asked by the scheduler.
final class LaneHistory: Sendable {
    private struct State {
        /// By backend.
        var ends: [String: LaneEnds] = [:]
        var open: [Int64: (backend: String, since: Timestamp)] = [:]
    }

    private let state = Mutex(State())

    /// What earlier processes have seen, the oldest first.
    func add(_ times: [LaneTime]) {
        self.state.withLock { state in
            for time in times { state.ends[time.backend, default: LaneEnds()].add(time.took, begun: time.begun) }
        }
    }

    /// The provider has it.
    func opened(_ bundle: Bundle) {
        guard let submitted = bundle.submitted else { return }
        self.state.withLock { state in state.open[bundle.id] = (bundle.backend, submitted) }
    }

    /// It is over; of one that was called back it is not known how long it would have taken.
    func ended(_ bundle: Bundle, by event: BundleState.Event, at now: Timestamp) {
        let isCalledBack = bundle.state == .cancelling || bundle.pullAt.map { $0 <= now } ?? false
        self.state.withLock { state in
            state.open[bundle.id] = nil
            guard event == .ended, !isCalledBack, let submitted = bundle.submitted else { return }
            state.ends[bundle.backend, default: LaneEnds()].add(now - submitted, begun: submitted)
        }
    }

    /// By backend, for what was or is handed over at `begun`.
    func curves(for begun: Timestamp, at now: Timestamp) -> [String: LaneCurve] {
        self.state.withLock { state in
            var ages: [String: [Duration]] = [:]
            for (backend, since) in state.open.values { ages[backend, default: []].append(max(now - since, .zero)) }
            return state.ends.reduce(into: ages.mapValues { LaneCurve(ends: [], open: $0) }) { curves, lane in
                curves[lane.key] = LaneCurve(ends: lane.value.near(begun), open: ages[lane.key] ?? [])
            }
        }
    }
}
