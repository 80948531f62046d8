import SluiceCore

/// What waits to be written, in the order in which it came; guarded by its writer's lock.
struct WriteQueue {
    /// Ledger entries that were appended together.
    struct Batch: Sendable {
        var entries: [SealedEntry]
        var bytes: Int
        var committed: @Sendable (Result<Void, StoreError>) -> Void
    }

    var operations: [WriteOperation] = []
    var batches: [Batch] = []
    var entries = 0
    var isDraining = false
    var isTimerSet = false
    /// Entries wait for space: they are left alone until the timer says so.
    var isFull = false
    var backlog = 0
    var failure: StoreError?
    /// Called when nothing is left to write; given once nothing more is taken.
    var closing: (@Sendable () -> Void)?

    var refusal: StoreError? {
        self.failure ?? (self.closing != nil ? StoreError(.closed, "the store is closed") : nil)
    }

    /// Takes what one transaction writes next; nil where nothing is queued, or only entries that may wait.
    ///
    /// - Parameter isFirst: Nothing was written since the writer was woken: then entries have waited long enough.
    mutating func takeGroup(of size: Int, isFirst: Bool) -> WriteGroup? {
        let takesEntries = !self.isFull && (isFirst || !self.operations.isEmpty || self.entries >= size || self.closing != nil)
        var group = WriteGroup()
        group.operations = self.operations.take(size)
        if takesEntries {
            var count = 0
            let end = self.batches.firstIndex { batch in
                defer { count += batch.entries.count }
                return count >= size
            }
            group.batches = self.batches.take(end ?? self.batches.count)
            self.entries -= group.batches.reduce(0) { $0 + $1.entries.count }
        }
        return group.isEmpty ? nil : group
    }

    /// Puts back entries for which there is no space, before those that came since.
    mutating func putBack(_ batches: [Batch]) {
        self.batches.insert(contentsOf: batches, at: 0)
        self.entries += batches.reduce(0) { $0 + $1.entries.count }
        self.backlog = self.batches.reduce(0) { $0 + $1.bytes }
        self.isFull = true
    }
}

/// What is written in one transaction.
struct WriteGroup {
    var operations: [WriteOperation] = []
    var batches: [WriteQueue.Batch] = []

    var isEmpty: Bool { self.operations.isEmpty && self.batches.isEmpty }
}

extension Array {
    /// Removes and returns the first `count` elements.
    fileprivate mutating func take(_ count: Int) -> [Element] {
        if count >= self.count {
            defer { self = [] }
            return self
        }
        defer { self.removeFirst(count) }
        return Array(self.prefix(count))
    }
}
