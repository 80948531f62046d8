/// One round of handing out room: which jobs go now, and where.
///
/// The earliest deadlines go first, equally urgent jobs by their tenants' fair share. Every sixteenth grant goes to the lane that was left out
/// the longest, whatever its deadline: nobody starves.
package struct LeaseRound: Sendable {
    /// Jobs of one place that may go now.
    package struct Candidate: Sendable {
        package var place: QueueDemand.Place
        package var jobs: Int
        /// What a job of them counts for.
        package var tokens: Double
        package var weight: Int
        /// Backends by what they cost now, the cheapest first, those of one price together, with how many of the jobs may go there or
        /// anywhere dearer.
        package var tiers: [Tier]

        package init(place: QueueDemand.Place, jobs: Int, tokens: Double, weight: Int, tiers: [Tier]) {
            self.place = place
            self.jobs = jobs
            self.tokens = tokens
            self.weight = weight
            self.tiers = tiers
        }
    }

    package struct Tier: Hashable, Sendable {
        package var backends: [Int]
        package var allowance: Int

        package init(backends: [Int], allowance: Int) {
            self.backends = backends
            self.allowance = allowance
        }
    }

    package struct Grant: Hashable, Sendable {
        package var place: QueueDemand.Place
        package var jobs: Int
        /// In the order in which they are to be tried; the room was that of the first group.
        package var tiers: [[Int]]
    }

    /// What is remembered from round to round.
    package struct Memory: Sendable {
        package var share = FairShare()
        private var grants = 0
        private var lastServed: [Job.Lane: Int] = [:]

        package init() {}

        fileprivate mutating func next() -> Bool {
            self.grants += 1
            return self.grants % LeaseRound.trickle == 0
        }

        fileprivate mutating func serve(_ lane: Job.Lane) { self.lastServed[lane] = self.grants }
        fileprivate func served(_ lane: Job.Lane) -> Int { self.lastServed[lane] ?? 0 }

        package mutating func forget(except lanes: Set<Job.Lane>) {
            self.lastServed = self.lastServed.filter { lanes.contains($0.key) }
        }
    }

    private static let trickle = 16
    /// Jobs of one grant: small, so that shares come out even, and large enough that a lane with many is not a thousand steps.
    private static let portion = 4

    private var candidates: [Candidate]
    private var room: [Int: Int]
    private var given: [Grant] = []

    /// - Parameters:
    ///   - room: How many jobs each backend takes now.
    ///   - most: How many are handed out at once.
    package static func grants(_ candidates: [Candidate], room: [Int: Int], most: Int, _ memory: inout Memory) -> [Grant] {
        var round = LeaseRound(candidates: candidates, room: room)
        memory.share.note(waiting: Set(candidates.map(\.place.lane.tenant)))
        var left = most
        while left > 0, let jobs = round.step(&memory, most: left) { left -= jobs }
        return round.given
    }

    private init(candidates: [Candidate], room: [Int: Int]) {
        self.candidates = candidates.sorted { $0.place.bucket < $1.place.bucket }
        self.room = room
    }

    /// Gives one portion; nil where nothing more may go.
    private mutating func step(_ memory: inout Memory, most: Int) -> Int? {
        guard let index = self.mostUrgent(memory) else { return nil }
        let chosen = memory.next() ? self.longestLeftOut(memory) ?? index : index
        guard let tier = self.usableTier(of: self.candidates[chosen]) else { return nil }
        let candidate = self.candidates[chosen]
        let jobs = min(self.roomOf(candidate.tiers[tier]), candidate.tiers[tier].allowance, candidate.jobs, LeaseRound.portion, most)
        self.give(jobs, of: chosen, tier)
        memory.share.charge(candidate.place.lane.tenant, tokens: candidate.tokens * Double(jobs), weight: candidate.weight)
        memory.serve(candidate.place.lane)
        return jobs
    }

    private func mostUrgent(_ memory: Memory) -> Int? {
        guard let first = self.candidates.indices.first(where: { self.usableTier(of: self.candidates[$0]) != nil }) else { return nil }
        let bucket = self.candidates[first].place.bucket
        return self.candidates.indices.lazy.filter { self.candidates[$0].place.bucket == bucket && self.usableTier(of: self.candidates[$0]) != nil }
            .min { memory.share.time(of: self.candidates[$0].place.lane.tenant) < memory.share.time(of: self.candidates[$1].place.lane.tenant) }
    }

    private func longestLeftOut(_ memory: Memory) -> Int? {
        self.candidates.indices.lazy.filter { self.usableTier(of: self.candidates[$0]) != nil }
            .min { memory.served(self.candidates[$0].place.lane) < memory.served(self.candidates[$1].place.lane) }
    }

    /// The cheapest tier with room that the jobs may use.
    private func usableTier(of candidate: Candidate) -> Int? {
        guard candidate.jobs > 0 else { return nil }
        return candidate.tiers.firstIndex { $0.allowance > 0 && self.roomOf($0) > 0 }
    }

    private func roomOf(_ tier: Tier) -> Int { tier.backends.reduce(0) { $0 + max(0, self.room[$1] ?? 0) } }

    private mutating func give(_ jobs: Int, of index: Int, _ tier: Int) {
        let tiers = self.candidates[index].tiers
        self.candidates[index].jobs -= jobs
        for other in tiers.indices {
            // Jobs that may go to a dearer tier may go to the cheaper ones too, so they count there; the others go first.
            let rest = other <= tier ? tiers[other].allowance - jobs : tiers[other].allowance
            self.candidates[index].tiers[other].allowance = max(0, min(rest, self.candidates[index].jobs))
        }
        var taken = jobs
        for backend in tiers[tier].backends where taken > 0 {
            let here = min(taken, max(0, self.room[backend] ?? 0))
            self.room[backend]? -= here
            taken -= here
        }
        let others = tiers.indices.filter { $0 != tier && tiers[$0].allowance > 0 }.map { tiers[$0].backends }
        self.record(jobs, self.candidates[index].place, [tiers[tier].backends] + others)
    }

    private mutating func record(_ jobs: Int, _ place: QueueDemand.Place, _ tiers: [[Int]]) {
        if let index = self.given.firstIndex(where: { $0.place == place && $0.tiers == tiers }) {
            self.given[index].jobs += jobs
        } else {
            self.given.append(Grant(place: place, jobs: jobs, tiers: tiers))
        }
    }
}
