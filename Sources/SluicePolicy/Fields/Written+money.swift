import SluiceCore

extension Written {
    /// An amount in the policy's currency.
    static var money: FieldType<Money> {
        .scalar(
            "amount", example: "0.02", schema: .numeric("[0-9]+(\\.[0-9]+)?"),
            parse: { text in Money(text).flatMap { $0 >= .zero ? $0 : nil } },
            show: { $0.description })
    }

    /// An amount for a stretch of time: `1900/mo`, `40/day`.
    static func money(per unit: String, example: String) -> FieldType<Money> {
        .scalar(
            "amount per \(unit)", example: example, schema: .text(matching: "[0-9]+(\\.[0-9]+)?/\(unit)"),
            parse: { text in
                guard text.hasSuffix("/\(unit)"), let amount = Money(text.dropLast(unit.utf8.count + 1)), amount >= .zero else {
                    return nil
                }
                return amount
            },
            show: { "\($0)/\(unit)" })
    }

    /// What 1M tokens cost.
    static var tokenPrice: FieldType<TokenPrice> {
        FieldType(
            word: "price per 1M tokens", schema: .numeric("[0-9]+(\\.[0-9]{1,6}0*)?"),
            read: { node, reader in
                guard let text = reader.text(of: node, wants: "a price per 1M tokens") else { return nil }
                if let price = TokenPrice(perMillion: text) { return price }
                let hint: String =
                    if text.hasPrefix("-") { "a price is never negative" } else if DecimalText.parse(text, decimals: 18) != nil {
                        "at most six decimals, and less than 10^12"
                    } else { "write it like `2.50`" }
                reader.report(.error, .badValue, "`\(text.cutForMessage)` is not a price per 1M tokens", at: node.span, hint: hint)
                return nil
            },
            show: { .scalar($0.perMillion) })
    }

    /// A percentage: `50%`.
    ///
    /// - Parameter most: The largest one allowed, in per cent.
    static func percent(upTo most: Int = 100) -> FieldType<PriceFactor> {
        .scalar(
            "percentage", example: "50%", schema: .text(matching: "[0-9]+(\\.[0-9]+)?%"),
            parse: { text in
                guard text.hasSuffix("%"), let millionths = DecimalText.parse(text.dropLast(), decimals: 4) else { return nil }
                guard (0...Int128(most) * 10_000).contains(millionths) else { return nil }
                return PriceFactor(millionths: Int64(millionths))
            },
            show: { $0.percent })
    }

    /// A plain factor of at least 1: `1.25`.
    static var factor: FieldType<PriceFactor> {
        .scalar(
            "factor", example: "1.25", schema: .numeric("[0-9]+(\\.[0-9]+)?"),
            parse: { text in
                guard let millionths = DecimalText.parse(text, decimals: 6), (1_000_000...1_000_000_000).contains(millionths) else {
                    return nil
                }
                return PriceFactor(millionths: Int64(millionths))
            },
            show: { DecimalText.format(Int128($0.millionths), decimals: 6) })
    }
}

extension PriceFactor {
    var percent: String { DecimalText.format(Int128(self.millionths), decimals: 4) + "%" }
}
