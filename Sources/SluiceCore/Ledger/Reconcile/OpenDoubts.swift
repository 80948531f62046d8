/// Calls whose cost is an interval, and what a provider's bill makes of them (`promises.md` P5).
///
/// A bill tells no calls apart, so all that are open on a day of one model share what it has beyond what is certain; where there is one, it gets it.
package struct OpenDoubts: Sendable {
    /// What a call in doubt cost after all.
    package struct Closing: Hashable, Sendable {
        package var seq: Int64
        package var cost: Money
        /// Whether others share the sum, so that only all of them together are the provider's figure.
        package var isShared: Bool

        package init(seq: Int64, cost: Money, isShared: Bool) {
            self.seq = seq
            self.cost = cost
            self.isShared = isShared
        }
    }

    private struct Call {
        var seq: Int64
        var low: Money
        var high: Money
    }

    private var open: [LedgerBill.Day: [Call]] = [:]
    private var days: [Int64: LedgerBill.Day] = [:]
    /// What was closed before.
    private var closed: [LedgerBill.Day: MoneySum] = [:]

    init() {}

    mutating func add(_ entry: LedgerEntry, seq: Int64, on day: LedgerBill.Day) {
        guard let doubt = entry.doubt else { return }
        self.open[day, default: []].append(Call(seq: seq, low: doubt.low, high: doubt.high))
        self.days[seq] = day
    }

    mutating func close(_ correction: LedgerEntry) {
        guard let seq = correction.corrects, let day = self.days[seq], let cost = correction.settlement?.cost else { return }
        self.open[day]?.removeAll { $0.seq == seq }
        self.closed[day, default: .zero] += MoneySum(cost)
    }

    func calls(on day: LedgerBill.Day) -> Int { self.open[day]?.count ?? 0 }

    package var calls: Int { self.open.values.reduce(0) { $0 + $1.count } }
    package var low: MoneySum { self.open.values.joined().reduce(into: .zero) { $0 += MoneySum($1.low) } }
    package var high: MoneySum { self.open.values.joined().reduce(into: .zero) { $0 += MoneySum($1.high) } }

    /// - Parameter billed: What a bill has for the calls in doubt of a day, those that were closed before included; nil where it does not tell.
    func closings(_ billed: (LedgerBill.Day) -> MoneySum?) -> [Closing] {
        self.open.flatMap { day, calls -> [Closing] in
            guard let sum = billed(day) else { return [] }
            return OpenDoubts.share(sum - (self.closed[day] ?? .zero), among: calls)
        }.sorted { $0.seq < $1.seq }
    }

    /// In proportion to the width of their intervals, each within its own, and all together exactly; none where the sum is not within theirs.
    private static func share(_ sum: MoneySum, among calls: [Call]) -> [Closing] {
        let low = calls.reduce(into: MoneySum.zero) { $0 += MoneySum($1.low) }
        let width = calls.reduce(into: MoneySum.zero) { $0 += MoneySum($1.high) } - low
        var left = (sum - low).pico
        guard left >= 0, left <= width.pico else { return [] }
        var widthLeft = width.pico
        return calls.map { call in
            let own = Int128(call.high.pico) - Int128(call.low.pico)
            // What is left is shared among those that are left, so that the last takes the rest.
            let part = widthLeft == 0 ? 0 : min(own, (left * own).dividedHalfEven(by: widthLeft))
            left -= part
            widthLeft -= own
            return Closing(seq: call.seq, cost: Money(pico: call.low.pico + Int64(part)), isShared: calls.count > 1)
        }
    }
}

extension LedgerEntry {
    /// The bounds of an end of an attempt whose cost is not known; nil where it is known, or where there is no price.
    package var doubt: (low: Money, high: Money)? {
        guard self.kind.isEnd, let end = self.settlement, end.cost == nil, end.evidence != .unpriced, let high = end.costHigh else { return nil }
        return (end.costLow ?? .zero, high)
    }

    /// The correction that gives an entry in doubt its cost; nil where that is not within its bounds.
    package func closed(_ closing: OpenDoubts.Closing, at now: Timestamp) -> LedgerEntry? {
        guard let doubt, let end = self.settlement, doubt.low <= closing.cost, closing.cost <= doubt.high else { return nil }
        var correction = LedgerEntry(kind: .correction, at: now, subject: self.subject, attempt: self.attempt, target: self.target, estimate: nil)
        correction.corrects = closing.seq
        correction.before = LedgerEntry.Standing(kind: self.kind, at: self.at, evidence: end.evidence)
        var difference = LedgerEntry.Settlement(outcome: end.outcome, status: nil, evidence: closing.isShared ? .estimated : .providerReported)
        difference.cost = closing.cost
        difference.costLow = closing.cost - doubt.low
        difference.costHigh = closing.cost - doubt.high
        correction.settlement = difference
        return correction
    }
}
