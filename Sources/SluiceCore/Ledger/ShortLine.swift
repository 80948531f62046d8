import Glibc

/// A line of the ledger without what every line has: the values from `kind` to `corrects`, a line break behind each, nothing for `null`,
/// then the members that few entries have as they are. The place in the chain is not part of it.
///
/// It has a third of the line's length: that much is carried about, journalled and stored. What is hashed and exported is the whole line.
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

    /// The export line in its place in the chain; nil where these are no bytes of a short line.
    package func line(seq: Int64, previous: ChainHash, hash: ChainHash) -> [UInt8]? {
        guard let body = self.body else { return nil }
        var line: [UInt8] = []
        _ = LedgerLine.append(seq: seq, body: body, previous: previous, to: &line) { _ in hash }
        return line
    }

    /// Hands what the hash is over, which is the line without its last member, to `body`.
    ///
    /// - Parameters:
    ///   - short: The bytes of a short line.
    ///   - scratch: Is overwritten, and spares an allocation when it is used again.
    package static func withHashed<T>(
        _ short: UnsafeRawBufferPointer, seq: Int64, previous: ChainHash, scratch: inout [UInt8], _ body: (UnsafeRawBufferPointer) -> T
    ) -> T {
        scratch.removeAll(keepingCapacity: true)
        scratch.append(atMost: short.count + self.longestRest + LedgerLine.longestPlace) { out in
            LedgerLine.writeFront(seq: seq, into: &out)
            let isWhole = self.writeBody(short, into: &out)
            precondition(isWhole, "what is appended to the chain has every member")
            LedgerLine.writeBack(previous: previous, into: &out)
        }
        return scratch.withUnsafeBytes(body)
    }

    private static func writeBody(_ short: UnsafeRawBufferPointer, into out: inout ByteWriter) -> Bool {
        guard let base = short.baseAddress else { return false }
        var place = 0
        for name in self.names {
            guard let end = memchr(base + place, 0x0A, short.count - place) else { return false }
            out.write(name)
            let count = UnsafeRawPointer(end) - (base + place)
            if count == 0 { out.write("null") } else { out.write(UnsafeRawBufferPointer(start: base + place, count: count)) }
            place += count + 1
        }
        out.write(UnsafeRawBufferPointer(rebasing: short[place...]))
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
}
