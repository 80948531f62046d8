import SluiceWire

/// A JSON document whose numbers keep the text that they were written with: amounts must not pass through floating point.
indirect enum JSONTree {
    case object([String: JSONTree])
    case array([JSONTree])
    case string(String)
    /// A number, or `true`, `false`, `null`.
    case literal(String)

    /// - Throws: Where the bytes are no JSON.
    init(_ bytes: [UInt8]) throws(JSONFault) {
        self = try JSONTree.read(bytes)
    }

    private static func read(_ bytes: [UInt8]) throws(JSONFault) -> JSONTree {
        let result: Result<JSONTree, JSONFault> = bytes.withUnsafeBytes { buffer in
            var cursor = JSONCursor(buffer, isLenient: true)
            do throws(JSONFault) {
                let tree = try JSONTree(&cursor)
                try cursor.end()
                return .success(tree)
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private init(_ cursor: inout JSONCursor) throws(JSONFault) {
        switch cursor.peek() {
        case UInt8(ascii: "{"):
            var members: [String: JSONTree] = [:]
            try cursor.members { key, cursor throws(JSONFault) in members[key.decoded] = try JSONTree(&cursor) }
            self = .object(members)
        case UInt8(ascii: "["):
            var elements: [JSONTree] = []
            try cursor.elements { cursor throws(JSONFault) in elements.append(try JSONTree(&cursor)) }
            self = .array(elements)
        case UInt8(ascii: "\""):
            self = .string(try cursor.string()?.decoded ?? "")
        default:
            let range = try cursor.value()
            self = .literal(cursor.text(of: range))
        }
    }

    subscript(key: String) -> JSONTree? {
        guard case .object(let members) = self, let value = members[key], !value.isNull else { return nil }
        return value
    }

    var isNull: Bool { if case .literal("null") = self { true } else { false } }

    var elements: [JSONTree] { if case .array(let elements) = self { elements } else { [] } }

    /// A string or a number as it was written.
    var text: String? {
        switch self {
        case .string(let text), .literal(let text): text
        case .object, .array: nil
        }
    }

    /// A whole number; `1200.0` is one too.
    var count: Int128? { self.text.flatMap { DecimalCount.read($0) } }
}
