import SluiceCore

/// What waits to be written, in the order in which it came; guarded by its writer's lock.
struct WriteQueue {
    /// Ledger entries that are committed together.
    struct Batch: Sendable {
        private(set) var packs: [EntryPack] = []
        private(set) var count = 0
        /// To be told.
        private var committed: [@Sendable (Result<Void, StoreError>) -> Void] = []
        private var tickets: [(desk: CommitDesk, numbers: [UInt64])] = []

        /// About what the entries take in memory or on disk.
        var bytes: Int { self.packs.reduce(self.count * 220) { $0 + $1.bytes.count } }

        mutating func append(_ entries: [SealedEntry], committed: @escaping @Sendable (Result<Void, StoreError>) -> Void) {
            for sealed in entries { self.packs[self.pack(for: sealed.entry.at)].add(sealed) }
            self.count += entries.count
            self.committed.append(committed)
        }

        mutating func append(closing end: LedgerEntry, begun: Timestamp, line: [UInt8]) {
            line.withUnsafeBytes { self.packs[self.pack(for: end.at)].add(end, begun: begun, line: $0) }
            self.count += 2
        }

        mutating func note(_ ticket: UInt64, of desk: CommitDesk) {
            if let place = self.tickets.firstIndex(where: { $0.desk === desk }) {
                self.tickets[place].numbers.append(ticket)
            } else {
                self.tickets.append((desk, [ticket]))
            }
        }

        func tell(_ result: Result<Void, StoreError>) {
            for committed in self.committed { committed(result) }
            for (desk, numbers) in self.tickets { desk.committed(numbers, result) }
        }

        /// The place of the pack that takes the next entry.
        private mutating func pack(for instant: Timestamp) -> Int {
            // Not `last`, which would be a copy of it.
            if let place = self.packs.indices.last, self.packs[place].takes(instant) { return place }
            self.packs.append(EntryPack())
            return self.packs.count - 1
        }
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

    /// Queues entries by adding `count` of them to a batch, and begins one where the last has `size` or more.
    mutating func append(_ count: Int, size: Int, _ add: (inout Batch) -> Void) {
        if self.batches.indices.last.map({ self.batches[$0].count >= size }) ?? true { self.batches.append(Batch()) }
        add(&self.batches[self.batches.count - 1])
        self.entries += count
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
                defer { count += batch.count }
                return count >= size
            }
            group.batches = self.batches.take(end ?? self.batches.count)
            self.entries -= group.batches.reduce(0) { $0 + $1.count }
        }
        return group.isEmpty ? nil : group
    }

    /// Puts back entries for which there is no space, before those that came since.
    mutating func putBack(_ batches: [Batch]) {
        self.batches.insert(contentsOf: batches, at: 0)
        self.entries += batches.reduce(0) { $0 + $1.count }
        self.isFull = true
        self.countBacklog()
    }

    mutating func countBacklog() {
        self.backlog = self.batches.reduce(0) { $0 + $1.bytes }
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
