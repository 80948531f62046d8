/// Tells text that looks like an API key, so that it is refused in a policy and never printed.
enum SecretShape {
    /// How keys of well-known companies look.
    private struct Shape {
        var prefix: String
        /// How much follows at least.
        var tail: Int
        /// Letters, digits and underscores alone: model names such as `xai-grok-4` are no keys.
        var isPlain = false

        func fits(_ word: some Collection<UInt8>) -> Bool {
            guard word.starts(with: self.prefix.utf8), word.count >= self.prefix.utf8.count + self.tail else { return false }
            return !self.isPlain || word.dropFirst(self.prefix.utf8.count).allSatisfy { $0 != UInt8(ascii: "-") && $0 != UInt8(ascii: ".") }
        }
    }

    private static let shapes = [
        Shape(prefix: "sk-", tail: 16), Shape(prefix: "sk_", tail: 16), Shape(prefix: "pk-", tail: 20), Shape(prefix: "rk_", tail: 16),
        Shape(prefix: "xai-", tail: 40, isPlain: true), Shape(prefix: "gsk_", tail: 20, isPlain: true),
        Shape(prefix: "csk-", tail: 20, isPlain: true),
        Shape(prefix: "fw_", tail: 16, isPlain: true), Shape(prefix: "hf_", tail: 20, isPlain: true),
        Shape(prefix: "r8_", tail: 20, isPlain: true),
        Shape(prefix: "tgp_v1_", tail: 16), Shape(prefix: "nvapi-", tail: 30), Shape(prefix: "AIza", tail: 24),
        Shape(prefix: "ghp_", tail: 20),
        Shape(prefix: "github_pat_", tail: 20), Shape(prefix: "glpat-", tail: 16), Shape(prefix: "AKIA", tail: 16, isPlain: true),
        Shape(prefix: "ASIA", tail: 16, isPlain: true), Shape(prefix: "xoxb-", tail: 20), Shape(prefix: "eyJ", tail: 40),
    ]
    /// That of the shortest shape; shorter words are not looked at.
    private static let shortestKey = 19

    static func isKey(_ word: some Collection<UInt8>) -> Bool {
        word.count >= self.shortestKey && self.shapes.contains { $0.fits(word) }
            && word.contains { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
    }

    static func holdsKey(_ text: String) -> Bool {
        text.utf8.count >= self.shortestKey && text.utf8.split(whereSeparator: { !self.isKeyPart($0) }).contains { self.isKey($0) }
    }

    /// The text with every key in it covered, at the same width.
    static func mask(_ text: String) -> String {
        var result = ""
        var word = ""
        func flush() {
            result += self.isKey(word.utf8) ? String(repeating: "•", count: word.count) : word
            word = ""
        }
        for character in text {
            if let byte = character.asciiValue, self.isKeyPart(byte) {
                word.append(character)
            } else {
                flush()
                result.append(character)
            }
        }
        flush()
        return result
    }

    /// Whether a key of a mapping announces that its value is secret, whatever it looks like.
    static func isSecretKey(_ key: String) -> Bool {
        let plain = key.lowercased().filter { $0.isLetter || $0.isNumber }
        return ["authorization", "cookie", "passphrase"].contains(plain)
            || ["key", "token", "secret", "password"].contains(where: plain.hasSuffix)
    }

    /// Whether a line gives a value, and no reference, to a key that announces a secret.
    static func mayHoldSecret(_ line: String) -> Bool {
        let parts = line.split(separator: ":", omittingEmptySubsequences: false)
        return zip(parts, parts.dropFirst()).contains { before, after in
            let key = before.utf8.split(whereSeparator: { !self.isKeyPart($0) }).last.map { String(decoding: $0, as: UTF8.self) } ?? ""
            let value = after.drop { $0 == " " || $0 == "\"" || $0 == "'" }
            return self.isSecretKey(key) && !value.isEmpty && !value.hasPrefix("${")
        }
    }

    private static func isKeyPart(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "-"),
            UInt8(ascii: "_"), UInt8(ascii: "."):
            true
        default: false
        }
    }
}
