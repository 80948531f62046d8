/// What the policy says of one request: route, class, model and how long it may take.
package struct Decision: Sendable {
    /// Indices into the policy's lists.
    package var route: Int
    package var trafficClass: Int
    /// The model that was asked for.
    package var requested: Int
    /// The model that is sent, after substitutions.
    package var model: Int
    package var substitutions: [Int] = []
    package var budget: LatencyBudget
    package var maxCost: Money?
    /// Given where the class is `serve: later`.
    package var wait: Wait?

    package init(route: Int, trafficClass: Int, requested: Int, budget: LatencyBudget) {
        self.route = route
        self.trafficClass = trafficClass
        self.requested = requested
        self.model = requested
        self.budget = budget
    }

    /// When deferred work runs.
    package struct Wait: Hashable, Sendable {
        /// nil for `deadline: none`.
        package var deadline: Timestamp?
        /// The next opening of the class's window; now where it is open or there is none.
        package var notBefore: Timestamp
        package var promoteAt: Timestamp?
        /// The index of the pool.
        package var promoteTo: Int?
        package var answer: WaitAnswer

        package init(deadline: Timestamp?, notBefore: Timestamp, answer: WaitAnswer) {
            self.deadline = deadline
            self.notBefore = notBefore
            self.answer = answer
        }
    }

    /// How a client that waits is answered.
    package enum WaitAnswer: Hashable, Sendable {
        /// 202 with a job, after `wait` if the answer is not there by then.
        case job(wait: Duration?)
        /// The answer on the open connection, within this time.
        case hold(Duration)
        /// Queued, for the wire format it came in: a background response, a line of a batch.
        case queued
    }
}
