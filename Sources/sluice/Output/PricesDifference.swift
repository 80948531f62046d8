import SluiceCore

/// What a new price book changes: `sluice.prices_diff/v1`.
struct PricesDifference: Codable {
    struct Change: Codable {
        var provider: String
        var model: String
        var what: String
        @OrNull var old: String?
        @OrNull var new: String?

        init(_ change: PriceChange) {
            (self.provider, self.model, self.what) = (change.provider, change.model, change.what)
            (self.old, self.new) = (change.old, change.new)
        }
    }

    struct Effect: Codable {
        var backend: String
        var model: String
        var requests: Int
        var unpriced: Int
        var old: String
        var new: String
        var difference: String
    }

    var schema = "sluice.prices_diff/v1"
    var since: String
    @OrNull var until: String?
    var changes: [Change] = []
    var effect: [Effect] = []
    var old = "0"
    var new = "0"
    var difference = "0"

    init(since: Timestamp, until: Timestamp?) {
        self.since = since.description
        self.until = until?.description
    }

    mutating func add(_ comparison: PriceComparison) {
        let rows = comparison.rows
        self.effect = rows.map {
            Effect(
                backend: $0.backend, model: $0.model, requests: $0.requests, unpriced: $0.unpriced, old: $0.before.description, new: $0.after.description,
                difference: $0.difference.description)
        }
        let (before, after) = (rows.reduce(into: MoneySum.zero) { $0 += $1.before }, rows.reduce(into: MoneySum.zero) { $0 += $1.after })
        (self.old, self.new, self.difference) = (before.description, after.description, (after - before).description)
    }

    func text(_ style: TextStyle) -> String {
        var prices = TextTable([
            .init(title: "provider"), .init(title: "model"), .init(title: "price per 1M"), .init(title: "now", alignment: .right),
            .init(title: "new", alignment: .right),
        ])
        prices.rows = self.changes.map { [$0.provider, $0.model, $0.what, $0.old ?? "–", $0.new ?? "–"] }
        let head = self.changes.isEmpty ? "No price of a model in use differs.\n" : prices.text(style)
        guard !self.effect.isEmpty else { return head + "\nThe ledger has nothing since \(self.since).\n" }
        var table = TextTable(
            [.init(title: "backend"), .init(title: "model")]
                + ["requests", "cost now", "with the new prices", "difference"].map { .init(title: $0, alignment: .right) })
        table.rows = self.effect.map { [$0.backend, $0.model, "\($0.requests)", $0.old, $0.new, $0.difference] }
        table.footer = ["total", "", "\(self.effect.reduce(0) { $0 + $1.requests })", self.old, self.new, self.difference]
        let unpriced = self.effect.reduce(0) { $0 + $1.unpriced }
        return head + "\n" + table.text(style) + (unpriced > 0 ? "\(unpriced) requests have a price on one side only and are in no sum.\n" : "")
    }
}
