import GRDB
import SluiceCore

/// Jobs on their way through the lanes, on disk and in the backlog.
extension WriteTransaction {
    /// The number of a lane, which is made where it is new.
    mutating func number(of lane: Job.Lane, batch: Int64?) throws -> Int64 {
        let key = LaneTable.Key(lane: lane, batch: batch)
        if let number = self.backlog.withTable({ $0.number(of: key) }) { return number }
        let arguments: StatementArguments = [lane.tenant, lane.trafficClass, lane.sentModel, lane.endpoint.name, lane.rung, batch]
        let search = try self.db.cachedStatement(
            sql: """
                SELECT id FROM lane
                WHERE tenant = ? AND class = ? AND sent_model = ? AND endpoint = ? AND rung = ? AND ifnull(batch, 0) = ifnull(?, 0)
                """)
        var number = try Int64.fetchOne(search, arguments: arguments)
        if number == nil {
            try self.db.execute(
                sql: "INSERT INTO lane(tenant, class, sent_model, endpoint, rung, batch) VALUES (?, ?, ?, ?, ?, ?)", arguments: arguments)
            number = self.db.lastInsertedRowID
        }
        guard let number else { preconditionFailure("a lane without a number") }
        self.record(.addedLane(number)) { $0.add(number, key) }
        return number
    }

    mutating func move(_ move: LaneTable.Move) {
        self.record(.moved(move)) { $0.apply(move) }
    }

    /// Leaves a batch out of what is leased, or takes it in again.
    mutating func halt(_ batch: Int64, _ isHalted: Bool) {
        guard self.backlog.withTable({ $0.isHalted(batch) }) != isHalted else { return }
        self.record(.halted(batch, isHalted)) { $0.halt(batch, isHalted) }
    }

    private mutating func record(_ change: BacklogChange, _ body: (inout LaneTable) -> Void) {
        self.backlog.withTable { body(&$0) }
        self.changes.append(change)
    }

    /// Takes back what was done to the backlog after the first `count` changes.
    mutating func takeBackChanges(to count: Int) {
        guard self.changes.count > count else { return }
        self.backlog.withTable { table in
            for change in self.changes[count...].reversed() {
                switch change {
                case .moved(let move): table.apply(move.inverse)
                case .addedLane(let number): table.remove(number)
                case .halted(let batch, let isHalted): table.halt(batch, !isHalted)
                }
            }
        }
        self.changes.removeSubrange(count...)
    }
}
