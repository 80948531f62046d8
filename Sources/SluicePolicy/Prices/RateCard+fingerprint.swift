import Crypto
import SluiceCore

extension RateCard {
    /// The first 12 hex digits of the SHA-256 over what the card says and where it was read.
    var fingerprint: String {
        var text = "\(self.prices.canonical)|\(self.above.canonical)|"
        for (name, tier) in self.tiers.sorted(by: { $0.key < $1.key }) {
            text += "\(name):\(tier.factor.millionths):\(tier.prices.canonical):\(tier.above.canonical);"
        }
        text += "|" + self.windows.map { "\($0.name):\($0.factor.millionths)" }.joined(separator: ";")
        text += "|\(self.discount.millionths)|\(self.perRequest)|\(self.pricedAt.rawValue)"
        text += "|\(self.validFrom?.description ?? "")|\(self.validUntil?.description ?? "")|\(self.source ?? "")|\(self.asOf ?? "")"
        return text.fingerprint
    }
}

extension String {
    /// The first 12 hex digits of its SHA-256.
    var fingerprint: String {
        let digits = Array("0123456789abcdef".utf8)
        let bytes = SHA256.hash(data: Array(self.utf8)).prefix(6)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}

extension RateCard.Prices {
    fileprivate var canonical: String { TokenClass.allCases.map { self[$0]?.perMillion ?? "-" }.joined(separator: ",") }
}

extension [RateCard.ContextTier] {
    fileprivate var canonical: String { self.map { "\($0.threshold)=\($0.prices.canonical)" }.joined(separator: ";") }
}
