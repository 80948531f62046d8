import Crypto
import FoundationEssentials
import GRDB
import SluiceCore

/// The open end of the chain: gives entries their place in it.
///
/// It belongs to the writer, who alone appends. What an operation has appended is taken back with ``rollBack(to:)`` when the operation fails.
struct ChainTail: Sendable {
    struct Appended: Sendable {
        var seq: Int64
        var hash: ChainHash
        var sealed: SealedEntry
    }

    /// A state to come back to.
    struct Mark: Sendable {
        fileprivate var seq: Int64
        fileprivate var hash: ChainHash
        fileprivate var count: Int
    }

    private(set) var seq: Int64
    private(set) var hash: ChainHash
    /// What this transaction has appended so far.
    private(set) var appended: [Appended] = []
    /// What comes next, as soon as it fills a statement.
    private var waiting: [SealedEntry] = []
    private var insert = LedgerInsert()
    /// Entries go one by one, since one of them may be in the chain already.
    private var isOneByOne = false

    /// The end of the chain as the database has it.
    init(_ db: Database) throws {
        let row = try Row.fetchOne(db, sql: "SELECT seq, hash FROM ledger ORDER BY seq DESC LIMIT 1")
        self.seq = row?["seq"] ?? 0
        self.hash = row.map { ChainHash(bytes: [UInt8]($0["hash"] as Data)) } ?? .genesis
    }

    var mark: Mark { Mark(seq: self.seq, hash: self.hash, count: self.appended.count) }

    mutating func rollBack(to mark: Mark) {
        self.seq = mark.seq
        self.hash = mark.hash
        self.appended.removeSubrange(mark.count...)
        self.waiting.removeAll(keepingCapacity: true)
    }

    mutating func removeAppended() {
        self.appended.removeAll(keepingCapacity: true)
    }

    /// Gives the tail to a transaction, together with the room for its rows. Until the transaction has committed, this one stays as it is.
    mutating func lent(oneByOne: Bool) -> ChainTail {
        var tail = self
        tail.isOneByOne = oneByOne
        self.insert = LedgerInsert()
        self.appended = []
        return tail
    }

    /// Appends an entry, unless the chain has the intent or the end of that attempt already: then false.
    @discardableResult
    mutating func append(_ sealed: SealedEntry, to db: Database) throws -> Bool {
        try self.appendWaiting(to: db)
        return try self.appendAll([sealed], to: db)
    }

    /// Appends an entry before the transaction ends, with others that come meanwhile; for one that the chain cannot have yet.
    mutating func appendSoon(_ sealed: SealedEntry, to db: Database) throws {
        self.waiting.append(sealed)
        if self.waiting.count >= LedgerInsert.sizes[0] { try self.appendWaiting(to: db) }
    }

    /// To be called before the transaction or a part of it ends.
    mutating func appendWaiting(to db: Database) throws {
        guard !self.waiting.isEmpty else { return }
        let entries = self.waiting
        self.waiting.removeAll(keepingCapacity: true)
        try self.append(entries, to: db)
    }

    /// Appends entries, but for those whose attempt has an intent or an end in the chain already.
    ///
    /// - Throws: Where there is such a one, unless they go one by one: the transaction must be done again in that way.
    mutating func append(_ entries: [SealedEntry], to db: Database) throws {
        var rest = entries[...]
        while !rest.isEmpty {
            let some = rest.prefix(self.isOneByOne ? 1 : LedgerInsert.sizes.first { $0 <= rest.count } ?? 1)
            _ = try self.appendAll(some, to: db)
            rest = rest.dropFirst(some.count)
        }
    }

    /// Appends all of these entries with one statement; false where it is one that is there already.
    private mutating func appendAll(_ entries: ArraySlice<SealedEntry>, to db: Database) throws -> Bool {
        let before = self.mark
        self.insert.removeAll()
        for sealed in entries {
            let hash = self.insert.add(sealed, seq: self.seq + 1, previous: self.hash)
            self.seq += 1
            self.hash = hash
            self.appended.append(Appended(seq: self.seq, hash: hash, sealed: sealed))
        }
        guard try self.insert.write(to: db) else {
            self.rollBack(to: before)
            return false
        }
        return true
    }

    static func sha256(_ bytes: UnsafeRawBufferPointer) -> ChainHash {
        var function = SHA256()
        function.update(bufferPointer: bytes)
        return function.finalize().withUnsafeBytes { ChainHash(bytes: $0) }
    }
}

extension LedgerEntry.Kind {
    /// The column `part`: what an attempt has at most one of.
    var part: Int64? {
        switch self {
        case .intent: 0
        case .settled, .waste, .inDoubt: 1
        case .correction, .capacity: nil
        }
    }
}
