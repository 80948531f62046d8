import SluiceCore

/// Which column of a CSV bill says what: `day=date,model=sku,token_class=meter,quantity=units,amount=usd,tier=tier`.
struct ColumnMap {
    enum Field: String, CaseIterable {
        case day, model
        case tokenClass = "token_class"
        case quantity, amount, tier, requests
        case unitPrice = "unit_price"
    }

    private(set) var columns: [Field: String] = [:]
    /// A FOCUS bill says some things in a way of its own.
    private(set) var isFOCUS = false

    /// nil where it is no such list, or names neither day nor amount nor quantity.
    init?(_ text: String) {
        for pair in text.split(separator: ",") {
            let parts = pair.split(separator: "=", maxSplits: 1).map { $0.trimmed }
            guard parts.count == 2, let field = Field(rawValue: parts[0]) else { return nil }
            self.columns[field] = parts[1]
        }
        guard self.columns[.day] != nil, self.columns[.amount] != nil || self.columns[.quantity] != nil else { return nil }
    }

    /// The map of a bill that is known by its columns: FOCUS, or OpenRouter's activity.
    init?(knownIn table: CSVTable) {
        if table.has("BilledCost", "ChargePeriodStart") {
            self.isFOCUS = true
            self.columns = [.day: "ChargePeriodStart", .amount: "BilledCost"]
            for (field, names) in [
                (.model, ["SkuId", "ResourceName", "ResourceId", "ServiceName"]), (.tokenClass, ["SkuMeter", "x_SkuMeterName"]),
                (.quantity, ["ConsumedQuantity"]), (.unitPrice, ["ContractedUnitPrice", "ListUnitPrice"]),
            ] as [(Field, [String])] {
                self.columns[field] = names.first { table.has($0) }
            }
        } else if table.has("model_permaslug"), let amount = ["cost_total", "usage"].first(where: { table.has($0) }),
            let day = ["created_at", "date"].first(where: { table.has($0) })
        {
            self.columns = [.day: day, .amount: amount, .model: "model_permaslug"]
            if table.has("requests") { self.columns[.requests] = "requests" }
        } else {
            return nil
        }
    }

    func missing(in table: CSVTable) -> String? {
        Field.allCases.compactMap { self.columns[$0] }.first { table.index(of: $0) == nil }
    }
}

/// Reads rows by a map of columns.
struct ColumnReader {
    struct Line {
        var day: String
        var model: String?
        var meter: InvoiceLine.Meter
        var tier: String?
        var quantity: Int128?
        var unitPrice: UnitPrice?
        var requests: Int?
    }

    private let table: CSVTable
    private let map: ColumnMap
    private let indices: [ColumnMap.Field: Int]
    private let priceID: Int?
    private let priceDetails: Int?
    private let pricingUnit: Int?
    private let category: Int?
    private let currency: Int?

    init(_ map: ColumnMap, of table: CSVTable) {
        self.table = table
        self.map = map
        self.indices = map.columns.compactMapValues { table.index(of: $0) }
        self.priceID = map.isFOCUS ? table.index(of: "SkuPriceId") : nil
        self.priceDetails = map.isFOCUS ? table.index(of: "SkuPriceDetails") : nil
        self.pricingUnit = map.isFOCUS ? table.index(of: "PricingUnit") : nil
        self.category = map.isFOCUS ? table.index(of: "ChargeCategory") : nil
        self.currency = map.isFOCUS ? table.index(of: "BillingCurrency") : nil
    }

    /// A column that is asked for and that a row has no cell of, as the last row of a file that was cut off.
    func missing(in row: [String]) -> String? {
        self.indices.filter { $0.value >= row.count }.min { $0.value < $1.value }.map { self.table.columns[$0.value] }
    }

    /// A count that is none.
    func unreadableCount(_ row: [String]) -> String? {
        [.quantity, .requests].lazy.compactMap { self.cell(row, $0) }.first { DecimalCount.read($0) == nil }
    }

    func currency(_ row: [String]) -> String? { self.table.cell(row, self.currency) }

    func amount(_ row: [String]) -> String? { self.cell(row, .amount).map { DecimalCount.plain($0) } }

    /// nil where the row has no day.
    func line(_ row: [String]) -> Line? {
        guard let day = self.cell(row, .day).flatMap({ InvoiceDay.read($0) }) else { return nil }
        var line = Line(day: day, model: self.cell(row, .model), meter: self.cell(row, .tokenClass).map { InvoiceLine.Meter(reading: $0) } ?? .whole)
        line.tier = self.cell(row, .tier)
        line.quantity = self.cell(row, .quantity).flatMap { DecimalCount.read($0) }
        line.requests = self.cell(row, .requests).flatMap { DecimalCount.read($0) }.map { Int($0) }
        // Without a count of its own, a row of such a bill is one request.
        if self.indices[.requests] == nil, self.map.columns[.model] == "model_permaslug" { line.requests = 1 }
        guard self.map.isFOCUS else {
            line.unitPrice = self.cell(row, .unitPrice).flatMap { UnitPrice(perMillion: $0) }
            return line
        }
        // Taxes, credits and the like are no tokens.
        if let category = self.table.cell(row, self.category), category != "Usage" { line.meter = InvoiceLine.Meter(reading: category.lowercased()) }
        line.tier = self.tier(row)
        line.unitPrice = self.unitPrice(row)
        return line
    }

    private func cell(_ row: [String], _ field: ColumnMap.Field) -> String? { self.table.cell(row, self.indices[field]) }

    /// From `x_ServiceTier` of the price's details, or the end of its id.
    private func tier(_ row: [String]) -> String? {
        if let details = self.table.cell(row, self.priceDetails), let tree = try? JSONTree(Array(details.utf8)), let tier = tree["x_ServiceTier"]?.text {
            return tier
        }
        let tail = self.table.cell(row, self.priceID)?.split(separator: "/").last?.lowercased()
        return ["standard", "default", "batch", "flex", "priority", "scale"].first { $0 == tail }
    }

    /// Of a unit such as `1000000 Tokens`.
    private func unitPrice(_ row: [String]) -> UnitPrice? {
        guard let text = self.cell(row, .unitPrice), let unit = self.table.cell(row, self.pricingUnit), unit.lowercased().hasSuffix("tokens") else {
            return nil
        }
        let words = unit.split(separator: " ")
        let count = words.count > 1 ? Int128(words[0].filter { $0 != "," }) ?? 1 : 1
        guard count > 0, let value = DecimalText.round(text, decimals: 30) else { return nil }
        return UnitPrice(value: value.dividedHalfEven(by: count))
    }
}
