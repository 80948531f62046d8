import SluiceCore

/// One charge in the words of FOCUS.
struct FocusRow {
    private let charge: FocusCharge?
    private let month: FocusTable.Month?
    private let amount: MoneySum
    let currency: String
    let provider: String

    init(_ charge: FocusCharge) {
        self.charge = charge
        self.month = nil
        self.amount = charge.cost
        self.currency = charge.key.currency
        self.provider = charge.key.backend
    }

    init(_ month: FocusTable.Month, _ amount: MoneySum) {
        self.charge = nil
        self.month = month
        self.amount = amount
        self.currency = month.currency
        self.provider = month.backend
    }

    private var meter: FocusCharge.Meter? { self.charge?.key.meter }

    // MARK: What it is

    var isPurchase: Bool { self.month != nil }
    var isCorrection: Bool { self.meter == .correction }
    var isOwn: Bool { self.isPurchase || self.meter == .capacity || self.meter == .idle }
    var tenant: String? { self.named(self.charge?.key.tenant) }
    var model: String? { self.named(self.charge?.key.model) }
    var trafficClass: String? { self.named(self.charge?.key.trafficClass) }
    var policy: String? { self.named(self.charge?.policy) }
    var requests: String? { self.charge.map { "\($0.requests)" } }
    var commitmentStatus: String? { self.isPurchase ? nil : self.meter == .capacity ? "Used" : self.meter == .idle ? "Unused" : nil }

    private func named(_ text: String?) -> String? { text.flatMap { $0.isEmpty ? nil : $0 } }

    var description: String {
        guard let charge else { return "Own hardware \(self.provider), \(self.month?.month ?? "")" }
        let subject = charge.key.model.isEmpty ? self.provider : "\(charge.key.model) at \(self.provider)"
        return "\(self.meterName ?? ""): \(subject)"
    }

    // MARK: When

    var start: String? { self.charge.map { self.instant($0.key.hour) } ?? self.billingStart }
    var end: String? { self.charge.map { self.instant($0.key.hour + .seconds(3600)) } ?? self.billingEnd }

    var billingStart: String? { Timestamp(rfc3339: "\(self.monthName)-01").map(self.instant) }

    var billingEnd: String? {
        guard let first = Timestamp(rfc3339: "\(self.monthName)-01") else { return nil }
        return Timestamp(rfc3339: "\((first + .seconds(32 * 86_400)).description.prefix(7))-01").map(self.instant)
    }

    private var monthName: String { self.month?.month ?? String(self.charge?.key.hour.description.prefix(7) ?? "") }

    /// Without the milliseconds, which the specification does not know.
    private func instant(_ instant: Timestamp) -> String { instant.description.prefix(19) + "Z" }

    // MARK: How much

    var billed: MoneySum { self.isOwn && !self.isPurchase ? .zero : self.amount }
    var effective: MoneySum { self.isPurchase ? .zero : self.amount }
    var baseline: MoneySum { self.charge?.baseline ?? .zero }
    var waste: MoneySum { self.charge?.waste ?? .zero }
    var low: MoneySum { self.bound(\.costLow) }
    var high: MoneySum { self.bound(\.costHigh) }

    /// Only what calls cost is ever in doubt.
    private func bound(_ bound: KeyPath<FocusCharge, MoneySum>) -> MoneySum {
        guard let charge, self.meter != .idle else { return self.effective }
        return charge[keyPath: bound]
    }

    func decimal(_ sum: MoneySum) -> String { self.decimal(sum.description) }
    private func decimal(_ text: String) -> String { text.contains(".") ? text : text + ".0" }

    var consumedQuantity: String? {
        switch self.meter {
        case .tokens, .request: self.charge.map { "\($0.quantity).0" }
        case .capacity, .doubt: self.charge.map { "\($0.requests).0" }
        case .idle, .correction, nil: nil
        }
    }

    var consumedUnit: String? {
        switch self.meter {
        case .tokens: "Tokens"
        case .request, .capacity, .doubt: "Requests"
        case .idle, .correction, nil: nil
        }
    }

    var pricingQuantity: String? {
        switch self.meter {
        case .tokens: self.charge.map { self.decimal(DecimalText.format($0.quantity, decimals: 6)) }
        case .request: self.charge.map { "\($0.quantity).0" }
        case .doubt: self.charge.map { "\($0.requests).0" }
        case .capacity, .idle, nil: "1.0"
        case .correction: nil
        }
    }

    var pricingUnit: String? {
        switch self.meter {
        case .tokens: "1000000 Tokens"
        case .request, .doubt: "Requests"
        case .capacity, .idle: "Hours"
        case .correction: nil
        case nil: "Months"
        }
    }

    var unitPrice: String? {
        switch self.meter {
        case .tokens: self.charge?.key.price.map { self.decimal($0.perMillion) }
        case .request: self.charge?.key.price.map { self.decimal(DecimalText.format($0.value, decimals: 30)) }
        case .doubt: "0.0"
        case .capacity, .idle, nil: self.decimal(self.amount)
        case .correction: nil
        }
    }

    /// The unit price times the quantity, to the last digit.
    var listCost: String? {
        guard let charge, let price = charge.key.price else { return self.meter == .doubt ? "0.0" : self.decimal(self.amount) }
        return self.decimal(DecimalText.format(price.value * charge.quantity, decimals: 30))
    }

    // MARK: Which price

    var meterName: String? {
        switch self.meter {
        case .tokens(let tokenClass): tokenClass.meterName
        case .request: "Requests"
        case .capacity: "GPU Time"
        case .idle: "Unused GPU Time"
        case .correction: "Corrections"
        case .doubt: "Requests in Doubt"
        case nil: "Own Hardware"
        }
    }

    var skuID: String? { self.model.map { "\(self.provider)/\($0)" } ?? self.provider }

    private var kind: String {
        switch self.meter {
        case .tokens(let tokenClass): tokenClass.name
        case .request: "request"
        case .capacity: "gpu_time"
        case .idle: "unused_gpu_time"
        case .correction: "correction"
        case .doubt: "doubt"
        case nil: "month"
        }
    }

    private var tier: String? { self.charge.flatMap { $0.key.tier == "default" ? nil : $0.key.tier } }

    var priceID: String? { "\(self.skuID ?? self.provider)/\(self.kind)/\(self.tier ?? "standard")" }

    var priceDetails: String? {
        guard case .tokens(let tokenClass) = self.meter else { return nil }
        return "{\"x_TokenType\":\"\(tokenClass.name)\",\"x_ServiceTier\":\(FocusTable.quoted(self.tier ?? "standard"))}"
    }
}

extension TokenClass {
    fileprivate var meterName: String {
        switch self {
        case .input: "Input Tokens"
        case .cachedInput: "Cached Input Tokens"
        case .cacheWrite5m: "Cache Write Tokens"
        case .cacheWrite1h: "Cache Write 1h Tokens"
        case .output: "Output Tokens"
        case .reasoning: "Reasoning Tokens"
        case .audioInput: "Audio Input Tokens"
        case .audioOutput: "Audio Output Tokens"
        case .imageInput: "Image Input Tokens"
        }
    }
}
