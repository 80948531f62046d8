import SluiceCore
import Testing

@Suite struct LeaseRoundTests {
    private func candidate(_ lane: String, tenant: String = "default", due second: Int?, jobs: Int, weight: Int = 1, _ tiers: LeaseRound.Tier...)
        -> LeaseRound.Candidate
    {
        LeaseRound.Candidate(place: Demands.place(lane, tenant: tenant, due: second), jobs: jobs, tokens: 100, weight: weight, tiers: tiers)
    }

    private func anywhere(_ jobs: Int) -> LeaseRound.Tier { LeaseRound.Tier(backends: [0], allowance: jobs) }

    /// Jobs by lane and tenant.
    private func given(_ grants: [LeaseRound.Grant]) -> [String: Int] {
        grants.reduce(into: [:]) { $0["\($1.place.lane.trafficClass) \($1.place.lane.tenant)", default: 0] += $1.jobs }
    }

    @Test func theEarliestDeadlineGoesFirst() {
        var memory = LeaseRound.Memory()
        let queue = [self.candidate("late", due: 900, jobs: 50, self.anywhere(50)), self.candidate("soon", due: 60, jobs: 5, self.anywhere(5))]
        #expect(self.given(LeaseRound.grants(queue, room: [0: 8], most: 100, &memory)) == ["soon default": 5, "late default": 3])
    }

    @Test func equallyUrgentTenantsShareByWeight() {
        var memory = LeaseRound.Memory()
        var total: [String: Int] = [:]
        for _ in 0..<100 {
            let queue = [
                self.candidate("a", tenant: "small", due: 60, jobs: 1000, weight: 1, self.anywhere(1000)),
                self.candidate("a", tenant: "large", due: 60, jobs: 1000, weight: 3, self.anywhere(1000)),
            ]
            total.merge(self.given(LeaseRound.grants(queue, room: [0: 8], most: 100, &memory)), uniquingKeysWith: +)
        }
        let (small, large) = (total["a small"] ?? 0, total["a large"] ?? 0)
        #expect(small + large == 800 && (180...230).contains(small), "\(small) and \(large)")
    }

    @Test func noLaneStarvesBehindOneThatIsAlwaysMoreUrgent() {
        var memory = LeaseRound.Memory()
        var patient = 0
        for _ in 0..<200 {
            let queue = [
                self.candidate("urgent", due: 60, jobs: 1000, self.anywhere(1000)), self.candidate("never due", due: nil, jobs: 1000, self.anywhere(1000)),
            ]
            patient += self.given(LeaseRound.grants(queue, room: [0: 4], most: 100, &memory))["never due default"] ?? 0
        }
        // A sixteenth, by whole turns.
        #expect((24...56).contains(patient), "\(patient)")
    }

    @Test func roomThatIsGivenIsGone() {
        var memory = LeaseRound.Memory()
        let queue = ["a", "b", "c"].map { self.candidate($0, due: 60, jobs: 10, self.anywhere(10)) }
        #expect(self.given(LeaseRound.grants(queue, room: [0: 7], most: 100, &memory)).values.reduce(0, +) == 7)
        #expect(LeaseRound.grants(queue, room: [0: 0], most: 100, &memory).isEmpty)
    }

    @Test func onlyWhatIsAllowedThereGoesToTheDearBackend() {
        var memory = LeaseRound.Memory()
        let tiers = [LeaseRound.Tier(backends: [0], allowance: 10), LeaseRound.Tier(backends: [1], allowance: 3)]
        let queue = [LeaseRound.Candidate(place: Demands.place("a", due: 60), jobs: 10, tokens: 1, weight: 1, tiers: tiers)]
        let grants = LeaseRound.grants(queue, room: [0: 2, 1: 50], most: 100, &memory)
        #expect(grants.filter { $0.tiers.first == [0] }.reduce(0) { $0 + $1.jobs } == 2)
        #expect(grants.filter { $0.tiers.first == [1] }.reduce(0) { $0 + $1.jobs } == 3)
    }

    @Test func jobsForTheCheapBackendLeaveThoseOfTheDearOneAlone() {
        var memory = LeaseRound.Memory()
        let tiers = [LeaseRound.Tier(backends: [0], allowance: 10), LeaseRound.Tier(backends: [1], allowance: 3)]
        let queue = [LeaseRound.Candidate(place: Demands.place("a", due: 60), jobs: 10, tokens: 1, weight: 1, tiers: tiers)]
        let grants = LeaseRound.grants(queue, room: [0: 7, 1: 50], most: 100, &memory)
        #expect(grants.reduce(0) { $0 + $1.jobs } == 10)
    }

    @Test func aTenantSavesUpNothingWhileItHasNothingToDo() {
        var share = FairShare()
        share.note(waiting: ["busy"])
        share.charge("busy", tokens: 5000, weight: 1)
        share.note(waiting: ["busy", "new"])
        #expect(share.time(of: "new") == 5000)
    }
}
