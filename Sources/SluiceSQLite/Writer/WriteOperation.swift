import GRDB
import SluiceCore

/// What an operation works with: the one writing connection inside a transaction, and the open end of the ledger's chain.
struct WriteTransaction {
    let db: Database
    var chain: ChainTail
    let backlog: Backlog
    /// What was done to the backlog so far.
    var changes: [BacklogChange] = []
    /// Set by what erases: its bytes must not stay in the write-ahead log either.
    var hasErased = false
    /// Set by what deletes sums of hours, which the writer of sums may have in memory.
    var hasForgottenSums = false
}

/// A failure of an operation that had not changed anything yet: the others of its group need not be done again.
struct Unchanged: Error {
    let error: StoreError

    init(_ error: StoreError) {
        self.error = error
    }
}

/// One write, answered after the commit of the group that it was part of. It may be done twice, the first time rolled back.
struct WriteOperation: Sendable {
    /// Does the work and gives what is to be called once it is committed.
    let run: @Sendable (inout WriteTransaction) throws -> @Sendable () -> Void
    let fail: @Sendable (StoreError) -> Void

    /// - Parameters:
    ///   - work: May throw, and then has changed nothing.
    ///   - then: Called on the writer's thread; must not block.
    init<Value: Sendable>(
        _ work: @escaping @Sendable (inout WriteTransaction) throws -> Value, then: @escaping @Sendable (Result<Value, StoreError>) -> Void
    ) {
        self.run = { transaction in
            let value = try work(&transaction)
            return { then(.success(value)) }
        }
        self.fail = { then(.failure($0)) }
    }
}
