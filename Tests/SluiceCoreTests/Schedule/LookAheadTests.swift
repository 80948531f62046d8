import SluiceCore
import Testing

/// A day and a half in steps of ten minutes: an own backend that is quick enough on the mean and not by day, and a dear one that always is.
@Suite struct LookAheadTests {
    private static let step = 600
    private static let ownPerStep = 600
    private static let steps = 216

    /// What comes at a step: jobs of a hundred tokens by how many seconds they may wait.
    private static func arrivals(_ step: Int) -> [(jobs: Int, wait: Int)] {
        let hour = step * self.step / 3600
        guard hour < 24 else { return [] }
        let jobs = (8..<18).contains(hour) ? 1400 : 120
        return [(jobs / 2, 4 * 3600), (jobs / 2, 12 * 3600)]
    }

    private struct Outcome {
        var dear = 0
        var late = 0
    }

    /// Plays the day; `dear` says how many of each deadline may leave for the dear backend at a step.
    private func play(_ dear: (_ queue: [Int: Int], _ step: Int) -> [Int: Int]) -> Outcome {
        var queue: [Int: Int] = [:]
        var outcome = Outcome()
        for step in 0..<LookAheadTests.steps {
            for (jobs, wait) in LookAheadTests.arrivals(step) { queue[step * LookAheadTests.step + wait, default: 0] += jobs }
            for (deadline, jobs) in dear(queue, step) {
                let leaving = min(jobs, queue[deadline] ?? 0)
                queue[deadline, default: 0] -= leaving
                outcome.dear += leaving
            }
            var room = LookAheadTests.ownPerStep
            for deadline in queue.keys.sorted() {
                let done = min(room, queue[deadline] ?? 0)
                queue[deadline, default: 0] -= done
                room -= done
            }
            for (deadline, jobs) in queue where deadline <= (step + 1) * LookAheadTests.step {
                outcome.late += jobs
                queue[deadline] = nil
            }
            queue = queue.filter { $0.value > 0 }
        }
        return outcome
    }

    /// The least that does not fit: the earliest deadlines first, and what is late is gone.
    private var bound: Int { self.play { _, _ in [:] }.late }

    private func lookAhead(expectingArrivals: Bool) -> Outcome {
        self.play { queue, step in
            let now = SamplePolicy.noon + .seconds(step * LookAheadTests.step)
            let horizon = PlanHorizon(from: now)
            func supply(_ perSecond: Double) -> BackendSupply {
                BackendSupply(tokens: horizon.steps.map { perSecond * horizon.seconds(of: $0) }, longCall: .seconds(600))
            }
            let routes = [10, 100].enumerated().map { index, price in LaneRoute(backend: index, prices: horizon.steps.map { _ in Int64(price) }) }
            func demand(_ due: Int, _ jobs: Int, opening: Int? = nil) -> QueueDemand {
                QueueDemand(
                    place: Demands.place(opening == nil ? "here" : "coming", due: due), jobs: jobs, tokens: Double(jobs * 100), routes: routes,
                    opening: opening.map { SamplePolicy.noon + .seconds($0) })
            }
            let coming = (step + 1..<step + 72).flatMap { later in
                LookAheadTests.arrivals(later).map { demand(later * LookAheadTests.step + $0.wait, $0.jobs, opening: later * LookAheadTests.step) }
            }
            let here = queue.map { demand($0.key, $0.value) }
            let plan = QueuePlan(here, expected: expectingArrivals ? coming : [], supplies: [supply(100), supply(1e6)], over: horizon)
            return queue.keys.reduce(into: [:]) { $0[$1] = plan.allowance(Demands.place("here", due: $1), at: 100) }
        }
    }

    @Test func paysForHardlyMoreThanMustLeave() {
        let bound = self.bound
        let outcome = self.lookAhead(expectingArrivals: false)
        #expect(bound > 1000 && outcome.late == 0)
        #expect(outcome.dear < bound * 115 / 100, "\(outcome.dear) left, \(bound) had to")
    }

    @Test func staysWellBelowWhoSendsAwayWhatDoesNotFitAtOnce() {
        let eager = self.play { queue, _ in
            let waiting = queue.values.reduce(0, +)
            var over = max(0, waiting - LookAheadTests.ownPerStep)
            return queue.keys.sorted(by: >).reduce(into: [:]) { leaving, deadline in
                leaving[deadline] = min(over, queue[deadline] ?? 0)
                over -= leaving[deadline] ?? 0
            }
        }
        let outcome = self.lookAhead(expectingArrivals: false)
        #expect(eager.late == 0 && outcome.dear * 2 < eager.dear, "\(outcome.dear) against \(eager.dear)")
    }

    @Test func isNoWorseForKnowingWhatComes() {
        let outcome = self.lookAhead(expectingArrivals: true)
        #expect(outcome.late == 0 && outcome.dear < self.bound * 115 / 100, "\(outcome.dear) left, \(self.bound) had to")
    }
}
