import SluiceCore
import SluiceDispatch
import SluiceWire

extension UpstreamProblem {
    /// Reads the value of a member `error`: an object, a string, or anything else.
    static func read(_ cursor: inout JSONCursor) throws(JSONFault) -> UpstreamProblem? {
        switch cursor.peek() {
        case UInt8(ascii: "n"):
            try cursor.value()
            return nil
        case UInt8(ascii: "{"):
            var fields = ErrorFields()
            try cursor.members { key, cursor throws(JSONFault) in try fields.read(key, &cursor) }
            return fields.problem
        default:
            let text = try cursor.string()?.decoded
            return UpstreamProblem(message: text ?? "", type: nil, code: nil)
        }
    }

    init(message: String, type: String?, code: String?) {
        self.init(
            status: UpstreamProblem.status(type: type, code: code), message: message.isEmpty ? "no reason was given" : String(message.prefix(2000)),
            type: type, code: code)
    }

    /// 429, 529 or 503 where the code or the type says so, else 502.
    private static func status(type: String?, code: String?) -> Int {
        let words = [code, type].compactMap { $0?.lowercased() }
        func says(_ parts: String...) -> Bool { words.contains { word in parts.contains { word.contains($0) } } }
        if says("429", "rate_limit", "ratelimit", "insufficient_quota", "too_many") { return 429 }
        if says("529", "overloaded") { return 529 }
        if says("503", "unavailable") { return 503 }
        return 502
    }
}

/// The members that error objects have in common, in any dialect.
struct ErrorFields {
    var message = ""
    var type: String?
    var code: String?

    mutating func read(_ key: JSONText, _ cursor: inout JSONCursor) throws(JSONFault) {
        if key.says("message") {
            self.message = try cursor.string()?.decoded ?? ""
        } else if key.says("type") {
            self.type = try cursor.string()?.decoded
        } else if key.says("code") {
            // Clients want a string, also where it is a number.
            let isText = cursor.peek() == UInt8(ascii: "\"")
            self.code = try isText ? cursor.string()?.decoded : cursor.integer().map(String.init)
        } else {
            try cursor.value()
        }
    }

    var problem: UpstreamProblem { UpstreamProblem(message: self.message, type: self.type, code: self.code) }
}
