import Glibc

/// A line of the ledger without what every line has: the values from `kind` to `corrects`, a line break behind each, nothing for `null`,
/// then the members that few entries have. The place in the chain is not part of it.
///
/// A third of the line's length, so that a store that keeps this writes a third.
package enum ShortLine {
    /// - Returns: nil where the body is not of just these members, as one of a later version is not: then the line is to be kept in full.
    package static func make(of body: [UInt8]) -> [UInt8]? {
        var short: [UInt8] = []
        return self.append(body, to: &short) ? short : nil
    }

    /// Appends the short line of a body as ``LedgerLine/body(of:)`` gives it.
    ///
    /// - Returns: false where it has none; nothing was appended then.
    package static func append(_ body: [UInt8], to bytes: inout [UInt8]) -> Bool {
        let start = bytes.count
        let isWhole = body.withUnsafeBytes { body in
            var isWhole = true
            bytes.append(atMost: body.count + self.names.count) { out in
                var place = 0
                for name in self.names {
                    guard let end = self.endOfMember(name, at: place, in: body) else {
                        isWhole = false
                        return
                    }
                    let value = UnsafeRawBufferPointer(rebasing: body[(place + name.utf8CodeUnitCount)..<end])
                    if value.first != UInt8(ascii: "n") { out.write(value) }
                    out.write(UInt8(ascii: "\n"))
                    place = end
                }
                out.write(UnsafeRawBufferPointer(rebasing: body[place...]))
            }
            return isWhole
        }
        if !isWhole { bytes.removeLast(bytes.count - start) }
        return isWhole
    }

    /// The body that a short line stands for.
    ///
    /// - Returns: nil where it is no short line.
    package static func body(_ short: some Collection<UInt8>) -> [UInt8]? {
        var body: [UInt8] = []
        body.reserveCapacity(1500)
        var rest = short[...]
        for name in self.names {
            guard let end = rest.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
            body.append(contentsOf: UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
            if end == rest.startIndex { body.append(text: "null") } else { body += rest[..<end] }
            rest = rest[rest.index(after: end)...]
        }
        return body + rest
    }

    /// The export line that a short one stands for in its place in the chain.
    ///
    /// - Returns: nil where it is no short line.
    package static func line(_ short: some Collection<UInt8>, seq: Int64, previous: ChainHash, hash: ChainHash) -> [UInt8]? {
        guard let body = self.body(short) else { return nil }
        var line: [UInt8] = []
        _ = LedgerLine.append(seq: seq, body: body, previous: previous, to: &line) { _ in hash }
        return line
    }

    /// `,"name":` of each member that every line has, the first without its comma.
    private static let names: [StaticString] = [
        "\"kind\":", ",\"at\":", ",\"request_id\":", ",\"attempt\":", ",\"job_id\":", ",\"batch_id\":", ",\"custom_id\":", ",\"tenant\":",
        ",\"key\":", ",\"class\":", ",\"route\":", ",\"pool\":", ",\"backend\":", ",\"model\":", ",\"backend_model\":", ",\"model_served\":",
        ",\"serve\":", ",\"tier_requested\":", ",\"tier_served\":", ",\"policy\":", ",\"rate_card\":", ",\"estimate\":", ",\"tags\":",
        ",\"client_request_id\":", ",\"unit_prices\":", ",\"usage\":", ",\"cost\":", ",\"cost_low\":", ",\"cost_high\":", ",\"baseline\":",
        ",\"currency\":", ",\"outcome\":", ",\"status\":", ",\"flags\":", ",\"provider_cost\":", ",\"evidence\":", ",\"queued_ms\":",
        ",\"first_token_ms\":", ",\"total_ms\":", ",\"upstream_id\":", ",\"levers\":", ",\"corrects\":",
    ]

    /// Where the value of the member ends that stands at `start`; nil where another stands there.
    @inline(__always)
    private static func endOfMember(_ name: StaticString, at start: Int, in bytes: UnsafeRawBufferPointer) -> Int? {
        let value = start + name.utf8CodeUnitCount
        guard value < bytes.count, let base = bytes.baseAddress, memcmp(base + start, name.utf8Start, name.utf8CodeUnitCount) == 0 else { return nil }
        switch bytes[value] {
        case UInt8(ascii: "n"): return min(value + 4, bytes.count)
        case UInt8(ascii: "\""): return self.endOfText(from: value + 1, in: bytes)
        default: return self.endOfValue(from: value, in: bytes)
        }
    }

    /// Behind the quote that ends a text.
    private static func endOfText(from start: Int, in bytes: UnsafeRawBufferPointer) -> Int? {
        var index = start
        while index < bytes.count {
            if index + ByteWord.size <= bytes.count {
                let before = ByteWord.bytesBefore(ByteWord(bytes, at: index).marksOfEscapes)
                index += before
                if before == ByteWord.size { continue }
            }
            switch bytes[index] {
            case UInt8(ascii: "\""): return index + 1
            case UInt8(ascii: "\\"): index += 2
            default: index += 1
            }
        }
        return nil
    }

    /// Behind a number, an object or a list.
    private static func endOfValue(from start: Int, in bytes: UnsafeRawBufferPointer) -> Int? {
        var index = start
        var depth = 0
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "\""):
                guard let end = self.endOfText(from: index + 1, in: bytes) else { return nil }
                index = end
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            case UInt8(ascii: ",") where depth == 0: return index
            default: break
            }
            index += 1
        }
        return index
    }
}
