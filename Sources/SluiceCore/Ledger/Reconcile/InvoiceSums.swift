/// A bill's lines added up under the keys of the ledger's sums.
struct InvoiceSums {
    struct Sum {
        /// nil where the bill has no counts.
        var quantity: Int128?
        /// nil where the bill has no amounts.
        var amount: MoneySum?
        /// What the counts cost at the prices that the bill names; nil where it names none.
        var named: MoneySum?
        var lines = 0
    }

    /// By service tier; nil where the bill tells none.
    private(set) var sums: [LedgerBill.Key: [String?: Sum]] = [:]
    private(set) var requests: [LedgerBill.Day: Int] = [:]
    /// Days that the bill does not split by kind of token.
    private(set) var undivided: Set<LedgerBill.Day> = []

    init(_ invoice: Invoice, models: Set<String>) {
        let names = ModelNames(models)
        let lines = invoice.lines.map { line in
            var line = line
            line.model = names.ledgerName(of: line.model)
            return line
        }
        self.undivided = Set(lines.filter { $0.meter == .whole && $0.amount != nil }.map { LedgerBill.Day(day: $0.day, model: $0.model) })
        // Some providers print counts and costs in separate exports: counts beside amounts are used only where amounts have none.
        for line in lines where line.amount != nil { self.add(line) }
        let counted = Set(self.sums.filter { $0.value.values.contains { $0.quantity != nil } }.map(\.key))
        for line in lines where line.amount == nil { self.addCounts(line, counted) }
        for line in lines { self.requests[LedgerBill.Day(day: line.day, model: line.model), default: 0] += line.requests ?? 0 }
        self.requests = self.requests.filter { $0.value > 0 }
    }

    private mutating func add(_ line: InvoiceLine) {
        let tier = line.tier.map { LedgerBill.tier($0) }
        var sum = self.sums[self.key(of: line)]?[tier] ?? Sum()
        sum.lines += 1
        sum.amount = (sum.amount ?? .zero) + (line.amount ?? .zero)
        if let quantity = line.quantity {
            sum.quantity = (sum.quantity ?? 0) + quantity
            if let price = line.unitPrice {
                sum.named = (sum.named ?? .zero) + MoneySum(pico: (quantity * price.value).dividedHalfEven(by: UnitPrice.perPico))
            }
        }
        self.sums[self.key(of: line), default: [:]][tier] = sum
    }

    private mutating func addCounts(_ line: InvoiceLine, _ counted: Set<LedgerBill.Key>) {
        let key = self.key(of: line)
        guard let quantity = line.quantity, !counted.contains(key), !self.undivided.contains(LedgerBill.Day(day: line.day, model: line.model)) else { return }
        var tiers = self.sums[key] ?? [:]
        let tier = line.tier.map { LedgerBill.tier($0) }
        let place = tiers[tier] != nil ? tier : tiers.count == 1 ? tiers.keys.first ?? tier : tier
        var sum = tiers[place] ?? Sum()
        sum.quantity = (sum.quantity ?? 0) + quantity
        tiers[place] = sum
        self.sums[key] = tiers
    }

    private func key(of line: InvoiceLine) -> LedgerBill.Key {
        let isWhole = self.undivided.contains(LedgerBill.Day(day: line.day, model: line.model))
        return LedgerBill.Key(day: line.day, model: line.model, meter: isWhole ? .whole : line.meter)
    }
}

/// Finds the ledger's name of a model that a bill calls a little differently.
private struct ModelNames {
    private let names: Set<String>
    private let folded: [String: String]

    init(_ names: Set<String>) {
        self.names = names
        self.folded = Dictionary(names.sorted().map { (ModelNames.fold($0), $0) }) { first, _ in first }
    }

    func ledgerName(of model: String) -> String {
        if self.names.contains(model) { return model }
        let tail = model.split(separator: "/").last.map(String.init) ?? model
        for candidate in [model, tail, PriceBook.undated(tail)] { if let name = self.folded[ModelNames.fold(candidate)] { return name } }
        // The ledger may have sent a dated name.
        return self.names.sorted().first { ModelNames.fold(PriceBook.undated($0)) == ModelNames.fold(tail) } ?? model
    }

    private static func fold(_ name: String) -> String {
        name.lowercased().split { $0 == " " || $0 == "_" || $0 == "-" }.joined(separator: "-")
    }
}
