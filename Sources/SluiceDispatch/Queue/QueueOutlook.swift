package import SluiceCore
import Synchronization

/// The scheduler's last plan, for those who must say when and at what price new work will be done.
package final class QueueOutlook: Sendable {
    private struct State {
        var plan: QueuePlan
        var policy: PolicySet
        /// Of lanes that the plan does not know, worked out when somebody asks.
        var routes: [Job.Lane: [LaneRoute]] = [:]

        /// Backends to which requests go in batches of the provider's own.
        var lanes: Set<Int> { Set(self.policy.backends.lazy.filter(\.api.isBatchLane).map(\.index)) }

        mutating func routes(of lane: Job.Lane) -> [LaneRoute] {
            if let known = self.plan.knownRoutes(of: lane) ?? self.routes[lane] { return known }
            let found = LaneRouting(self.policy, over: self.plan.horizon).routes(of: lane)
            self.routes[lane] = found
            return found
        }
    }

    private let current = Mutex<State?>(nil)

    package init() {}

    package func publish(_ plan: QueuePlan, for policy: PolicySet) {
        self.current.withLock { $0 = State(plan: plan, policy: policy) }
    }

    /// What is expected of jobs that come now; nil before there is a plan.
    ///
    /// - Parameter count: So many jobs like this one.
    package func prospect(of job: Job, count: Int = 1) -> QueueProspect? {
        let found = self.current.withLock { state -> (QueuePlan, [LaneRoute], Set<Int>)? in
            guard let plan = state?.plan, let routes = state?.routes(of: job.lane), let lanes = state?.lanes else { return nil }
            return (plan, routes, lanes)
        }
        guard let (plan, routes, lanes) = found else { return nil }
        var promotable = job.promoteTo == nil ? routes.filter { !$0.isPromotion } : routes
        if !BundleTerms.accepts(jobs: count, slack: job.deadline.map { $0 - plan.horizon.start }) { promotable.removeAll { lanes.contains($0.backend) } }
        let demand = QueueDemand(
            place: QueueDemand.Place(lane: job.lane, bucket: job.deadline ?? .distantFuture), jobs: count,
            tokens: Double(max(1, job.estimatedTokens) * count), routes: promotable, opening: job.notBefore > plan.horizon.start ? job.notBefore : nil)
        return plan.prospect(of: demand)
    }

    /// Expected cost, expected finish and the chance of being late of work that comes now.
    ///
    /// - Parameter request: One of them, or their mean.
    package func quote(_ job: Job, _ request: InferenceRequest, count: Int = 1, live: LivePolicy) -> Batch.Quote {
        let plain = job.estimatedCost.map { $0.times(count) }
        guard let prospect = self.prospect(of: job, count: count) else {
            return Batch.Quote(cost: plain, finish: min(job.deadline ?? .distantFuture, job.notBefore + .seconds(60)), risk: 0)
        }
        let finish = min(prospect.finish ?? job.deadline ?? .distantFuture, job.deadline ?? .distantFuture)
        let cost = self.cost(prospect, job, request, count: count, live) ?? plain
        return Batch.Quote(cost: cost, finish: max(finish, job.notBefore), risk: prospect.risk)
    }

    /// What it costs where and when it is expected to run.
    private func cost(_ prospect: QueueProspect, _ job: Job, _ request: InferenceRequest, count: Int, _ live: LivePolicy) -> Money? {
        guard let model = live.policy.model(named: job.sentModel), !prospect.parts.isEmpty else { return nil }
        var total = 0.0
        var share = 0.0
        for part in prospect.parts {
            guard part.backend < live.policy.backends.count, let offer = model.offers[part.backend],
                let cost = live.planner.estimate(request, offer, at: live.policy.backends[part.backend], on: part.at)
            else { return nil }
            total += Double(cost.pico) * part.share
            share += part.share
        }
        guard share > 0 else { return nil }
        // A forecast: nothing is booked by it.
        let pico = (total / share * Double(count)).rounded()
        return pico < 9e18 ? Money(pico: Int64(pico)) : nil
    }
}

extension Deferral {
    /// What is expected of a job that has not ended; nil of one that has.
    package func expectation(of job: Job) -> Batch.Quote? {
        guard !job.state.isTerminal else { return nil }
        let prospect = self.outlook.prospect(of: job)
        let latest = job.deadline ?? .distantFuture
        return Batch.Quote(cost: job.estimatedCost, finish: min(prospect?.finish ?? latest, latest), risk: prospect?.risk ?? 0)
    }
}

extension Money {
    fileprivate func times(_ count: Int) -> Money {
        let (pico, overflow) = self.pico.multipliedReportingOverflow(by: Int64(count))
        return Money(pico: overflow ? .max : pico)
    }
}
