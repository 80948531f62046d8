import SluiceCore

/// What `audit recompute` found: `sluice.recompute/v1`.
struct RecomputeOutcome: Codable {
    var schema: String
    /// It was done; what was wrong is corrected.
    var ok: Bool
    /// Whose tokens have a price.
    var entries: Int
    var corrections: Int
    /// The sum of the corrections.
    var difference: String
    /// With tokens for which the policy has no price.
    var unpriced: Int
    var currency: String
    var written: Bool

    func text(_ style: TextStyle) -> String {
        var text = style.good("ok") + ": \(ReportText.grouped("\(self.entries)")) entries priced again, "
        if self.corrections == 0 {
            text += "all of them right\n"
        } else {
            let verb = self.written ? "corrected by" : "to be corrected by"
            text += "\(ReportText.grouped("\(self.corrections)")) \(verb) \(self.difference) \(self.currency) in all\n"
        }
        if self.unpriced > 0 { text += "\(ReportText.grouped("\(self.unpriced)")) have no price in this policy and stay as they are\n" }
        return text
    }
}
