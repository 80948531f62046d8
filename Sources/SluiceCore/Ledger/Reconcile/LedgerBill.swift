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

        package static func += (a: inout Sum, b: Sum) {
            a.quantity += b.quantity
            a.amount += b.amount
            a.prices.merge(b.prices) { $0 + $1 }
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
    }

    /// By service tier; `default` for all words that mean it.
    package private(set) var sums: [Key: [String: Sum]] = [:]
    package private(set) var doubts: [Day: Doubt] = [:]
    package private(set) var requests: [Day: Int] = [:]
    package private(set) var unpriced = 0
    package private(set) var models: Set<String> = []
    package private(set) var currency: String?
    private let backends: Set<String>
    /// Counted tokens that had no price when they were booked: a correction may bring one.
    private var waiting: [Int64: (usage: TokenUsage, tier: String?)] = [:]

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

    package mutating func add(_ entry: LedgerEntry, seq: Int64) {
        guard let target = entry.target, let end = entry.settlement, let subject = entry.subject, self.backends.contains(target.backend) else { return }
        let day = Day(day: String(entry.at.description.prefix(10)), model: target.backendModel)
        switch entry.kind {
        case .intent, .capacity: return
        case .correction:
            guard let corrects = entry.corrects, let known = self.waiting.removeValue(forKey: corrects), let cost = end.cost else { return }
            self.unpriced -= 1
            self.add(known.usage, known.tier, cost, end, day)
        case .settled, .waste, .inDoubt:
            self.models.insert(target.backendModel)
            self.currency = subject.currency
            if end.outcome != .notSent { self.requests[day, default: 0] += 1 }
            if let cost = end.cost {
                if let usage = end.usage { self.add(usage, end.tierServed, cost, end, day) }
            } else if let usage = end.usage, end.evidence == .unpriced {
                self.unpriced += 1
                self.waiting[seq] = (usage, end.tierServed)
            } else if let high = end.costHigh {
                var doubt = self.doubts[day] ?? Doubt()
                if let low = end.costLow { doubt.low += low }
                doubt.high += high
                if entry.kind != .settled { doubt.waste += high }
                self.doubts[day] = doubt
            }
        }
    }

    private mutating func add(_ usage: TokenUsage, _ tier: String?, _ cost: Money, _ end: LedgerEntry.Settlement, _ day: Day) {
        let tier = LedgerBill.tier(tier)
        for part in end.parts(of: cost, counted: usage) {
            let meter: InvoiceLine.Meter =
                switch part.meter {
                case .tokens(let tokenClass): InvoiceLine.Meter(tokenClass)
                case .request: .fee
                case .capacity: .whole
                }
            var sum = Sum(quantity: part.quantity, amount: part.amount)
            if let price = part.price, case .tokens = part.meter { sum.prices = [price: part.quantity] }
            self.sums[Key(day: day.day, model: day.model, meter: meter), default: [:]][tier, default: Sum()] += sum
        }
    }
}
