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
    package var body: [UInt8]? { self.body(ofIntentAt: nil) }

    /// - Parameter begun: Asks for that of the intent that it ended.
    private func body(ofIntentAt begun: Timestamp?) -> [UInt8]? {
        self.bytes.withUnsafeBytes { bytes in
            var values = Values()
            guard values.find(in: bytes) else { return nil }
            return [UInt8](atMost: values.longestBody(bytes)) { values.write(bytes, ofIntentAt: begun, into: &$0) }
        }
    }

    /// The export line in its place in the chain; nil where these are no bytes of a short line.
    ///
    /// - Parameters:
    ///   - begun: Asks for the line of the intent that it ended.
    ///   - sha256: Gives the hash, which need not be made anew where it is known.
    package func line(
        seq: Int64, previous: ChainHash, ofIntentAt begun: Timestamp? = nil, _ sha256: (UnsafeRawBufferPointer) -> ChainHash
    ) -> (text: [UInt8], hash: ChainHash)? {
        guard let body = self.body(ofIntentAt: begun) else { return nil }
        var line: [UInt8] = []
        let hash = LedgerLine.append(seq: seq, body: body, previous: previous, to: &line, sha256: sha256)
        return (line, hash)
    }
}
