@testable import SluiceBatch
import SluiceCore
import SluiceTesting
import Testing

@Suite struct EngineLoadsTests {
    private func at(_ seconds: Int) -> MonotonicInstant { MonotonicInstant(nanoseconds: 0) + .seconds(seconds) }

    @Test func anEngineWithWorkInLineIsBusyUntilItsWordIsOld() {
        let loads = EngineLoads()
        loads.note(EngineLoad(running: 8, waiting: 2), of: "own", at: self.at(0))
        #expect(loads.isBusy("own", at: self.at(5)) && !loads.isBusy("own", at: self.at(7)))
        loads.note(EngineLoad(running: 8, waiting: 0), of: "own", at: self.at(1))
        #expect(!loads.isBusy("own", at: self.at(2)))
    }

    @Test func anEngineThatWasNeverAskedIsFree() {
        let loads = EngineLoads()
        #expect(!loads.isBusy("own", at: self.at(0)) && !loads.isUnreadable("own"))
    }

    @Test func metricsThatCannotBeReadAreNewsOnce() {
        let loads = EngineLoads()
        #expect(loads.noteUnreadable("own", at: self.at(0)) && !loads.noteUnreadable("own", at: self.at(2)) && loads.isUnreadable("own"))
        loads.note(EngineLoad(running: 0, waiting: 0), of: "own", at: self.at(4))
        #expect(!loads.isUnreadable("own") && loads.noteUnreadable("own", at: self.at(6)))
    }
}

@Suite struct LeaseDeskTests {
    private let lane = Sample.job("").lane

    private func backlog(_ jobs: Int) -> [LaneBacklog] {
        var bucket = LaneBacklog.Bucket(at: Sample.now)
        bucket.ready.jobs = jobs
        return jobs == 0 ? [] : [LaneBacklog(lane: self.lane, buckets: [bucket])]
    }

    private func at(_ milliseconds: Int) -> MonotonicInstant { MonotonicInstant(nanoseconds: 0) + .milliseconds(milliseconds) }

    @Test func itTicksByTheClockHoweverOftenItIsAsked() {
        var desk = LeaseDesk()
        let ticks = stride(from: 0, to: 1000, by: 10).filter {
            desk.isTick(Now(wall: Sample.now, monotonic: self.at($0)), every: .milliseconds(250))
        }
        #expect(ticks == [0, 250, 500, 750])
    }

    @Test func itPlansAgainAfterASecondOrWhenMoreWaitsThanIsPlanned() {
        var desk = LeaseDesk()
        #expect(desk.needsPlan(for: [], at: self.at(0)))
        desk.adopt(QueuePlan([], supplies: [], over: PlanHorizon(from: Sample.now)), at: self.at(0))
        #expect(!desk.needsPlan(for: self.backlog(3), at: self.at(10)), "planning does not take more than its share of the time")
        #expect(desk.needsPlan(for: self.backlog(3), at: self.at(30)), "a lane that the plan does not know")
        #expect(!desk.needsPlan(for: [], at: self.at(5000)) && desk.needsPlan(for: [], at: self.at(10_000)), "an idle queue's plan lasts ten seconds")
    }
}
