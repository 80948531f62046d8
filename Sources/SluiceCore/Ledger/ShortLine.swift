import Glibc

/// A line of the ledger without what every line has: the values from `kind` to `corrects`, a line break behind each, nothing for `null`,
/// then the members that few entries have as they are. The place in the chain is not part of it.
///
/// It has a third of the line's length: that much is carried about, journalled and stored. What is hashed and exported is the whole line.
/// The intent of a call that has ended needs none of its own: it says nothing that the end does not say too, but for when it was.
package struct ShortLine: Hashable, Sendable {
    package let bytes: [UInt8]

    package init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    package init(_ entry: LedgerEntry) {
        var roomy: [UInt8] = []
        ShortLine.append(entry, to: &roomy)
        // Hundreds of them wait for a commit at a time: without the room that they might have taken they stay in a core's cache.
        self.bytes = roomy.withUnsafeBytes { roomy in [UInt8](atMost: roomy.count) { $0.write(roomy) } }
    }

    /// Appends the bytes of an entry's short line.
    package static func append(_ entry: LedgerEntry, to lines: inout [UInt8]) {
        lines.append(atMost: LedgerLine.longestBody(of: entry)) { out in
            out.isShort = true
            LedgerLine.write(entry, into: &out)
        }
    }

    /// ``LedgerLine/body(of:)`` of the same entry; nil where these are no bytes of a short line.
    package var body: [UInt8]? {
        var isWhole = false
        let body = [UInt8](atMost: self.bytes.count + ShortLine.longestRest) { out in
            isWhole = self.bytes.withUnsafeBytes { ShortLine.writeBody($0, into: &out) }
        }
        return isWhole ? body : nil
    }

    /// The same of the intent that it ended, which was at `begun`.
    private func bodyOfIntent(at begun: Timestamp) -> [UInt8]? {
        var isWhole = false
        let body = [UInt8](atMost: self.bytes.count + ShortLine.longestRest) { out in
            isWhole = self.bytes.withUnsafeBytes { ShortLine.writeIntent(of: $0, at: begun, into: &out) }
        }
        return isWhole ? body : nil
    }

    /// The export line in its place in the chain; nil where these are no bytes of a short line.
    ///
    /// - Parameter begun: Asks for the line of the intent that it ended.
    package func line(seq: Int64, previous: ChainHash, hash: ChainHash, ofIntentAt begun: Timestamp? = nil) -> [UInt8]? {
        guard let body = begun.map(self.bodyOfIntent(at:)) ?? self.body else { return nil }
        var line: [UInt8] = []
        _ = LedgerLine.append(seq: seq, body: body, previous: previous, to: &line) { _ in hash }
        return line
    }

    /// Hands what the hash is over, which is the line without its last member, to `body`.
    ///
    /// - Parameters:
    ///   - short: The bytes of a short line.
    ///   - begun: Asks for the line of the intent that it ended.
    ///   - scratch: Is overwritten, and spares an allocation when it is used again.
    package static func withHashed<T>(
        _ short: UnsafeRawBufferPointer, ofIntentAt begun: Timestamp? = nil, seq: Int64, previous: ChainHash, scratch: inout [UInt8],
        _ body: (UnsafeRawBufferPointer) -> T
    ) -> T {
        scratch.removeAll(keepingCapacity: true)
        scratch.append(atMost: short.count + self.longestRest + LedgerLine.longestPlace) { out in
            LedgerLine.writeFront(seq: seq, into: &out)
            let isWhole = if let begun { self.writeIntent(of: short, at: begun, into: &out) } else { self.writeBody(short, into: &out) }
            precondition(isWhole, "what is appended to the chain has every member")
            LedgerLine.writeBack(previous: previous, into: &out)
        }
        return scratch.withUnsafeBytes(body)
    }

    private static func writeBody(_ short: UnsafeRawBufferPointer, into out: inout ByteWriter) -> Bool {
        self.eachValue(of: short) { member, value in
            out.write(self.names[member])
            if value.isEmpty { out.write("null") } else { out.write(value) }
        } rest: {
            out.write($0)
        }
    }

    private static func writeIntent(of end: UnsafeRawBufferPointer, at begun: Timestamp, into out: inout ByteWriter) -> Bool {
        self.eachValue(of: end) { member, value in
            let name = self.names[member]
            switch self.inIntents[member] {
            case .same where !value.isEmpty:
                out.write(name)
                out.write(value)
            case .kind: out.write("\"kind\":\"intent\"")
            case .instant: out.member("at", begun)
            case .flags: out.write(",\"flags\":[]")
            case .same, .nothing:
                out.write(name)
                out.write("null")
            }
        } rest: { _ in
        }
    }

    /// - Returns: false where these are no bytes of a short line.
    @inline(__always)
    private static func eachValue(
        of short: UnsafeRawBufferPointer, _ body: (_ member: Int, _ value: UnsafeRawBufferPointer) -> Void, rest: (UnsafeRawBufferPointer) -> Void
    ) -> Bool {
        guard let base = short.baseAddress else { return false }
        var place = 0
        for member in self.names.indices {
            guard let end = memchr(base + place, 0x0A, short.count - place) else { return false }
            let count = UnsafeRawPointer(end) - (base + place)
            body(member, UnsafeRawBufferPointer(start: base + place, count: count))
            place += count + 1
        }
        rest(UnsafeRawBufferPointer(rebasing: short[place...]))
        return true
    }

    /// What names and `null` add to the bytes at most.
    private static let longestRest = Self.names.reduce(0) { $0 + $1.utf8CodeUnitCount + 4 }

    /// The members that every line has, the first without a comma before it.
    private static let names: [StaticString] = [
        "\"kind\":", ",\"at\":", ",\"request_id\":", ",\"attempt\":", ",\"job_id\":", ",\"batch_id\":", ",\"custom_id\":", ",\"tenant\":",
        ",\"key\":", ",\"class\":", ",\"route\":", ",\"pool\":", ",\"backend\":", ",\"model\":", ",\"backend_model\":", ",\"model_served\":",
        ",\"serve\":", ",\"tier_requested\":", ",\"tier_served\":", ",\"policy\":", ",\"rate_card\":", ",\"estimate\":", ",\"tags\":",
        ",\"client_request_id\":", ",\"unit_prices\":", ",\"usage\":", ",\"cost\":", ",\"cost_low\":", ",\"cost_high\":", ",\"baseline\":",
        ",\"currency\":", ",\"outcome\":", ",\"status\":", ",\"flags\":", ",\"provider_cost\":", ",\"evidence\":", ",\"queued_ms\":",
        ",\"first_token_ms\":", ",\"total_ms\":", ",\"upstream_id\":", ",\"levers\":", ",\"corrects\":",
    ]

    /// What an intent has of a member, where its end has a value.
    private enum InIntent { case same, nothing, kind, instant, flags }

    private static let inIntents: [InIntent] = Self.names.map { name in
        switch name.description {
        case "\"kind\":": .kind
        case ",\"at\":": .instant
        case ",\"flags\":": .flags
        case ",\"model_served\":", ",\"tier_served\":", ",\"unit_prices\":", ",\"usage\":", ",\"cost\":", ",\"cost_low\":", ",\"cost_high\":",
            ",\"baseline\":", ",\"outcome\":", ",\"status\":", ",\"provider_cost\":", ",\"evidence\":", ",\"queued_ms\":", ",\"first_token_ms\":",
            ",\"total_ms\":", ",\"upstream_id\":", ",\"levers\":", ",\"corrects\":":
            .nothing
        default: .same
        }
    }
}
