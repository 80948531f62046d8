/// Who has had how much: the virtual time of each tenant, which runs by the tokens that it was given over its weight.
///
/// Among equally urgent jobs those of the tenant whose time is the earliest go first (start-time fair queueing): over a while each gets
/// its weight's share. Nobody saves up time while nothing of its own waits.
package struct FairShare: Sendable {
    private var times: [String: Double] = [:]
    private var waiting: Set<String> = []
    /// The earliest time among those that waited last.
    private var floor = 0.0

    package init() {}

    /// Tells whose jobs wait. Who was not among them before starts where the others are.
    package mutating func note(waiting tenants: Set<String>) {
        let stayed = tenants.intersection(self.waiting)
        if let earliest = stayed.compactMap({ self.times[$0] }).min() { self.floor = max(self.floor, earliest) }
        for tenant in tenants where !self.waiting.contains(tenant) { self.times[tenant] = max(self.times[tenant] ?? 0, self.floor) }
        // Times that the floor has passed say nothing any more.
        self.times = self.times.filter { tenants.contains($0.key) || $0.value > self.floor }
        self.waiting = tenants
    }

    package func time(of tenant: String) -> Double { self.times[tenant] ?? self.floor }

    package mutating func charge(_ tenant: String, tokens: Double, weight: Int) {
        self.times[tenant] = self.time(of: tenant) + tokens / Double(max(1, weight))
    }
}
