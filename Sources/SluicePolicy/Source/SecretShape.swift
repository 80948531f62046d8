/// Tells text that looks like an API key, so that it is refused in a policy and never printed.
enum SecretShape {
    /// What keys of well-known companies begin with, and how much follows at least.
    private static let prefixes: [(text: String, tail: Int)] = [
        ("sk-", 16), ("sk_", 16), ("pk-", 16), ("rk_", 16), ("xai-", 16), ("gsk_", 16), ("csk-", 16), ("fw_", 16), ("tgp_v1_", 16),
        ("hf_", 16),
        ("nvapi-", 16), ("r8_", 16), ("AIza", 24), ("ghp_", 16), ("github_pat_", 16), ("glpat-", 16), ("AKIA", 16), ("ASIA", 16),
        ("xoxb-", 16), ("eyJ", 40),
    ]

    private static let shortestKey = 19

    static func isKey(_ word: some Collection<UInt8>) -> Bool {
        word.count >= self.shortestKey
            && self.prefixes.contains { word.starts(with: $0.text.utf8) && word.count >= $0.text.utf8.count + $0.tail }
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
