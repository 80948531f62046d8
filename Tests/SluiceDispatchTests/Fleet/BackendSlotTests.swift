import SluiceCore
import SluiceTesting
import Synchronization
import Testing

@testable import SluiceDispatch

@Suite struct BackendSlotTests {
    @Test func aWaiterThatGivesUpAtThatMomentTakesNoWakeUpAlong() async throws {
        let clock = SteppedClock()
        let now = clock.now.monotonic
        let policy = TestPolicy.make(backends: 1) { $0.backends[0].limits.concurrent = 1 }
        for round in 0..<2_000 {
            let slot = try #require(BackendFleet(clock: SluiceClock { clock.now }).adopt(policy).first)
            try #require(slot.admit(tokens: 1, isLater: false, isLastResort: false, at: now) == .admitted)
            let woken = Mutex<[Int]>([])
            let leaves = RoomTicket { _ in woken.withLock { $0.append(0) } }
            let stays = RoomTicket { _ in woken.withLock { $0.append(1) } }
            for ticket in [leaves, stays] { try #require(slot.wait(ticket, at: now)) }
            await withTaskGroup(of: Void.self) { group in
                group.addTask { leaves.tear() }
                group.addTask { slot.release(.success, isLater: false, held: .seconds(1), at: now) }
            }
            #expect(woken.withLock(\.count) == 1, "round \(round): nobody was woken")
        }
    }

    // MARK: The line

    private let now = MonotonicInstant(nanoseconds: 1_000_000_000_000)

    private func slot(_ change: (inout Backend.Limits) -> Void = { $0.concurrent = 1 }) throws -> BackendSlot {
        let policy = TestPolicy.make(backends: 1) { change(&$0.backends[0].limits) }
        let now = Now(wall: Timestamp(milliseconds: 0), monotonic: self.now)
        return try #require(BackendFleet(clock: SluiceClock { now }).adopt(policy).first)
    }

    private func place(_ urgency: Int, _ second: Int) -> RoomPlace { RoomPlace(urgency: urgency, since: self.now + .seconds(second)) }

    private func admit(_ slot: BackendSlot, _ place: RoomPlace = RoomPlace(), isHedge: Bool = false) -> BackendRecord.Admission {
        slot.admit(tokens: 1, isLater: false, isLastResort: false, isHedge: isHedge, place: place, at: self.now)
    }

    private func release(_ slot: BackendSlot) { slot.release(.success, isLater: false, held: .seconds(1), at: self.now) }

    @Test func theMoreUrgentComeFirstAndThenWhoeverCameFirst() throws {
        let slot = try self.slot()
        let woken = Mutex<[Int]>([])
        #expect(self.admit(slot) == .admitted)
        for (number, place) in [self.place(1, 0), self.place(0, 2), self.place(0, 1), self.place(2, 0)].enumerated() {
            let ticket = RoomTicket(place) { slot in
                slot.redeem()
                woken.withLock { $0.append(number) }
            }
            #expect(slot.wait(ticket, at: self.now))
        }
        for _ in 0..<4 {
            self.release(slot)
            #expect(self.admit(slot, self.place(-1, 0)) == .admitted)
        }
        #expect(woken.withLock { $0 } == [2, 1, 0, 3])
    }

    @Test func nobodyOvertakesWhoWaitsOrIsOnTheWay() throws {
        let slot = try self.slot()
        #expect(self.admit(slot) == .admitted)
        let ticket = RoomTicket(self.place(1, 0)) { _ in }
        #expect(slot.wait(ticket, at: self.now))
        self.release(slot)
        #expect(ticket.isSpent)
        #expect(self.admit(slot, self.place(1, 5)) == .busy(nil), "the slot is promised")
        #expect(self.admit(slot, isHedge: true) == .busy(nil))
        slot.redeem()
        #expect(self.admit(slot, self.place(1, 0)) == .admitted)
    }

    @Test func aMoreUrgentRequestMayOvertakeAndASecondAttemptNever() throws {
        let slot = try self.slot { $0.concurrent = 2 }
        for _ in 0..<2 { #expect(self.admit(slot) == .admitted) }
        #expect(slot.wait(RoomTicket(self.place(1, 0)) { _ in }, at: self.now))
        #expect(slot.wait(RoomTicket(self.place(1, 0)) { _ in }, at: self.now))
        self.release(slot)
        self.release(slot)
        // Both slots are promised; a third waiter stands in line.
        #expect(slot.wait(RoomTicket(self.place(1, 1)) { _ in }, at: self.now))
        slot.redeem()
        #expect(self.admit(slot, self.place(1, 2)) != .admitted)
        #expect(self.admit(slot, isHedge: true) != .admitted)
        #expect(self.admit(slot, self.place(0, 3)) == .admitted)
    }

    @Test func thePatientLeaveRoomForAsManyUrgentOnesAsThereWere() throws {
        let slot = try self.slot { $0.concurrent = 8 }
        let urgent = self.place(0, 0)
        let patient = self.place(1, 0)
        for _ in 0..<3 { #expect(self.admit(slot, urgent) == .admitted) }
        for _ in 0..<3 { self.release(slot) }
        for _ in 0..<5 { #expect(self.admit(slot, patient) == .admitted) }
        #expect(self.admit(slot, patient) == .busy(nil), "three of eight are kept")
        let woken = Mutex(false)
        let ticket = RoomTicket(patient) { slot in
            slot.redeem()
            woken.withLock { $0 = true }
        }
        #expect(slot.wait(ticket, at: self.now))
        for _ in 0..<3 { #expect(self.admit(slot, urgent) == .admitted) }
        // One urgent call less is no room for the patient, one patient call less is.
        self.release(slot)
        #expect(!woken.withLock { $0 })
        slot.release(.success, isLater: false, urgency: 1, held: .seconds(1), at: self.now)
        #expect(woken.withLock { $0 })
    }

    @Test func whatIsKeptIsForgottenAndNeverMoreThanHalf() throws {
        let slot = try self.slot { $0.concurrent = 4 }
        for _ in 0..<4 { #expect(self.admit(slot, self.place(0, 0)) == .admitted) }
        for _ in 0..<4 { self.release(slot) }
        for _ in 0..<2 { #expect(self.admit(slot, self.place(1, 0)) == .admitted) }
        #expect(self.admit(slot, self.place(1, 0)) == .busy(nil))
        let later = self.now + .seconds(2)
        let place = self.place(1, 0)
        #expect(slot.admit(tokens: 1, isLater: false, isLastResort: false, place: place, at: later) == .admitted)
    }

    @Test func aLineTellsHowLongItIs() throws {
        let slot = try self.slot()
        for _ in 0..<5 {
            #expect(self.admit(slot) == .admitted)
            self.release(slot)
        }
        #expect(self.admit(slot) == .admitted)
        for _ in 0..<9 { #expect(slot.wait(RoomTicket(self.place(1, 0)) { _ in }, at: self.now)) }
        guard case .full(let wait) = self.admit(slot, self.place(1, 1)) else {
            Issue.record("no word of the wait")
            return
        }
        #expect((9...13).contains(wait.milliseconds / 1000), "ten calls of a second each")
        #expect(self.admit(slot, self.place(0, 1)) == .busy(nil), "for the more urgent there is no line")
    }

    @Test func aLimitPerMinuteIsWaitedForWithoutAskingAgainAndAgain() throws {
        let slot = try self.slot { $0.requestsPerMinute = 1 }
        #expect(self.admit(slot) == .admitted)
        self.release(slot)
        guard case .busy(.some) = self.admit(slot) else {
            Issue.record("no limit")
            return
        }
        #expect(slot.wait(RoomTicket(self.place(0, 0)) { _ in }, at: self.now))
    }

    @Test func aBackendThatComplainsGetsLess() throws {
        let slot = try self.slot { _ in }
        for _ in 0..<20 { #expect(self.admit(slot) == .admitted) }
        slot.complain(at: self.now)
        #expect(self.admit(slot) == .busy(nil))
        #expect(slot.condition(isLater: false, at: self.now).limit == 18)
    }
}
