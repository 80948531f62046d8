import GRDB
import SluiceCore

extension WriteTransaction {
    /// Carries out one operation.
    ///
    /// - Throws: Where it fails after it has changed something: then the whole transaction is lost.
    mutating func carryOut(_ operation: WriteOperation) throws -> @Sendable () -> Void {
        do {
            return try operation.run(&self)
        } catch let error as Unchanged {
            return { operation.fail(error.error) }
        }
    }

    /// Carries out one operation; one that fails leaves nothing behind, and does not disturb the others of its group.
    ///
    /// - Throws: Where the whole transaction is lost.
    mutating func carryOutApart(_ operation: WriteOperation) throws -> @Sendable () -> Void {
        let mark = self.chain.mark
        let changes = self.changes.count
        try self.db.cachedStatement(sql: "SAVEPOINT operation").execute()
        do {
            let answer = try self.carryOut(operation)
            try self.chain.appendWaiting(to: self.db)
            try self.db.cachedStatement(sql: "RELEASE operation").execute()
            return answer
        } catch {
            let failure = StoreError.translating(error)
            guard failure.code != .full, failure.code != .ioFailure, self.db.isInsideTransaction else { throw failure }
            try self.db.cachedStatement(sql: "ROLLBACK TO operation").execute()
            try self.db.cachedStatement(sql: "RELEASE operation").execute()
            self.chain.rollBack(to: mark)
            self.takeBackChanges(to: changes)
            return { operation.fail(failure) }
        }
    }
}
