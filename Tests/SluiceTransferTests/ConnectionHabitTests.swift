import Testing

@testable import SluiceTransfer

@Suite struct ConnectionHabitTests {
    private static let millisecond: UInt64 = 1_000_000
    private static let start = 1000 * millisecond

    /// `#expect` takes no mutating member.
    private static func isInDoubt(_ habit: inout ConnectionHabit, _ now: UInt64) -> Bool { habit.isInDoubt(at: now) }

    @Test func aNewHostHasNothingInDoubt() {
        var habit = ConnectionHabit()
        #expect(!Self.isInDoubt(&habit, Self.start))
    }

    @Test func aConnectionThatHasJustBecomeIdleIsInDoubt() {
        var habit = ConnectionHabit()
        habit.becameIdle(after: .whole, at: Self.start)
        #expect(Self.isInDoubt(&habit, Self.start + 10 * Self.millisecond))
        #expect(!Self.isInDoubt(&habit, Self.start + 51 * Self.millisecond))
    }

    @Test func trustIsEarnedUnderSteadyTraffic() {
        var habit = ConnectionHabit()
        for tick in 0..<60 { habit.becameIdle(after: .whole, at: Self.start + UInt64(tick) * Self.millisecond) }
        #expect(!Self.isInDoubt(&habit, Self.start + 60 * Self.millisecond))
        habit.becameIdle(after: .whole, at: Self.start + 61 * Self.millisecond)
        #expect(!Self.isInDoubt(&habit, Self.start + 61 * Self.millisecond))
    }

    @Test func aHostThatClosesAtOnceNeverEarnsTrust() {
        var habit = ConnectionHabit()
        for tick in 0..<100 {
            let time = Self.start + UInt64(tick) * 30 * Self.millisecond
            habit.becameIdle(after: .streamed, at: time)
            #expect(Self.isInDoubt(&habit, time + Self.millisecond))
            habit.closed(after: .streamed, idleSince: time, at: time + 2 * Self.millisecond)
        }
    }

    @Test func oneClosedConnectionPutsTheOthersInDoubt() {
        var habit = ConnectionHabit()
        habit.becameIdle(after: .whole, at: Self.start)
        habit.becameIdle(after: .whole, at: Self.start + 5 * Self.millisecond)
        habit.closed(after: .whole, idleSince: Self.start, at: Self.start + 10 * Self.millisecond)
        #expect(Self.isInDoubt(&habit, Self.start + 11 * Self.millisecond))
    }

    @Test func aConnectionThatWasTakenEarnsNoTrust() {
        var habit = ConnectionHabit()
        habit.becameIdle(after: .whole, at: Self.start)
        habit.used(after: .whole, idleSince: Self.start)
        _ = Self.isInDoubt(&habit, Self.start + 80 * Self.millisecond)
        habit.becameIdle(after: .whole, at: Self.start + 90 * Self.millisecond)
        #expect(Self.isInDoubt(&habit, Self.start + 91 * Self.millisecond))
    }

    @Test func wholeAndStreamedAnswersEarnTrustApart() {
        var habit = ConnectionHabit()
        habit.becameIdle(after: .whole, at: Self.start)
        #expect(!Self.isInDoubt(&habit, Self.start + 60 * Self.millisecond))
        habit.becameIdle(after: .streamed, at: Self.start + 70 * Self.millisecond)
        #expect(Self.isInDoubt(&habit, Self.start + 71 * Self.millisecond))
    }

    @Test func anIdleLimitIsNoLossOfTrust() {
        var habit = ConnectionHabit()
        habit.becameIdle(after: .whole, at: Self.start)
        _ = habit.isInDoubt(at: Self.start + 60 * Self.millisecond)
        habit.closed(after: .whole, idleSince: Self.start, at: Self.start + 5000 * Self.millisecond)
        habit.becameIdle(after: .whole, at: Self.start + 6000 * Self.millisecond)
        #expect(!Self.isInDoubt(&habit, Self.start + 6001 * Self.millisecond))
    }

    @Test func aSlowCloserGetsALongerTrial() {
        var habit = ConnectionHabit()
        habit.becameIdle(after: .whole, at: Self.start)
        _ = habit.isInDoubt(at: Self.start + 60 * Self.millisecond)
        habit.closed(after: .whole, idleSince: Self.start, at: Self.start + 200 * Self.millisecond)
        habit.becameIdle(after: .whole, at: Self.start + 300 * Self.millisecond)
        #expect(Self.isInDoubt(&habit, Self.start + 600 * Self.millisecond))
        #expect(!Self.isInDoubt(&habit, Self.start + 701 * Self.millisecond))
    }
}
