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
        /// It is the intent of the call that the next entry ends: the line is that entry's, and the row has nothing beside it.
        var isBeginning = false
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
        precondition(self.takes(entry.at), "a pack takes no entry of a later hour than its first")
        let start = self.bytes.count
        if let id = entry.subject?.requestID { self.bytes.append(contentsOf: id.utf8) }
        let middle = self.bytes.count
        self.bytes.append(contentsOf: line)
        self.note(entry.at.hour)
        self.rows.append(
            Row(
                at: entry.at.milliseconds, attempt: entry.attempt.map { Int32(clamping: $0) }, part: entry.kind.part,
                start: UInt32(start), line: UInt32(middle), end: UInt32(self.bytes.count)))
        self.sums.add(entry)
    }

    /// Adds the intent of a call, which was at `begun`, in the same hour as its end, and the end.
    mutating func add(_ end: LedgerEntry, begun: Timestamp, line: UnsafeRawBufferPointer) {
        precondition(begun.hour == end.at.hour, "a checkpoint of the sums may have to stand between an intent and its end")
        let place = self.rows.count
        self.note(begun.hour)
        self.rows.append(Row(at: begun.milliseconds, attempt: nil, part: nil, start: 0, line: 0, end: 0, isBeginning: true))
        self.add(end, line: line)
        let row = self.rows[place + 1]
        (self.rows[place].start, self.rows[place].line, self.rows[place].end) = (row.line, row.line, row.end)
    }

    /// The entry at `index` by itself, or together with the intent that stands before it.
    ///
    /// - Parameter index: In ``rows``.
    func alone(_ index: Int) throws(StoreError) -> EntryPack {
        let row = self.rows[index]
        let line = Array(self.bytes[Int(row.line)..<Int(row.end)])
        let entry = try LedgerEntry(stored: line, seq: 0)
        let before = index > 0 && self.rows[index - 1].isBeginning ? self.rows[index - 1] : nil
        var pack = EntryPack()
        line.withUnsafeBytes { line in
            if let before { pack.add(entry, begun: Timestamp(milliseconds: before.at), line: line) } else { pack.add(entry, line: line) }
        }
        return pack
    }

    /// The id of the request that the row at `index` is of.
    func requestID(_ index: Int) -> String {
        let row = self.rows[index]
        return String(decoding: self.bytes[Int(row.start)..<Int(row.line)], as: UTF8.self)
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
