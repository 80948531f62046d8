package import SluiceCore

/// Splits the body of a message batch's creation, `{"requests":[{…},{…}]}`, into its entries as it comes in.
package struct MessageBatchSplitter {
    private enum Place {
        /// Outside of the list of requests.
        case outside
        /// Between two entries.
        case list
        case entry
    }

    private static let mostOutside = 2 << 20
    private static let longestEntry = 32 << 20

    private var place = Place.outside
    private var depth = 0
    private var isInString = false
    private var isEscaped = false
    /// What stands outside of the entries, each of which is a 0 there: it must be valid JSON in the end.
    private var outside: [UInt8] = []
    private var string: [UInt8] = []
    private var lastString: [UInt8] = []
    private var entry: [UInt8] = []

    package init() {}

    /// - Parameter body: Gets each entry once it is whole, on one line.
    /// - Throws: A 400 where there is a limit that the body breaks.
    package mutating func read(_ bytes: some Sequence<UInt8>, _ body: ([UInt8]) throws -> Void) throws {
        for byte in bytes {
            switch self.place {
            case .outside: try self.outside(byte)
            case .list: try self.list(byte)
            case .entry:
                if try self.entry(byte) {
                    try body(self.entry)
                    self.entry.removeAll(keepingCapacity: true)
                }
            }
        }
    }

    /// What stands beside the requests must be the rest of a JSON object.
    ///
    /// - Throws: A 400 that says what is wrong.
    package func finish() throws(Refusal) {
        let fields: ObjectFields
        do throws(JSONFault) {
            fields = try ObjectFields(self.outside)
        } catch {
            throw .invalid("the body is no valid JSON object: \(error.reason)")
        }
        guard let requests = fields.value("requests") else { throw .invalid("requests: Field required", param: "requests") }
        guard requests.bytes.first == UInt8(ascii: "[") else { throw .invalid("requests: Input should be a valid list", param: "requests") }
        // A number that the client itself wrote is no entry of ours.
        guard !requests.bytes.contains(where: { $0 >= UInt8(ascii: "1") && $0 <= UInt8(ascii: "9") }) else {
            throw .invalid("requests: Input should be a list of objects", param: "requests")
        }
    }

    private mutating func outside(_ byte: UInt8) throws {
        self.outside.append(byte)
        guard self.outside.count <= MessageBatchSplitter.mostOutside else {
            throw Refusal(413, .requestTooLarge, "the body holds too much beside its requests")
        }
        if self.isInString {
            self.inString(byte)
            if self.isInString { self.string.append(byte) } else { self.lastString = self.string }
            return
        }
        switch byte {
        case UInt8(ascii: "\""):
            self.isInString = true
            self.string.removeAll(keepingCapacity: true)
        case UInt8(ascii: "{"): self.depth += 1
        case UInt8(ascii: "["):
            self.depth += 1
            if self.depth == 2, self.lastString == Array("requests".utf8) { self.place = .list }
        case UInt8(ascii: "}"), UInt8(ascii: "]"): self.depth -= 1
        default: break
        }
    }

    private mutating func list(_ byte: UInt8) throws {
        switch byte {
        case UInt8(ascii: "{"):
            self.place = .entry
            self.depth = 1
            self.entry.append(byte)
            self.outside.append(UInt8(ascii: "0"))
        case UInt8(ascii: "]"):
            self.outside.append(byte)
            self.depth = 1
            self.place = .outside
        case 0x20, 0x09, 0x0A, 0x0D: break
        default:
            self.outside.append(byte)
            guard self.outside.count <= MessageBatchSplitter.mostOutside else {
                throw Refusal(413, .requestTooLarge, "the body holds too much beside its requests")
            }
        }
    }

    /// True once the entry is whole.
    private mutating func entry(_ byte: UInt8) throws -> Bool {
        guard self.entry.count < MessageBatchSplitter.longestEntry else { throw Refusal(413, .requestTooLarge, "an entry is larger than 32 MB") }
        if self.isInString {
            // A raw line break in a string is no JSON; the parser behind must see it, but not as the end of a line.
            self.entry.append(byte == 0x0A || byte == 0x0D ? 0x01 : byte)
            self.inString(byte)
            return false
        }
        self.entry.append(byte == 0x0A || byte == 0x0D ? 0x20 : byte)
        switch byte {
        case UInt8(ascii: "\""): self.isInString = true
        case UInt8(ascii: "{"), UInt8(ascii: "["): self.depth += 1
        case UInt8(ascii: "}"), UInt8(ascii: "]"):
            self.depth -= 1
            guard self.depth == 0 else { return false }
            self.place = .list
            return true
        default: break
        }
        return false
    }

    private mutating func inString(_ byte: UInt8) {
        if self.isEscaped {
            self.isEscaped = false
        } else if byte == UInt8(ascii: "\\") {
            self.isEscaped = true
        } else if byte == UInt8(ascii: "\"") {
            self.isInString = false
        }
    }
}
