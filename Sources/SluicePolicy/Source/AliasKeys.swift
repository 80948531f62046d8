import SluiceCore

/// Looks for keys that are aliases or collections, before anything composes the file.
///
/// The composer hashes every key to find duplicates, and the hash of a key such as `? *bomb` walks all that the alias stands
/// for. No policy needs such a key; a file with few aliases cannot grow that way and is let through.
enum AliasKeys {
    private static let harmlessAliases = 8

    static func first(in source: SourceText) -> SourceSpan? {
        let bytes = Array(source.text.utf8)
        guard self.aliasCount(in: bytes) > self.harmlessAliases else { return nil }
        var number = 0
        for line in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            number += 1
            guard let offset = self.offsetOfKey(in: line) else { continue }
            return SourceSpan(place: SourcePlace(file: source.path, line: number, column: offset + 1), length: 1)
        }
        return nil
    }

    private static func aliasCount(in bytes: [UInt8]) -> Int {
        zip(bytes, bytes.dropFirst()).count { $0 == UInt8(ascii: "*") && $1.isNamePart }
    }

    private static func offsetOfKey(in line: ArraySlice<UInt8>) -> Int? {
        for index in line.indices {
            let offset = index - line.startIndex
            switch line[index] {
            case UInt8(ascii: "?") where self.isAtToken(line, index) && (index + 1 == line.endIndex || line[index + 1].isBlank):
                return offset
            case UInt8(ascii: "*"):
                let after = line[(index + 1)...].drop { $0.isNamePart }.drop { $0.isBlank }
                if after.startIndex > index + 1, after.first == UInt8(ascii: ":"), after.dropFirst().first?.isNamePart != true {
                    return offset
                }
            case UInt8(ascii: "]"), UInt8(ascii: "}"):
                let after = line[(index + 1)...].drop { $0.isBlank }
                if after.first == UInt8(ascii: ":"), self.collection(endingAt: index, in: line).contains(UInt8(ascii: "*")) {
                    return offset
                }
            default:
                continue
            }
        }
        return nil
    }

    /// What stands between a closing bracket and the one that it closes, as far as this line tells.
    private static func collection(endingAt index: Int, in line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var depth = 0
        for start in line[...index].indices.reversed() {
            if line[start] == UInt8(ascii: "]") || line[start] == UInt8(ascii: "}") { depth += 1 }
            if line[start] == UInt8(ascii: "[") || line[start] == UInt8(ascii: "{") { depth -= 1 }
            if depth == 0 { return line[start..<index] }
        }
        return line[..<index]
    }

    /// Only indentation, a dash or the beginning of a flow collection's item stands before; YAML also breaks lines at a bare
    /// CR and at three characters whose last bytes are 85, A8 and A9.
    private static func isAtToken(_ line: ArraySlice<UInt8>, _ index: Int) -> Bool {
        let before = line[..<index].reversed().drop { $0 == 0x20 || $0 == 0x09 }.first
        return before.map { "[{,-\r".utf8.contains($0) || [0x85, 0xA8, 0xA9].contains($0) } ?? true
    }
}

extension UInt8 {
    fileprivate var isBlank: Bool { self == 0x20 || self == 0x09 || self == 0x0D }

    fileprivate var isNamePart: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: self >= 0x80
        }
    }
}
