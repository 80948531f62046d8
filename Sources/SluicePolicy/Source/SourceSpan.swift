package import SluiceCore

/// A stretch of one line in a policy file: what a caret underlines.
package struct SourceSpan: Hashable, Sendable {
    package var place: SourcePlace
    /// In characters as YAML counts columns; at least 1.
    package var length: Int

    package init(place: SourcePlace, length: Int) {
        self.place = place
        self.length = max(1, length)
    }
}

/// A word of the user's, with its place: a name that is given or one that is used.
struct Name: Hashable, Sendable {
    var text: String
    var span: SourceSpan

    /// Whether the key is one of those that every level ignores: `x-…`, where anchors live.
    ///
    /// Names with a slash are models of the x.ai company (`x-ai/grok-4`) and no parking place.
    var isExtension: Bool { self.text.hasPrefix("x-") && !self.text.contains("/") }
}
