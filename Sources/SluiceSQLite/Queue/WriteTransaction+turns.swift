import GRDB
import SluiceCore

/// Jobs of one place of the queue as they are leased: prefix by prefix, from its two sides.
extension WriteTransaction {
    mutating func lease(_ limit: Int, of share: LaneTable.Share, to epoch: Int64) throws -> [PackedLease] {
        guard limit > 0, var turn = self.backlog.withTable({ $0.turn(of: share) }) else { return [] }
        var leased: [PackedLease] = []
        let portions = turn.portions(of: limit)
        for portion in portions { leased += try self.lease(portion.jobs, of: share, portion.side, &turn, to: epoch) }
        // What one side did not have.
        for portion in portions where leased.count < limit {
            leased += try self.lease(limit - leased.count, of: share, portion.side, &turn, to: epoch)
        }
        let next = turn
        self.backlog.withTable { $0.setTurn(next, of: share) }
        return leased
    }

    private mutating func lease(
        _ limit: Int, of share: LaneTable.Share, _ side: PrefixTurn.Side, _ turn: inout PrefixTurn, to epoch: Int64
    ) throws -> [PackedLease] {
        var leased: [PackedLease] = []
        var atLastWrap = -1
        while leased.count < limit {
            let wanted = limit - leased.count
            let rows = try self.candidates(wanted, of: share, turn.prefixes(of: side))
            let isCut = try self.lease(rows, side, &turn, to: epoch, into: &leased)
            if isCut || (rows.count == wanted && leased.count > limit - wanted) { continue }
            // Nothing more from here on; once around is enough where nothing comes of it.
            guard turn.isUnderWay(side), leased.count > atLastWrap else { break }
            atLastWrap = leased.count
            turn.wrap(side)
        }
        return leased
    }

    private func candidates(_ limit: Int, of share: LaneTable.Share, _ prefixes: ClosedRange<Int64>) throws -> [JobRow] {
        try RawStatement(LeaseSQL.candidates, in: self.db).all(
            .integer(share.lane), .integer(share.bucket), .integer(prefixes.lowerBound), .integer(prefixes.upperBound), .integer(limit), read: JobRow.init)
    }

    /// Gives whether the turn of a prefix was over before the rows were.
    private mutating func lease(
        _ rows: [JobRow], _ side: PrefixTurn.Side, _ turn: inout PrefixTurn, to epoch: Int64, into leased: inout [PackedLease]
    ) throws -> Bool {
        for row in rows {
            let room = try self.costRoom(for: row)
            guard room != .later else { continue }
            guard turn.take(Int64(bitPattern: row.job.prefix), side) else { return true }
            var job = try self.lease(row, to: epoch)
            job.leased.isOverCost = room == .none
            leased.append(job)
        }
        return false
    }
}
