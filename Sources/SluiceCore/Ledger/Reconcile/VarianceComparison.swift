/// The comparison of a bill and the ledger, key by key.
struct VarianceComparison {
    /// A surplus or lack of counts that is not explained yet: which cause it has shows only beside the day's other meters.
    private struct Count {
        var row: LedgerBill.Key
        var share: Double
        var amount: MoneySum
    }

    /// 2⁻⁵² as one in so many, and a little.
    private static let doublePrecision: Int128 = 4_000_000_000_000_000

    let invoice: InvoiceSums
    private(set) var ledger: [LedgerBill.Key: [String: LedgerBill.Sum]] = [:]
    /// What calls in doubt explain of the bill: as what nobody saw, and as counts that were not certain.
    private(set) var explained: [LedgerBill.Day: (waste: MoneySum, counts: MoneySum)] = [:]
    private let bill: LedgerBill
    /// The most that a line of the bill is off by when its amount is rounded.
    private let penny: MoneySum
    private var doubts: [LedgerBill.Day: LedgerBill.Doubt]
    private var counts: [LedgerBill.Day: [Count]] = [:]

    init(_ invoice: Invoice, _ bill: LedgerBill) {
        self.bill = bill
        self.invoice = InvoiceSums(invoice, models: bill.models)
        self.doubts = bill.doubts
        self.penny = MoneySum(pico: (0..<(12 - invoice.decimals)).reduce(1) { power, _ in power * 10 })
        for (key, tiers) in bill.sums {
            let isWhole = self.invoice.undivided.contains(LedgerBill.Day(day: key.day, model: key.model))
            let key = isWhole ? LedgerBill.Key(day: key.day, model: key.model, meter: .whole) : key
            for (tier, sum) in tiers { self.ledger[key, default: [:]][tier, default: LedgerBill.Sum()] += sum }
        }
    }

    mutating func row(_ key: LedgerBill.Key) -> Reconciliation.Row {
        let mine = self.ledger[key] ?? [:]
        let theirs = self.invoice.sums[key] ?? [:]
        let total = mine.values.reduce(into: LedgerBill.Sum()) { $0 += $1 }
        var row = Reconciliation.Row(key: key, ledger: total.amount, invoice: .zero, parts: [:])
        row.ledgerQuantity = mine.isEmpty ? nil : total.quantity
        let counts = theirs.values.compactMap(\.quantity)
        row.invoiceQuantity = counts.isEmpty ? nil : counts.reduce(0, +)
        row.invoice = theirs.values.reduce(into: .zero) { $0 += self.amount(of: $1, at: total) }
        guard !theirs.isEmpty else {
            row.parts[.notInvoiced] = .zero - total.amount
            return row
        }
        guard !mine.isEmpty else {
            self.addCount(row.invoice, share: .infinity, to: &row, otherwise: .trafficNotSeen)
            return row
        }
        if let undivided = theirs[nil] {
            // A bill that tells no tiers is compared with all of them together.
            let all = theirs.values.reduce(into: InvoiceSums.Sum()) { $0.add($1) }
            self.compare(theirs.count == 1 ? undivided : all, with: total, in: &row)
        } else {
            self.compareTiers(theirs.reduce(into: [:]) { $0[$1.key ?? "default"] = $1.value }, with: mine, in: &row)
        }
        return row
    }

    /// What the bill says, or what its counts cost at our price where it has counts alone.
    private func amount(of sum: InvoiceSums.Sum, at mine: LedgerBill.Sum) -> MoneySum {
        sum.amount ?? mine.amount + mine.cost(of: (sum.quantity ?? mine.quantity) - mine.quantity)
    }

    // MARK: Tiers

    private mutating func compareTiers(_ theirs: [String: InvoiceSums.Sum], with mine: [String: LedgerBill.Sum], in row: inout Reconciliation.Row) {
        var mine = mine
        for tier in theirs.keys.sorted() {
            guard let sum = theirs[tier], let quantity = sum.quantity else {
                if mine[tier] == nil { self.moveAmount(theirs[tier]?.amount ?? .zero, from: &mine, lacking: theirs, in: &row) }
                continue
            }
            let (moved, worth) = VarianceComparison.take(quantity - (mine[tier]?.quantity ?? 0), from: &mine, lacking: theirs)
            if var own = mine[tier] {
                // What was moved here is held against the price of its new tier.
                let billed = own.cost(of: moved)
                row.parts[.tierDrift, default: .zero] += billed - worth
                own.quantity += moved
                own.amount += billed
                mine[tier] = own
                continue
            }
            let billed = self.amount(of: sum, at: LedgerBill.Sum())
            let share = moved == quantity ? billed : MoneySum(pico: (billed.pico * moved).dividedHalfEven(by: max(1, quantity)))
            row.parts[.tierDrift, default: .zero] += share - worth
            if billed != share { self.addCount(billed - share, share: 1, to: &row, otherwise: .trafficNotSeen) }
        }
        for tier in mine.keys.sorted() {
            guard let own = mine[tier], own.quantity != 0 || own.amount != .zero || theirs[tier] != nil else { continue }
            if let sum = theirs[tier] {
                self.compare(sum, with: own, in: &row)
            } else {
                row.parts[.notInvoiced, default: .zero] += .zero - own.amount
            }
        }
    }

    /// Without counts: what the other tiers lack on the bill is what it has in one that the ledger does not know.
    private mutating func moveAmount(
        _ amount: MoneySum, from mine: inout [String: LedgerBill.Sum], lacking theirs: [String: InvoiceSums.Sum], in row: inout Reconciliation.Row
    ) {
        var worth = MoneySum.zero
        for tier in mine.keys.sorted() where theirs[tier]?.quantity == nil {
            guard var own = mine[tier] else { continue }
            let billed = theirs[tier]?.amount ?? .zero
            guard billed < own.amount else { continue }
            worth += own.amount - billed
            own.amount = billed
            if theirs[tier] == nil { own.quantity = 0 }
            mine[tier] = own
        }
        if worth == .zero {
            self.addCount(amount, share: 1, to: &row, otherwise: .trafficNotSeen)
        } else {
            row.parts[.tierDrift, default: .zero] += amount - worth
        }
    }

    /// Takes counts out of the tiers of the ledger of which the bill has too little.
    private static func take(
        _ wanted: Int128, from mine: inout [String: LedgerBill.Sum], lacking theirs: [String: InvoiceSums.Sum]
    ) -> (moved: Int128, worth: MoneySum) {
        var moved: Int128 = 0
        var worth = MoneySum.zero
        for tier in mine.keys.sorted() where moved < wanted {
            guard var own = mine[tier] else { continue }
            let free = own.quantity - (theirs[tier]?.quantity ?? 0)
            let count = min(wanted - moved, free)
            guard count > 0 else { continue }
            let amount = count == own.quantity ? own.amount : own.cost(of: count)
            own.quantity -= count
            own.amount = own.amount - amount
            mine[tier] = own
            moved += count
            worth += amount
        }
        return (moved, worth)
    }

    // MARK: Counts, prices, pennies

    private mutating func compare(_ sum: InvoiceSums.Sum, with mine: LedgerBill.Sum, in row: inout Reconciliation.Row) {
        let difference = self.amount(of: sum, at: mine) - mine.amount
        guard let quantity = sum.quantity else { return self.guess(difference, sum, mine, in: &row) }
        let surplus = quantity - mine.quantity
        let counted = mine.cost(of: surplus)
        if surplus != 0 { self.addCount(counted, share: Double(surplus) / Double(max(1, mine.quantity)), to: &row, otherwise: .countDrift) }
        var rest = difference - counted
        if let named = sum.named {
            let prices = named - mine.amount - counted
            // A price that is printed with all its digits tells drift from pennies.
            if prices.pico.magnitude > 1 {
                row.parts[.priceDrift, default: .zero] += prices
                rest = rest - prices
            }
        }
        guard rest != .zero else { return }
        row.parts[self.isPenny(rest, of: sum, mine) ? .rounding : .priceDrift, default: .zero] += rest
    }

    /// Less than a unit of the last decimal for each line, what our own rows were rounded by, or what binary floating point makes of an amount.
    private func isPenny(_ amount: MoneySum, of sum: InvoiceSums.Sum, _ mine: LedgerBill.Sum) -> Bool {
        let most = max(self.penny.pico - 1, 1) * Int128(max(1, sum.lines)) + mine.rounding
        return Int128(amount.pico.magnitude) <= max(most, Int128((sum.amount ?? .zero).pico.magnitude) / VarianceComparison.doublePrecision)
    }

    /// A bill without counts: what is off is a price where our counts make a round one of it, a count where our price does.
    private mutating func guess(_ difference: MoneySum, _ sum: InvoiceSums.Sum, _ mine: LedgerBill.Sum, in row: inout Reconciliation.Row) {
        guard difference != .zero else { return }
        if self.isPenny(difference, of: sum, mine) {
            row.parts[.rounding, default: .zero] += difference
        } else if row.key.meter == .whole {
            self.guessWhole(difference, in: &row)
        } else if let price = mine.onlyPrice, price.value % UnitPrice.perPico == 0, mine.quantity > 0 {
            let pico = price.value / UnitPrice.perPico
            let billed = (mine.amount + difference).pico
            if billed % mine.quantity == 0 {
                row.parts[.priceDrift, default: .zero] += difference
            } else if pico > 0, billed % pico == 0 {
                self.addCount(difference, share: Double(difference.pico) / Double(max(1, mine.amount.pico)), to: &row, otherwise: .countDrift)
            } else {
                row.parts[.unexplained, default: .zero] += difference
            }
        } else {
            row.parts[.unexplained, default: .zero] += difference
        }
    }

    /// A bill that tells no kinds of tokens: calls in doubt explain a surplus first, unless there are more requests than ours on it, or it has none of them.
    private mutating func guessWhole(_ difference: MoneySum, in row: inout Reconciliation.Row) {
        let day = LedgerBill.Day(day: row.key.day, model: row.key.model)
        let cause = self.causeByRequests(on: day)
        let isOurs = cause == nil || (self.invoice.requests[day] ?? 0) > (self.bill.requests[day] ?? 0) - self.bill.open.calls(on: day)
        if isOurs, cause != .trafficNotSeen {
            self.addCount(difference, share: 1, to: &row, otherwise: cause ?? .unexplained)
        } else {
            row.parts[cause ?? .unexplained, default: .zero] += difference
        }
    }

    /// A surplus is ours where a call of which nothing is certain may have caused it.
    private mutating func addCount(_ amount: MoneySum, share: Double, to row: inout Reconciliation.Row, otherwise cause: VarianceCause) {
        let day = LedgerBill.Day(day: row.key.day, model: row.key.model)
        if amount > .zero, var doubt = self.doubts[day], amount <= doubt.high {
            let isWaste = amount <= doubt.waste
            doubt.high = doubt.high - amount
            if isWaste {
                doubt.waste = doubt.waste - amount
                self.explained[day, default: (.zero, .zero)].waste += amount
            } else {
                self.explained[day, default: (.zero, .zero)].counts += amount
            }
            self.doubts[day] = doubt
            row.parts[isWaste ? .waste : .countDrift, default: .zero] += amount
            return
        }
        row.parts[cause, default: .zero] += amount
        if cause == .countDrift { self.counts[day, default: []].append(Count(row: row.key, share: share, amount: amount)) }
    }

    /// Tells whole requests that one side never had from counts that drift: by the number of requests where the bill has it, else by whether
    /// prompt and answer are off in the same direction and by different shares.
    func nameCounts(in rows: inout [Reconciliation.Row]) {
        for (day, counts) in self.counts {
            guard let cause = self.cause(of: counts, on: day) else { continue }
            for count in counts {
                guard let index = rows.firstIndex(where: { $0.key == count.row }) else { continue }
                let rest = (rows[index].parts[.countDrift] ?? .zero) - count.amount
                rows[index].parts[.countDrift] = rest == .zero ? nil : rest
                rows[index].parts[cause, default: .zero] += count.amount
            }
        }
    }

    /// nil where the bill has no number of requests; a price where it is ours.
    private func causeByRequests(on day: LedgerBill.Day) -> VarianceCause? {
        guard let theirs = self.invoice.requests[day], let mine = self.bill.requests[day] else { return nil }
        return theirs > mine ? .trafficNotSeen : theirs < mine ? .notInvoiced : .priceDrift
    }

    private func cause(of counts: [Count], on day: LedgerBill.Day) -> VarianceCause? {
        if let cause = self.causeByRequests(on: day) { return cause == .priceDrift ? nil : cause }
        let meters = Set(counts.map(\.row.meter))
        let isUp = counts.allSatisfy { $0.share > 0 }
        guard isUp || counts.allSatisfy({ $0.share < 0 }), meters.contains(.output), meters.contains(InvoiceLine.Meter(.input)) else { return nil }
        let shares = counts.map { abs($0.share) }.sorted()
        guard let least = shares.first, let most = shares.last, most > least * 1.05 + 1e-6 else { return nil }
        return isUp ? .trafficNotSeen : .notInvoiced
    }
}

extension LedgerBill.Sum {
    /// nil where several prices were in force.
    fileprivate var onlyPrice: UnitPrice? { self.prices.count == 1 ? self.prices.keys.first : nil }

    /// What so many more would cost: at the price that was in force, at the mean of several.
    fileprivate func cost(of count: Int128) -> MoneySum {
        if let price = self.onlyPrice { return MoneySum(pico: (count * price.value).dividedHalfEven(by: UnitPrice.perPico)) }
        guard self.quantity > 0 else { return .zero }
        return MoneySum(pico: (count * self.amount.pico).dividedHalfEven(by: self.quantity))
    }
}

extension InvoiceSums.Sum {
    fileprivate mutating func add(_ other: InvoiceSums.Sum) {
        if let quantity = other.quantity { self.quantity = (self.quantity ?? 0) + quantity }
        if let amount = other.amount { self.amount = (self.amount ?? .zero) + amount }
        if let named = other.named { self.named = (self.named ?? .zero) + named }
        self.lines += other.lines
    }
}
