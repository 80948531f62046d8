import SluiceCore

/// Charges as rows of the FinOps Open Cost and Usage Specification: columns in alphabetical order, custom ones (`x_…`) last.
///
/// Nulls are the literal `NULL`, every decimal has a point. What hardware of one's own costs is a commitment: used and unused hours are
/// usage that nobody bills, and the month is a purchase that is billed and has no effect of its own.
struct FocusTable {
    enum Version: String, CaseIterable {
        case v12 = "1.2"
        case v14 = "1.4"
    }

    /// A month of hardware of one's own.
    struct Month: Hashable {
        var backend: String
        var month: String
        var currency: String
    }

    private typealias Column = (name: String, value: @Sendable (FocusRow) -> String?)

    private let columns: [Column]
    private(set) var months: [Month: MoneySum] = [:]

    /// - Parameter costCenters: By tenant.
    init(_ version: Version, costCenters: [String: String]) {
        self.columns = FocusTable.columns(version, costCenters)
    }

    var head: String { FocusTable.line(self.columns.map(\.name)) }

    /// The rows of one hour.
    mutating func rows(_ hour: FocusHour) -> String {
        hour.rows.reduce(into: "") { text, charge in
            let row = FocusRow(charge)
            if row.isOwn {
                let month = Month(backend: charge.key.backend, month: String(charge.key.hour.description.prefix(7)), currency: charge.key.currency)
                self.months[month, default: .zero] += charge.cost
            }
            text += self.line(row)
        }
    }

    /// What was paid for the hardware of these hours, a row for each month.
    var purchases: String {
        self.months.sorted { ($0.key.month, $0.key.backend) < ($1.key.month, $1.key.backend) }.map { self.line(FocusRow($0.key, $0.value)) }.joined()
    }

    private func line(_ row: FocusRow) -> String { FocusTable.line(self.columns.map { $0.value(row) ?? "NULL" }) }

    private static func line(_ cells: [String]) -> String {
        cells.map { cell in
            cell.contains { $0 == "," || $0 == "\"" || $0.isNewline } ? "\"" + cell.replacing("\"", with: "\"\"") + "\"" : cell
        }.joined(separator: ",") + "\r\n"
    }

    private static func columns(_ version: Version, _ costCenters: [String: String]) -> [Column] {
        var columns: [Column] = self.accounts
        columns += self.charges
        columns += self.commitments
        columns += self.quantities
        columns.append(("Tags", { row in FocusTable.tags(costCenter: row.tenant.flatMap { costCenters[$0] }) }))
        if version == .v14 {
            // 1.3 brought these, 1.4 removed the old names of who provides.
            columns.removeAll { $0.name == "ProviderName" || $0.name == "PublisherName" }
            let absent = [
                "AllocatedMethodDetails", "AllocatedMethodId", "AllocatedResourceId", "AllocatedResourceName", "AllocatedTags", "ContractApplied",
            ]
            for name in absent { columns.append((name, { _ in nil })) }
            for name in ["HostProviderName", "ServiceProviderName"] { columns.append((name, { $0.provider })) }
        }
        return columns.sorted { $0.name < $1.name } + self.own
    }

    private static let accounts: [Column] = [
        ("AvailabilityZone", { _ in nil }), ("BilledCost", { $0.decimal($0.billed) }), ("BillingAccountId", { $0.provider }),
        ("BillingAccountName", { $0.provider }),
        ("BillingAccountType", { _ in "Backend" }), ("BillingCurrency", { $0.currency }), ("BillingPeriodEnd", { $0.billingEnd }),
        ("BillingPeriodStart", { $0.billingStart }), ("InvoiceId", { _ in nil }), ("InvoiceIssuerName", { $0.provider }), ("ProviderName", { $0.provider }),
        ("PublisherName", { $0.provider }), ("SubAccountId", { $0.tenant }), ("SubAccountName", { $0.tenant }),
        ("SubAccountType", { $0.tenant == nil ? nil : "Tenant" }),
    ]

    private static let charges: [Column] = [
        ("RegionId", { _ in nil }), ("RegionName", { _ in nil }),
        ("ChargeCategory", { $0.isPurchase ? "Purchase" : "Usage" }), ("ChargeClass", { $0.isCorrection ? "Correction" : nil }),
        ("ChargeDescription", { $0.description }), ("ChargeFrequency", { $0.isPurchase ? "Recurring" : "Usage-Based" }), ("ChargePeriodEnd", { $0.end }),
        ("ChargePeriodStart", { $0.start }), ("ServiceCategory", { _ in "AI and Machine Learning" }), ("ServiceName", { _ in "Inference" }),
        ("ServiceSubcategory", { _ in "Generative AI" }), ("ResourceId", { $0.model }), ("ResourceName", { $0.model }),
        ("ResourceType", { $0.model == nil ? nil : "Model" }),
    ]

    private static let commitments: [Column] = [
        ("CommitmentDiscountCategory", { $0.isOwn ? "Usage" : nil }), ("CommitmentDiscountId", { $0.isOwn ? $0.provider : nil }),
        ("CommitmentDiscountName", { $0.isOwn ? $0.provider : nil }), ("CommitmentDiscountQuantity", { $0.isOwn ? $0.pricingQuantity : nil }),
        ("CommitmentDiscountStatus", { $0.commitmentStatus }), ("CommitmentDiscountType", { $0.isOwn ? "Owned capacity" : nil }),
        ("CommitmentDiscountUnit", { $0.isOwn ? $0.pricingUnit : nil }),
    ]

    private static let quantities: [Column] = [
        ("ConsumedQuantity", { $0.consumedQuantity }), ("ConsumedUnit", { $0.consumedUnit }), ("ContractedCost", { $0.listCost }),
        ("ContractedUnitPrice", { $0.unitPrice }), ("EffectiveCost", { $0.decimal($0.effective) }), ("ListCost", { $0.listCost }),
        ("ListUnitPrice", { $0.unitPrice }), ("PricingCategory", { $0.isOwn && !$0.isPurchase ? "Committed" : "Standard" }),
        ("PricingCurrency", { $0.currency }), ("PricingCurrencyContractedUnitPrice", { $0.unitPrice }),
        ("PricingCurrencyEffectiveCost", { $0.decimal($0.effective) }), ("PricingCurrencyListUnitPrice", { $0.unitPrice }),
        ("PricingQuantity", { $0.pricingQuantity }), ("PricingUnit", { $0.pricingUnit }), ("SkuId", { $0.skuID }), ("SkuMeter", { $0.meterName }),
        ("SkuPriceDetails", { $0.priceDetails }), ("SkuPriceId", { $0.priceID }),
    ]

    private static let own: [Column] = [
        ("x_SluiceBackend", { $0.provider }), ("x_SluiceBaselineCost", { $0.decimal($0.baseline) }), ("x_SluiceClass", { $0.trafficClass }),
        ("x_SluiceCostHigh", { $0.decimal($0.high) }), ("x_SluiceCostLow", { $0.decimal($0.low) }), ("x_SluicePolicyRevision", { $0.policy }),
        ("x_SluiceRequestCount", { $0.requests }), ("x_SluiceWasteCost", { $0.decimal($0.waste) }),
    ]

    private static func tags(costCenter: String?) -> String {
        costCenter.map { "{\"cost_center\":\(self.quoted($0))}" } ?? "{}"
    }

    static func quoted(_ text: String) -> String {
        var json: [UInt8] = []
        json.append(jsonString: text)
        return String(decoding: json, as: UTF8.self)
    }
}
