/// What the ledger says that a provider will bill: the sums that a bill is held against.
package struct LedgerBill: Sendable {
    package struct Key: Hashable, Comparable, Sendable {
        package var day: String
        package var model: String
        package var meter: InvoiceLine.Meter

        package static func < (a: Key, b: Key) -> Bool { (a.day, a.model, a.meter) < (b.day, b.model, b.meter) }
    }

    /// What stands under one key in one service tier.
    package struct Sum: Sendable {
        package var quantity: Int128 = 0
        package var amount = MoneySum.zero
        /// Every price that was used, with what it was used for.
        package var prices: [UnitPrice: Int128] = [:]
        /// The most picodollars by which the rounding of our rows may have moved ``amount``: a bill rounds once.
        package var rounding: Int128 = 0

        package static func += (a: inout Sum, b: Sum) {
            a.quantity += b.quantity
            a.amount += b.amount
            a.rounding += b.rounding
            a.prices.merge(b.prices) { $0 + $1 }
            a.prices = a.prices.filter { $0.value != 0 }
        }
    }

    /// A day of one model.
    package struct Day: Hashable, Sendable {
        package var day: String
        package var model: String
    }

    /// Calls whose end is not certain: what they may have cost.
    package struct Doubt: Sendable {
        package var low = MoneySum.zero
        package var high = MoneySum.zero
        /// Of ``high``, what belongs to attempts that nobody saw.
        package var waste = MoneySum.zero

        fileprivate mutating func add(_ low: Money, _ high: Money, isWaste: Bool) {
            self.low += low
            self.high += high
            if isWaste { self.waste += high }
        }
    }

    /// By service tier; `default` for all words that mean it.
    package private(set) var sums: [Key: [String: Sum]] = [:]
    package private(set) var doubts: [Day: Doubt] = [:]
    package private(set) var requests: [Day: Int] = [:]
    package private(set) var unpriced = 0
    package private(set) var models: Set<String> = []
    package private(set) var currency: String?
    /// Calls in doubt, one by one.
    package private(set) var open = OpenDoubts()
    private let backends: Set<String>

    package init(backends: Set<String>) {
        self.backends = backends
    }

    /// All that is certain.
    package var total: MoneySum {
        self.sums.values.reduce(into: .zero) { total, tiers in for sum in tiers.values { total += sum.amount } }
    }

    package static func tier(_ name: String?) -> String {
        switch name?.lowercased() {
        case nil, "", "default", "standard", "auto", "on_demand": "default"
        case let other?: other
        }
    }

    package mutating func add(_ entry: LedgerEntry, seq: Int64 = 0) {
        guard let target = entry.target, let end = entry.settlement, let subject = entry.subject, self.backends.contains(target.backend) else { return }
        let day = Day(day: String(entry.at.description.prefix(10)), model: target.backendModel)
        switch entry.kind {
        case .intent, .capacity: return
        case .correction:
            guard let before = entry.before else { return }
            if before.isDoubt { self.close(entry, before, end, target) } else { self.correct(before, end, target) }
        case .settled, .waste, .inDoubt:
            self.models.insert(target.backendModel)
            self.currency = subject.currency
            if end.outcome != .notSent { self.requests[day, default: 0] += 1 }
            if let cost = end.cost {
                self.add(end.parts(of: cost), end.tierServed, day)
            } else if end.usage != nil, end.evidence == .unpriced {
                self.unpriced += 1
            } else if let (low, high) = entry.doubt {
                self.doubts[day, default: Doubt()].add(low, high, isWaste: entry.kind != .settled)
                self.open.add(entry, seq: seq, on: day)
            }
        }
    }

    /// What a call in doubt cost is known now: its interval closes, on its own day.
    private mutating func close(
        _ correction: LedgerEntry, _ before: LedgerEntry.Standing, _ end: LedgerEntry.Settlement, _ target: LedgerEntry.Target
    ) {
        let day = Day(day: String(before.at.description.prefix(10)), model: target.backendModel)
        self.doubts[day, default: Doubt()].add(end.costLow ?? .zero, end.costHigh ?? .zero, isWaste: before.kind != .settled)
        self.open.close(correction)
    }

    /// The corrected entry stays on its day, and gets the price that it should have had.
    private mutating func correct(_ before: LedgerEntry.Standing, _ end: LedgerEntry.Settlement, _ target: LedgerEntry.Target) {
        guard let usage = before.usage, let difference = end.cost else { return }
        let day = Day(day: String(before.at.description.prefix(10)), model: target.backendModel)
        if let cost = before.cost {
            var old = LedgerEntry.Settlement(outcome: end.outcome, status: nil, evidence: before.evidence)
            old.unitPrices = before.unitPrices
            old.perRequest = before.perRequest
            self.add(old.parts(of: cost, counted: usage), end.tierServed, day, sign: -1)
        } else {
            self.unpriced -= 1
        }
        self.add(end.parts(of: (before.cost ?? .zero) + difference, counted: usage), end.tierServed, day)
    }

    private mutating func add(_ parts: [MeteredPart], _ tier: String?, _ day: Day, sign: Int128 = 1) {
        let tier = LedgerBill.tier(tier)
        let rounded = parts.count { $0.price.map { $0.value % UnitPrice.perPico != 0 } ?? false }
        for part in parts {
            let meter: InvoiceLine.Meter =
                switch part.meter {
                case .tokens(let tokenClass): InvoiceLine.Meter(tokenClass)
                case .request: .fee
                case .capacity: .whole
                }
            var sum = Sum(quantity: part.quantity * sign, amount: MoneySum(pico: part.amount.pico * sign))
            sum.rounding = Int128(rounded)
            if let price = part.price, case .tokens = part.meter { sum.prices = [price: part.quantity * sign] }
            let key = Key(day: day.day, model: day.model, meter: meter)
            self.sums[key, default: [:]][tier, default: Sum()] += sum
        }
    }
}
