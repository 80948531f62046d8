/// One row of a FOCUS export: what one meter of a model at a backend cost one class and tenant in one hour.
package struct FocusCharge: Sendable {
    package enum Meter: Hashable, Sendable {
        case tokens(TokenClass)
        case request
        /// Hardware of one's own at work, and what of it nobody used.
        case capacity, idle
        /// What was found to be wrong about earlier hours.
        case correction
        /// Calls whose cost is an interval: in no sum, their bounds stand beside.
        case doubt
    }

    package struct Key: Hashable, Sendable {
        package var hour: Timestamp
        package var backend: String
        package var model: String
        package var meter: Meter
        package var trafficClass: String
        package var tenant: String
        package var currency: String
        /// `default` for every word that means it. Prices of one meter that differ stand in rows of their own.
        package var tier: String
        package var price: UnitPrice?
    }

    package let key: Key
    package var quantity: Int128 = 0
    package var cost = MoneySum.zero
    package var costLow = MoneySum.zero
    package var costHigh = MoneySum.zero
    package var baseline = MoneySum.zero
    package var waste = MoneySum.zero
    package var requests = 0
    /// The newest of the hour.
    package var policy = ""

    fileprivate init(_ key: Key) {
        self.key = key
    }

    /// What is an interval counts as waste at its high end, as in a report.
    fileprivate mutating func addBounds(of end: LedgerEntry.Settlement, isWaste: Bool) {
        let high = end.costHigh ?? end.cost ?? .zero
        self.costLow += end.costLow ?? end.cost ?? .zero
        self.costHigh += high
        self.baseline += end.baseline ?? .zero
        if isWaste { self.waste += high }
    }
}

/// The charges of one hour, added up entry by entry.
package struct FocusHour: Sendable {
    private let hour: Timestamp
    private var charges: [FocusCharge.Key: FocusCharge] = [:]
    /// Calls without a price, which are in no row.
    package private(set) var unpriced = 0

    package init(_ hour: Timestamp) {
        self.hour = hour
    }

    package mutating func add(_ entry: LedgerEntry) {
        guard let end = entry.settlement, let target = entry.target else { return }
        var key = FocusCharge.Key(
            hour: self.hour, backend: target.backend, model: target.backendModel, meter: .doubt, trafficClass: entry.subject?.trafficClass ?? "",
            tenant: entry.subject?.tenant ?? "", currency: entry.subject?.currency ?? entry.currency ?? "", tier: LedgerBill.tier(end.tierServed))
        switch entry.kind {
        case .intent: return
        case .capacity:
            key.meter = .idle
            self.add(key, entry) { $0.cost += end.cost ?? .zero }
        case .correction:
            key.meter = .correction
            self.add(key, entry) {
                $0.cost += end.cost ?? .zero
                $0.addBounds(of: end, isWaste: entry.before?.isWaste ?? false)
            }
        case .settled, .waste, .inDoubt:
            if let cost = end.cost {
                self.add(end.parts(of: cost), key, entry)
            } else if end.evidence == .unpriced {
                self.unpriced += 1
            } else {
                self.add(key, entry) { $0.addBounds(of: end, isWaste: true) }
            }
        }
    }

    private mutating func add(_ parts: [MeteredPart], _ common: FocusCharge.Key, _ entry: LedgerEntry) {
        for (index, part) in parts.enumerated() {
            var key = common
            key.price = part.price
            switch part.meter {
            case .tokens(let tokenClass): key.meter = .tokens(tokenClass)
            case .request: key.meter = .request
            case .capacity: key.meter = .capacity
            }
            self.add(key, entry) { charge in
                charge.quantity += part.quantity
                charge.cost += part.amount
                charge.costLow += part.amount
                charge.costHigh += part.amount
                if entry.kind == .waste { charge.waste += part.amount }
                // A request has one baseline, whatever meters it used.
                if index == 0 { charge.baseline += entry.settlement?.baseline ?? .zero }
            }
        }
    }

    private mutating func add(_ key: FocusCharge.Key, _ entry: LedgerEntry, _ change: (inout FocusCharge) -> Void) {
        var charge = self.charges[key] ?? FocusCharge(key)
        change(&charge)
        if entry.kind.isEnd { charge.requests += 1 }
        charge.policy = entry.subject?.policy ?? charge.policy
        self.charges[key] = charge
    }

    /// By backend, model, meter, class and tenant.
    package var rows: [FocusCharge] {
        self.charges.values.sorted { a, b in
            let (x, y) = (a.key, b.key)
            let (p, q) = ((x.backend, x.model, x.meter.order, x.trafficClass), (y.backend, y.model, y.meter.order, y.trafficClass))
            if p != q { return p < q }
            return (x.tenant, x.tier, x.price?.value ?? 0) < (y.tenant, y.tier, y.price?.value ?? 0)
        }
    }
}

extension FocusCharge.Meter {
    fileprivate var order: Int {
        switch self {
        case .tokens(let tokenClass): tokenClass.rawValue
        case .request: 20
        case .capacity: 21
        case .idle: 22
        case .correction: 23
        case .doubt: 24
        }
    }
}
