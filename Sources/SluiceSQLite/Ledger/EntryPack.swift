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
        /// When the call was begun that the entry ends, where the row holds its intent too.
        var begun: Int64?
    }

    /// The entries of one hour, by their places among those of the pack.
    struct Hour: Sendable {
        var hour: Timestamp
        var first: Int
        var last: Int
        var count: Int
    }

    private(set) var rows: [Row] = []
    /// Of the entries.
    private(set) var count = 0
    private(set) var bytes: [UInt8] = []
    private(set) var sums = Rollups()
    private(set) var hours: [Hour] = []

    init() {}

    init(_ sealed: SealedEntry) {
        self.add(sealed)
    }

    var isEmpty: Bool { self.rows.isEmpty }
    /// It has no more room than entries take that wait for an ordinary commit.
    var hasUsualRoom: Bool { self.bytes.capacity <= 4 << 20 }

    /// When its first entry was; none is of a later hour.
    var begin: Timestamp? { self.rows.first.map { Timestamp(milliseconds: $0.begun ?? $0.at) } }

    /// Whether an entry may be added: one of a later hour begins a new pack, since a checkpoint of the sums comes before it.
    func takes(_ instant: Timestamp) -> Bool {
        self.hours.first.map { instant.hour <= $0.hour } ?? true
    }

    mutating func add(_ sealed: SealedEntry) {
        sealed.line.bytes.withUnsafeBytes { self.add(sealed.entry, line: $0) }
    }

    /// - Parameter begun: When the call was begun that the entry ends, in the same hour: then its intent is added too, before it.
    mutating func add(_ entry: LedgerEntry, begun: Timestamp? = nil, line: UnsafeRawBufferPointer) {
        precondition(self.takes(entry.at), "a pack takes no entry of a later hour than its first")
        if let begun {
            precondition(begun.hour == entry.at.hour, "a checkpoint of the sums may have to stand between an intent and its end")
            self.note(begun.hour)
        }
        let start = self.bytes.count
        if let subject = entry.subject { self.bytes.append(text: subject.requestID) }
        let middle = self.bytes.count
        self.bytes.append(contentsOf: line)
        self.note(entry.at.hour)
        self.rows.append(
            Row(
                at: entry.at.milliseconds, attempt: entry.attempt.map { Int32(clamping: $0) }, part: entry.kind.part,
                start: UInt32(start), line: UInt32(middle), end: UInt32(self.bytes.count), begun: begun?.milliseconds))
        self.sums.add(entry)
    }

    /// Makes it empty and keeps its room.
    mutating func removeAll() {
        self.rows.removeAll(keepingCapacity: true)
        self.count = 0
        self.bytes.removeAll(keepingCapacity: true)
        self.hours.removeAll(keepingCapacity: true)
        self.sums = Rollups()
    }

    /// The row at `index` by itself.
    func alone(_ index: Int) throws(StoreError) -> EntryPack {
        let row = self.rows[index]
        let line = Array(self.bytes[Int(row.line)..<Int(row.end)])
        let entry = try LedgerEntry(stored: line, seq: 0)
        var pack = EntryPack()
        line.withUnsafeBytes { pack.add(entry, begun: row.begun.map(Timestamp.init(milliseconds:)), line: $0) }
        return pack
    }

    /// The id of the request that the row at `index` is of.
    func requestID(_ index: Int) -> String {
        let row = self.rows[index]
        return String(decoding: self.bytes[Int(row.start)..<Int(row.line)], as: UTF8.self)
    }

    private mutating func note(_ hour: Timestamp) {
        let place = self.count
        self.count += 1
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
