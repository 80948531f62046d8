/// A rate card that many requests look at and none changes: cards are large, and every request needs several.
package final class SharedCard: Sendable {
    package let card: RateCard

    package init(_ card: RateCard) {
        self.card = card
    }
}
