import SluiceTesting

/// JSON texts made from nothing: any values, any spelling, any white space; every tenth has one byte changed.
enum RandomJSON {
    /// An object with the members of a request among others.
    static func body(_ chance: inout SeededGenerator) -> [UInt8] {
        var members = ["\"model\":\(["\"own\"", "\"\\u006fwn\"", "\"a\\/b\"", "7"].some(&chance))"]
        for _ in 0..<Int.random(in: 0...8, using: &chance) {
            let name = ["stream", "max_tokens", "metadata", "api_key", "x", "stream_options", "messages", "priority"].some(&chance)
            members.append("\(self.space(&chance))\"\(name)\"\(self.space(&chance)):\(self.value(depth: 0, &chance))")
        }
        members.shuffle(using: &chance)
        var text = Array((self.space(&chance) + "{" + members.joined(separator: self.space(&chance) + ",") + "}" + self.space(&chance)).utf8)
        if Int.random(in: 0..<10, using: &chance) == 0 { text[Int.random(in: 0..<text.count, using: &chance)] = UInt8.random(in: 0...255, using: &chance) }
        return text
    }

    private static func value(depth: Int, _ chance: inout SeededGenerator) -> String {
        let space = self.space(&chance)
        switch Int.random(in: 0..<(depth > 12 ? 5 : 9), using: &chance) {
        case 0: return space + ["true", "false", "null"].some(&chance)
        case 1: return space + String(Int.random(in: -1000...1000, using: &chance))
        case 2: return space + self.number(&chance)
        case 3, 4: return space + self.string(&chance)
        case 5, 6:
            return space + "[" + (0..<Int.random(in: 0...4, using: &chance)).map { _ in self.value(depth: depth + 1, &chance) }.joined(separator: ",") + "]"
        case 7:
            let members = (0..<Int.random(in: 0...4, using: &chance)).map { _ in "\(self.string(&chance)):\(self.value(depth: depth + 1, &chance))" }
            return space + "{" + members.joined(separator: space + ",") + "}"
        default:
            let levels = Int.random(in: 1...110, using: &chance)
            return String(repeating: "[", count: levels) + String(repeating: "]", count: levels)
        }
    }

    private static func number(_ chance: inout SeededGenerator) -> String {
        let digits = (0..<Int.random(in: 1...20, using: &chance)).map { _ in String(Int.random(in: 0...9, using: &chance)) }.joined()
        return ["-", ""].some(&chance) + ["0", digits, "1" + digits].some(&chance) + ["", "." + digits].some(&chance) + ["", "e5", "E-3", "e+7"].some(&chance)
    }

    private static func string(_ chance: inout SeededGenerator) -> String {
        let pieces = [
            "a", "plain text ", "\\n", "\\\"", "\\\\", "\\/", "\\u0041", "\\ud83d\\ude00", "\\ud83d", "\\ude00", "\\u00", "\\x", "é", "😀", "\u{7F}", "\u{1}",
            "0123456789abcdefghijklmnop",
        ]
        // Most strings hold nothing that is wrong.
        let choices =
            Int.random(in: 0..<8, using: &chance) == 0 ? pieces[...] : pieces.filter { !["\\ud83d", "\\ude00", "\\u00", "\\x", "\u{1}"].contains($0) }[...]
        return "\"" + (0..<Int.random(in: 0...6, using: &chance)).map { _ in Array(choices).some(&chance) }.joined() + "\""
    }

    private static func space(_ chance: inout SeededGenerator) -> String { ["", "", "", " ", "\n", "\t ", "\r\n"].some(&chance) }
}

extension [String] {
    fileprivate func some(_ chance: inout SeededGenerator) -> String { self[Int.random(in: 0..<self.count, using: &chance)] }
}
