/// A pattern with `*` for any run of characters; nothing else is special, so no pattern can be slow. Names are equal if their bytes are.
package struct Glob: Hashable, Sendable {
    package let pattern: String
    /// What must follow one another; the text between two of them is free.
    private let pieces: [String]

    package init(_ pattern: String) {
        self.pattern = pattern
        self.pieces = pattern.split(separator: "*", omittingEmptySubsequences: false).map(String.init)
    }

    /// Whether the pattern is a plain name.
    package var isLiteral: Bool { self.pieces.count == 1 }

    package func matches(_ text: String) -> Bool {
        guard self.pieces.count > 1 else { return text.utf8.elementsEqual(self.pattern.utf8) }
        guard let first = self.pieces.first?.utf8, let last = self.pieces.last?.utf8, text.utf8.count >= first.count + last.count,
            text.utf8.starts(with: first), text.utf8.suffix(last.count).elementsEqual(last)
        else { return false }
        var rest = text.utf8.dropFirst(first.count).dropLast(last.count)
        for piece in self.pieces.dropFirst().dropLast() where !piece.isEmpty {
            guard let end = rest.endOfFirst(piece.utf8) else { return false }
            rest = rest[end...]
        }
        return true
    }

    /// Whether everything that `other` matches is matched by this one too; false where that is not plain to see.
    package func covers(_ other: Glob) -> Bool {
        self == other || self.pattern == "*" || (other.isLiteral && self.matches(other.pattern))
    }
}

extension Substring.UTF8View {
    /// The index behind the first occurrence of `piece`.
    fileprivate func endOfFirst(_ piece: String.UTF8View) -> Index? {
        var start = self.startIndex
        while self.distance(from: start, to: self.endIndex) >= piece.count {
            if self[start...].starts(with: piece) { return self.index(start, offsetBy: piece.count) }
            start = self.index(after: start)
        }
        return nil
    }
}
