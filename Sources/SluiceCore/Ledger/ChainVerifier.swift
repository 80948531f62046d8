/// Follows the ledger's chain line by line and finds the first entry that does not fit (`ledger.md`, Proof).
package struct ChainVerifier: Sendable {
    package struct Place: Hashable, Sendable {
        package var seq: Int64
        package var hash: ChainHash

        package init(seq: Int64, hash: ChainHash) {
            self.seq = seq
            self.hash = hash
        }

        /// Reads `SEQ:HASH`, as checkpoints are kept elsewhere.
        package init?(_ text: some StringProtocol) {
            let parts = text.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count == 2, let seq = Int64(parts[0]), seq > 0, let hash = ChainHash(hex: parts[1].utf8.map { $0 | 0x20 }) else { return nil }
            self.init(seq: seq, hash: hash)
        }
    }

    package struct Fault: Hashable, Sendable {
        package var seq: Int64
        package var why: String

        package init(seq: Int64, why: String) {
            self.seq = seq
            self.why = why
        }
    }

    package enum Beginning: Sendable {
        /// With the first entry, or behind what is known to have been deleted.
        case first
        /// With the first entry, or where an export with `--since` usually does.
        case export
        case anywhere
    }

    package private(set) var entries = 0
    package private(set) var firstBad: Fault?
    /// The last entry that was seen.
    package private(set) var head: Place?
    /// The first entry, where the chain does not begin with it.
    package private(set) var segment: Place?
    /// What is before the segment was deleted because its time was over.
    package private(set) var isRetained = false

    private let wanted: Place?
    private let beginning: Beginning
    private let sha256: @Sendable ([UInt8]) -> ChainHash
    private var hasWanted = false
    /// The lines begin just behind the entry that is wanted.
    private var isTied = false
    /// Something is wrong besides entries that are not there.
    private var isDamaged = false
    private var gaps = Gaps()

    /// - Parameters:
    ///   - wanted: An entry that must be there, from a checkpoint that was kept elsewhere. Where the lines begin just behind it, it is what they
    ///     must be tied to.
    ///   - beginning: Where in the chain the lines may begin.
    package init(wanted: Place? = nil, from beginning: Beginning, sha256: @escaping @Sendable ([UInt8]) -> ChainHash) {
        self.wanted = wanted
        self.beginning = beginning
        self.sha256 = sha256
    }

    /// The lines go on behind an entry that is not among them, but known: what was before was deleted.
    package mutating func begin(behind place: Place) {
        self.head = place
        self.segment = Place(seq: place.seq + 1, hash: place.hash)
        self.isRetained = true
    }

    /// The entry that is wanted is not among the lines, but known all the same.
    package mutating func check(checkpoint place: Place) {
        guard let wanted, wanted.seq == place.seq else { return }
        self.hasWanted = true
        if place.hash != wanted.hash { self.fail(place.seq, "its hash is not \(wanted.hash.hex)") }
    }

    /// Checks the next line, without its line break.
    ///
    /// - Returns: What it says, where it is in the one form of lines.
    @discardableResult
    package mutating func check(_ line: [UInt8]) -> LedgerLine.Parts? {
        self.entries += 1
        do throws(LedgerLineError) {
            let parts = try LedgerLine.read(line)
            self.check(parts)
            self.head = Place(seq: parts.seq, hash: parts.hash)
            return parts
        } catch {
            self.fail((self.head?.seq ?? 0) + 1, "not in the form of an export line: \(error.message), at byte \(error.offset)")
            return nil
        }
    }

    private mutating func check(_ parts: LedgerLine.Parts) {
        self.gaps.add(parts, after: self.head?.seq ?? 0)
        if let head {
            if parts.seq != head.seq + 1 {
                let isGap = parts.seq > head.seq
                self.fail(
                    parts.seq,
                    isGap ? "entries \(head.seq + 1) to \(parts.seq - 1) are missing" : "it stands behind entry \(head.seq)", isGap: isGap)
            } else if parts.previous != head.hash {
                self.fail(parts.seq, "its prev_hash is not the hash of entry \(head.seq)")
            }
        } else {
            self.checkFirst(parts)
        }
        if self.sha256(parts.hashed) != parts.hash { self.fail(parts.seq, "its hash is not that of its line") }
        guard let wanted, parts.seq == wanted.seq else { return }
        self.hasWanted = true
        if parts.hash != wanted.hash { self.fail(parts.seq, "its hash is not \(wanted.hash.hex)") }
    }

    private mutating func checkFirst(_ parts: LedgerLine.Parts) {
        guard parts.seq != 1 else {
            if parts.previous != .genesis { self.fail(1, "it is the first, but its prev_hash names another before it") }
            return
        }
        if self.beginning == .first {
            self.fail(parts.seq, "entries 1 to \(parts.seq - 1) are missing", isGap: true)
        } else if let wanted, wanted.seq + 1 == parts.seq {
            self.hasWanted = true
            if parts.previous != wanted.hash { self.fail(parts.seq, "its prev_hash is not \(wanted.hash.hex)") }
            self.isTied = true
        } else if self.beginning == .export, parts.entry.kind.isEnd, parts.entry.subject?.serve == .now {
            // The two entries of a live attempt stand side by side but for long ones: it looks like a first entry that was taken away.
            self.fail(
                parts.seq,
                "entries 1 to \(parts.seq - 1) are missing, among them the beginning of this attempt; if --since left them out, say so with --segment",
                isGap: true)
        }
        self.segment = Place(seq: parts.seq, hash: parts.previous)
    }

    /// Notes what is wrong from outside the lines; the first fault stays.
    ///
    /// - Parameter isGap: Nothing but that entries are not there.
    package mutating func fail(_ seq: Int64, _ why: String, isGap: Bool = false) {
        if !isGap { self.isDamaged = true }
        if self.firstBad == nil { self.firstBad = Fault(seq: seq, why: why) }
    }

    /// To be called after the last line.
    package mutating func finish() {
        if self.beginning == .export, !self.isTied, let segment, self.gaps.isOneRequest {
            self.fail(segment.seq, "entries 1 to \(segment.seq - 1) are missing", isGap: true)
        }
        guard let wanted, !self.hasWanted else { return }
        // Where entries are missing before it, it may be one more of them.
        let isGap = self.firstBad != nil
        self.fail(wanted.seq, "it is not there: the chain ends with entry \(self.head?.seq ?? 0)", isGap: isGap)
    }

    /// The option of an export that would leave these very lines out; nil where none would.
    ///
    /// Then nobody can say of the lines whether they were filtered or some were taken out: they are neither whole nor known to be damaged.
    package var filter: String? {
        // Nobody filters a data folder.
        if case .first = self.beginning { return nil }
        return self.firstBad == nil || self.isDamaged ? nil : self.gaps.filter
    }
}

/// Where entries are missing, and what those that are there have in common.
private struct Gaps: Sendable {
    private struct Attempt: Hashable {
        var request: String
        var number: Int?
    }

    private var last: Int64 = 0
    private var gaps = 0
    private var tenants: Set<String?> = []
    private var requests: Set<String?> = []
    /// Attempts whose end was not seen yet, with the place of their beginning.
    private var open: [Attempt: (seq: Int64, serve: TrafficClass.Serve)] = [:]
    private var hasEndAlone = false

    mutating func add(_ parts: LedgerLine.Parts, after previous: Int64) {
        let subject = parts.entry.subject
        self.last = parts.seq
        if parts.seq > previous + 1 { self.gaps += 1 }
        if self.tenants.count < 2 { self.tenants.insert(subject?.tenant) }
        if self.requests.count < 2 { self.requests.insert(subject?.requestID) }
        guard let subject else { return }
        let attempt = Attempt(request: subject.requestID, number: parts.entry.attempt)
        if parts.entry.kind == .intent {
            self.open[attempt] = (parts.seq, subject.serve)
        } else if parts.entry.kind.isEnd, self.open.removeValue(forKey: attempt) == nil {
            self.hasEndAlone = true
        }
    }

    var isOneRequest: Bool { self.requests.count == 1 }

    /// A filter leaves all of one tenant, or of one request. It never takes one half of an attempt away: live ones have both entries in the chain,
    /// deferred ones at least the first.
    var filter: String? {
        guard self.gaps > 0, !self.hasEndAlone, !self.open.values.contains(where: { $0.serve == .now && $0.seq != self.last }) else { return nil }
        if self.requests.count == 1, self.requests.first != .some(nil) { return "--request-id" }
        return self.tenants.count == 1 && self.tenants.first != .some(nil) ? "--tenant" : nil
    }
}
