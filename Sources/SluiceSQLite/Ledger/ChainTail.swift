import Crypto
import FoundationEssentials
import GRDB
import Glibc
import SluiceCore

/// The open end of the chain: gives entries their place in it.
///
/// It belongs to the writer, who alone appends. What an operation has appended is taken back with ``rollBack(to:)`` when the operation fails.
struct ChainTail: Sendable {
    /// The last entry so far.
    struct Place: Sendable {
        var seq: Int64
        var hash: ChainHash
    }

    struct Appended: Sendable {
        /// Its first entry comes behind this one; between them there are no others.
        var before: Place
        var pack: EntryPack
    }

    /// A state to come back to.
    struct Mark: Sendable {
        fileprivate var place: Place
        fileprivate var count: Int
    }

    /// Whoever waits for the core may have it after 32 rows, or 256 of a pack that is longer than this: where everybody asks as fast as the core
    /// allows, a writer that stands back too often falls behind for good.
    private static let yieldsOftenUpTo = 1024

    private(set) var place: Place
    /// What this transaction has appended so far.
    private(set) var appended: [Appended] = []
    /// What comes next.
    private var waiting = EntryPack()
    private var insert = LedgerInsert()
    /// Entries go one by one, since one of them may be in the chain already.
    private var isOneByOne = false

    /// The end of the chain as the database has it.
    init(_ db: Database) throws {
        let row = try Row.fetchOne(db, sql: "SELECT seq, hash FROM ledger ORDER BY seq DESC LIMIT 1")
        self.place = Place(seq: row?["seq"] ?? 0, hash: row.map { ChainHash(bytes: [UInt8]($0["hash"] as Data)) } ?? .genesis)
    }

    var mark: Mark { Mark(place: self.place, count: self.appended.count) }

    mutating func rollBack(to mark: Mark) {
        self.place = mark.place
        self.appended.removeSubrange(mark.count...)
        self.waiting = EntryPack()
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
        return try self.appendAll(EntryPack(sealed), to: db)
    }

    /// Appends an entry before the transaction ends, with others that come meanwhile; for one that the chain cannot have yet.
    mutating func appendSoon(_ sealed: SealedEntry, to db: Database) throws {
        if !self.waiting.takes(sealed.entry.at) { try self.appendWaiting(to: db) }
        self.waiting.add(sealed)
    }

    /// To be called before the transaction or a part of it ends.
    mutating func appendWaiting(to db: Database) throws {
        guard !self.waiting.isEmpty else { return }
        let pack = self.waiting
        self.waiting = EntryPack()
        try self.append(pack, to: db)
    }

    /// Appends entries, but for intents whose attempt has an intent of its own line or an end in the chain already, and second ends.
    ///
    /// - Throws: Where there is such a one, unless they go one by one: the transaction must be done again in that way.
    mutating func append(_ pack: EntryPack, to db: Database) throws {
        if self.isOneByOne {
            for index in pack.rows.indices { try self.appendAlone(pack.alone(index), to: db) }
        } else if try !self.appendAll(pack, to: db) {
            throw StoreError(.other, "the ledger has an attempt of these already")
        }
    }

    /// - Parameter pack: Of one row.
    private mutating func appendAlone(_ pack: EntryPack, to db: Database) throws {
        let row = pack.rows[0]
        if row.begun != nil || row.part == LedgerEntry.Kind.intent.part {
            // Nothing would refuse a second intent where the first has no columns, but its end has.
            let isThere = try Bool.fetchOne(
                db.cachedStatement(sql: "SELECT EXISTS (SELECT 1 FROM ledger WHERE request_id = ? AND attempt = ? AND part = 1)"),
                arguments: [pack.requestID(0), row.attempt])
            if isThere ?? false { return }
        }
        _ = try self.appendAll(pack, to: db)
    }

    /// Appends all of these entries; false where it is one that is there already.
    ///
    /// - Throws: Where one of several is there already: the transaction must be rolled back.
    private mutating func appendAll(_ pack: EntryPack, to db: Database) throws -> Bool {
        let before = self.mark
        let stretch = pack.rows.count <= ChainTail.yieldsOftenUpTo ? 32 : 256
        let isWhole = try pack.bytes.withUnsafeBytes { bytes in
            var rest = pack.rows[...]
            while !rest.isEmpty {
                let some = rest.prefix(LedgerInsert.sizes.first { $0 <= rest.count } ?? 1)
                guard let place = try self.insert.write(some, of: bytes, behind: self.place, to: db) else { return false }
                self.place = place
                rest = rest.dropFirst(some.count)
                if (pack.rows.count - rest.count) % stretch == 0 { sched_yield() }
            }
            return true
        }
        guard isWhole else {
            guard pack.rows.count == 1 else { throw StoreError(.other, "the ledger has an attempt of these already") }
            self.rollBack(to: before)
            return false
        }
        self.appended.append(Appended(before: before.place, pack: pack))
        return true
    }

    static func sha256(_ bytes: UnsafeRawBufferPointer) -> ChainHash {
        var function = SHA256()
        function.update(bufferPointer: bytes)
        return function.finalize().withUnsafeBytes { ChainHash(bytes: $0) }
    }
}
