import SluiceCore

/// Ledger entries on their way into the database, one behind another, with what they add to the sums.
///
/// All of one piece: whoever made the entries has let go of what they are made of before the writer, on another core, comes for them.
struct EntryPack: Sendable {
    /// What an entry's row has beside its place in the chain.
    struct Row: Sendable {
        var at: Int64
        var attempt: Int32?
        var part: Int8?
        /// Where in ``EntryPack/bytes`` the id of its request begins, its line, and where that ends. The id is empty where it has no subject.
        var start: UInt32
        var line: UInt32
        var end: UInt32
    }

    /// The entries of one hour, by their places in ``EntryPack/rows``.
    struct Hour: Sendable {
        var hour: Timestamp
        var first: Int
        var last: Int
        var count: Int
    }

    private(set) var rows: [Row] = []
    private(set) var bytes: [UInt8] = []
    private(set) var sums = Rollups()
    private(set) var hours: [Hour] = []

    init() {}

    init(_ sealed: SealedEntry) {
        self.add(sealed)
    }

    var isEmpty: Bool { self.rows.isEmpty }

    /// When its first entry was; none is of a later hour.
    var begin: Timestamp? { self.rows.first.map { Timestamp(milliseconds: $0.at) } }

    /// Whether an entry may be added: one of a later hour begins a new pack, since a checkpoint of the sums comes before it.
    func takes(_ instant: Timestamp) -> Bool {
        self.hours.first.map { instant.hour <= $0.hour } ?? true
    }

    mutating func add(_ sealed: SealedEntry) {
        sealed.line.bytes.withUnsafeBytes { self.add(sealed.entry, line: $0) }
    }

    mutating func add(_ entry: LedgerEntry, line: UnsafeRawBufferPointer) {
        self.addRow(at: entry.at, of: entry, part: entry.kind.part, line)
        self.sums.add(entry)
    }

    /// Adds the intent of the attempt that `end` closes.
    mutating func addIntent(of end: LedgerEntry, at begun: Timestamp, line: UnsafeRawBufferPointer) {
        self.addRow(at: begun, of: end, part: LedgerEntry.Kind.intent.part, line)
    }

    private mutating func addRow(at instant: Timestamp, of entry: LedgerEntry, part: Int8?, _ line: UnsafeRawBufferPointer) {
        precondition(self.takes(instant), "a pack takes no entry of a later hour than its first")
        let start = self.bytes.count
        if let id = entry.subject?.requestID { self.bytes.append(contentsOf: id.utf8) }
        let middle = self.bytes.count
        self.bytes.append(contentsOf: line)
        self.note(instant.hour)
        self.rows.append(
            Row(
                at: instant.milliseconds, attempt: entry.attempt.map { Int32(clamping: $0) }, part: part,
                start: UInt32(start), line: UInt32(middle), end: UInt32(self.bytes.count)))
    }

    /// One of its entries by itself.
    ///
    /// - Parameter index: In ``rows``.
    func alone(_ index: Int) throws(StoreError) -> EntryPack {
        let row = self.rows[index]
        let line = Array(self.bytes[Int(row.line)..<Int(row.end)])
        let entry = try LedgerEntry(stored: line, seq: 0)
        var pack = EntryPack()
        line.withUnsafeBytes { pack.add(entry, line: $0) }
        return pack
    }

    private mutating func note(_ hour: Timestamp) {
        let place = self.rows.count
        if let index = self.hours.lastIndex(where: { $0.hour == hour }) {
            self.hours[index].last = place
            self.hours[index].count += 1
        } else {
            self.hours.append(Hour(hour: hour, first: place, last: place, count: 1))
        }
    }
}

extension LedgerEntry.Kind {
    /// The column `part`: what an attempt has at most one of.
    var part: Int8? {
        switch self {
        case .intent: 0
        case .settled, .waste, .inDoubt: 1
        case .correction, .capacity: nil
        }
    }
}
