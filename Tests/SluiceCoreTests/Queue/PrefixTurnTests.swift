import SluiceCore
import Testing

@Suite struct PrefixTurnTests {
    @Test func aPrefixIsOnTheSideOfItsLongerPart() {
        for hash in [0, 1, 1 << 63, .max] as [UInt64] {
            let (reading, writing) = (PrefixTurn.place(hash, input: 10, output: 10), PrefixTurn.place(hash, input: 10, output: 11))
            #expect(Int64(bitPattern: reading) >= 0 && Int64(bitPattern: writing) < 0)
            #expect(reading << 1 == hash << 1 && writing << 1 == hash << 1)
        }
    }

    @Test func theOddJobIsOfAnotherSideEachTime() {
        var turn = PrefixTurn()
        let one = turn.portions(of: 3)
        let other = turn.portions(of: 3)
        #expect(one.map(\.jobs) == [2, 1] && other.map(\.jobs) == [2, 1])
        #expect(one[0].side == other[1].side && one[1].side == other[0].side)
    }

    @Test func aLongRunOfOnePrefixEndsBeforeTheNext() {
        var turn = PrefixTurn()
        let taken = (0...PrefixTurn.longestRun).map { _ in turn.take(7, .reading) }
        #expect(taken.dropLast().allSatisfy { $0 } && taken.last == false)
        #expect(turn.prefixes(of: .reading) == 8 ... .max)
        #expect(turn.prefixes(of: .writing) == .min ... -1)
        let next = turn.take(9, .reading)
        turn.wrap(.reading)
        let first = turn.take(7, .reading)
        #expect(turn.prefixes(of: .reading) == 0 ... .max)
        #expect(next && first)
    }

    @Test func shortRunsNeverEnd() {
        var turn = PrefixTurn()
        let taken = (0..<2000).map { turn.take(Int64($0 / 200), .reading) }
        #expect(taken.allSatisfy { $0 })
        #expect(turn.isUnderWay(.reading) == false)
    }

    @Test func theLastPrefixOfASideIsFollowedByTheFirst() {
        var turn = PrefixTurn()
        let taken = (0...PrefixTurn.longestRun).map { _ in turn.take(.max, .reading) }
        #expect(taken.dropLast().allSatisfy { $0 } && taken.last == false)
        #expect(turn.prefixes(of: .reading) == 0 ... .max)
    }
}
