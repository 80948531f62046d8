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
            let leaves = RoomTicket { woken.withLock { $0.append(0) } }
            let stays = RoomTicket { woken.withLock { $0.append(1) } }
            for ticket in [leaves, stays] { try #require(slot.wait(ticket, at: now)) }
            await withTaskGroup(of: Void.self) { group in
                group.addTask { leaves.tear() }
                group.addTask { slot.release(.success, isLater: false, held: .seconds(1), at: now) }
            }
            #expect(woken.withLock(\.count) == 1, "round \(round): nobody was woken")
        }
    }
}
