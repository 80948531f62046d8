/// Tells text that looks like an API key, so that it is refused in a policy and never printed.
enum SecretShape {
    /// What keys of well-known companies begin with, and how much follows at least.
    private static let prefixes: [(text: String, tail: Int)] = [
        ("sk-", 16), ("sk_", 16), ("pk-", 16), ("rk_", 16), ("xai-", 16), ("gsk_", 16), ("csk-", 16), ("fw_", 16), ("tgp_v1_", 16), ("hf_", 16),
        ("nvapi-", 16), ("r8_", 16), ("AIza", 24), ("ghp_", 16), ("github_pat_", 16), ("glpat-", 16), ("AKIA", 16), ("ASIA", 16), ("xoxb-", 16), ("eyJ", 40),
    ]

    static func isKey(_ word: some StringProtocol) -> Bool {
        self.prefixes.contains { word.hasPrefix($0.text) && word.utf8.count >= $0.text.utf8.count + $0.tail }
            && word.utf8.contains { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
    }

    static func holdsKey(_ text: String) -> Bool {
        text.split(whereSeparator: { !self.isKeyPart($0) }).contains(where: self.isKey)
    }

    /// The text with every key in it covered, at the same width.
    static func mask(_ text: String) -> String {
        var result = ""
        var word = ""
        func flush() {
            result += self.isKey(word) ? String(repeating: "•", count: word.count) : word
            word = ""
        }
        for character in text {
            if self.isKeyPart(character) {
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
        return ["authorization", "cookie", "passphrase"].contains(plain) || ["key", "token", "secret", "password"].contains(where: plain.hasSuffix)
    }

    /// Whether a line gives a value, and no reference, to a key that announces a secret.
    static func mayHoldSecret(_ line: String) -> Bool {
        let parts = line.split(separator: ":", omittingEmptySubsequences: false)
        return zip(parts, parts.dropFirst()).contains { before, after in
            let key = before.split(whereSeparator: { !self.isKeyPart($0) }).last.map(String.init) ?? ""
            let value = after.drop { $0 == " " || $0 == "\"" || $0 == "'" }
            return self.isSecretKey(key) && !value.isEmpty && !value.hasPrefix("${")
        }
    }

    private static func isKeyPart(_ character: Character) -> Bool {
        character.isASCII && (character.isLetter || character.isNumber || "-_.".contains(character))
    }
}
