import SluiceCore

/// What waits to be written, in the order in which it came; guarded by its writer's lock.
struct WriteQueue {
    /// Ledger entries that are committed together.
    struct Batch: Sendable {
        private(set) var packs: [EntryPack] = []
        private(set) var count = 0
        /// The last pack takes entries of this hour and earlier ones.
        private var hour: Timestamp?
        /// Is to be its next pack: an empty one that has room.
        private var spare: EntryPack?
        /// To be told.
        private var committed: [@Sendable (Result<Void, StoreError>) -> Void] = []
        private var tickets: [(desk: CommitDesk, numbers: [UInt64])] = []

        init(spare: EntryPack?) {
            self.spare = spare
        }

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

        /// Takes a pack away once its entries are written, and leaves nothing in it but its room.
        mutating func takePack() -> EntryPack? {
            guard var pack = self.packs.popLast() else { return nil }
            pack.removeAll()
            return pack
        }

        func tell(_ result: Result<Void, StoreError>) {
            for committed in self.committed { committed(result) }
            for (desk, numbers) in self.tickets { desk.committed(numbers, result) }
        }

        /// The place of the pack that takes the next entry.
        private mutating func pack(for instant: Timestamp) -> Int {
            if self.hour.map({ instant.hour > $0 }) ?? true {
                self.packs.append(self.spare.take() ?? EntryPack())
                self.hour = instant.hour
            }
            return self.packs.count - 1
        }
    }

    var operations: [WriteOperation] = []
    var batches: [Batch] = []
    /// Left by entries that were committed: to fill the same memory again is cheaper than to be given other.
    private var spare: EntryPack?
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

    /// Queues entries with those that are committed together, in a new batch where the last has `size` or more.
    mutating func append(_ entries: [SealedEntry], size: Int, committed: @escaping @Sendable (Result<Void, StoreError>) -> Void) {
        self.batches[self.batch(of: size)].append(entries, committed: committed)
        self.entries += entries.count
    }

    mutating func append(closing end: LedgerEntry, begun: Timestamp, line: [UInt8], ticket: UInt64?, of desk: CommitDesk, size: Int) {
        let place = self.batch(of: size)
        self.batches[place].append(closing: end, begun: begun, line: line)
        if let ticket { self.batches[place].note(ticket, of: desk) }
        self.entries += 2
    }

    /// The place of the batch that takes the next entries.
    private mutating func batch(of size: Int) -> Int {
        if let place = self.batches.indices.last, self.batches[place].count < size { return place }
        self.batches.append(Batch(spare: self.spare.take()))
        return self.batches.count - 1
    }

    /// Takes what one transaction writes next; nil where nothing is queued, or only entries that may wait.
    ///
    /// - Parameters:
    ///   - size: How many operations it takes at most.
    ///   - most: The same of entries, but for those of one call.
    ///   - isFirst: Nothing was written since the writer was woken: then entries have waited long enough.
    mutating func takeGroup(of size: Int, entries most: Int, isFirst: Bool) -> WriteGroup? {
        let takesEntries = !self.isFull && (isFirst || !self.operations.isEmpty || self.entries >= most || self.closing != nil)
        var group = WriteGroup()
        group.operations = self.operations.take(size)
        if takesEntries {
            var count = 0
            let end = self.batches.firstIndex { batch in
                defer { count += batch.count }
                return count >= most
            }
            group.batches = self.batches.take(end ?? self.batches.count)
            self.entries -= group.batches.reduce(0) { $0 + $1.count }
        }
        return group.isEmpty ? nil : group
    }

    /// Keeps the room of a group that was written.
    mutating func keepRoom(of group: inout WriteGroup) {
        guard let last = group.batches.indices.last, let pack = group.batches[last].takePack(), pack.hasUsualRoom else { return }
        self.spare = pack
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
