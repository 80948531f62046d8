/// Hardware of one's own against what the same tokens would have cost at the baseline, month by month.
package struct Payback: Sendable {
    package struct Month: Sendable {
        package var month: String
        /// All that it cost: requests, calls in doubt at their high end, idle time.
        package var owned: MoneySum
        /// nil where requests were served and none of them has a baseline: nobody knows what they would have cost.
        package var baseline: MoneySum?
        package var marginal: MoneySum
        package var paid: Duration
        package var busy: Duration

        package var saved: MoneySum? { self.baseline.map { $0 - self.owned } }
    }

    package struct Node: Sendable {
        package var backend: String
        package var months: [Month]
        /// What must be earned: the purchase less what it is worth at the end, nothing where it is rented; nil where no policy tells.
        package var purchase: MoneySum?
        /// The month in which it has paid for itself, past or expected; nil where it never will at this rate, or nobody knows what it cost to buy or would
        /// have cost elsewhere.
        package var breakEven: String?
    }

    package private(set) var nodes: [Node] = []

    /// - Parameter policy: Says what was paid for the hardware, which is what must be earned.
    package init(of ledger: some Ledger, policy: PolicySet?, currency: String, at now: Timestamp) throws(StoreError) {
        var nodes: [String: [String: RollupMeasures]] = [:]
        for (key, measures) in try ledger.rollups(since: nil, until: nil, by: [.currency, .backend, .month]) {
            guard key[0] == currency, let backend = key[1], let month = key[2] else { continue }
            nodes[backend, default: [:]][month, default: RollupMeasures()] += measures
        }
        self.nodes = nodes.sorted { $0.key < $1.key }.compactMap { backend, months in
            guard months.values.contains(where: { $0.ownEnds > 0 || $0.paidMilliseconds > 0 }) else { return nil }
            let rows = months.sorted { $0.key < $1.key }.map { Month(month: $0.key, $0.value) }
            let node = policy?.backend(named: backend).flatMap { $0.owned != nil || $0.rented != nil ? $0 : nil }
            return Node(
                backend: backend, months: rows, purchase: node.map { Payback.purchase($0.owned) },
                breakEven: node.flatMap { Payback.breakEven(rows, $0.owned, at: now) })
        }
    }

    private static func purchase(_ owned: Backend.Owned?) -> MoneySum {
        owned.map { MoneySum(pico: Int128($0.capex.pico) * Int128($0.residual.complement.millionths) / 1_000_000) } ?? .zero
    }

    /// When what was not paid to the baseline has covered the purchase; running costs go off first.
    ///
    /// Where it is rented, when it has covered all costs so far. A month that is to come is told from the mean of the time that was booked.
    private static func breakEven(_ months: [Month], _ owned: Backend.Owned?, at now: Timestamp) -> String? {
        let purchase = Payback.purchase(owned)
        let monthlyWriteOff = owned.map { MoneySum(pico: purchase.pico / Int128(max(1, $0.lifeMonths))) } ?? .zero
        var earned = MoneySum.zero
        var paid = Duration.zero
        for month in months {
            // What was written off was not paid in that month.
            let writtenOff = MoneySum(pico: monthlyWriteOff.pico * Int128(month.paid.milliseconds) / (730 * 3_600_000))
            guard let saved = month.saved else { return nil }
            earned += saved + writtenOff
            paid += month.paid
            if paid > .zero, earned >= purchase { return month.month }
        }
        guard paid > .zero, earned > .zero else { return nil }
        let hoursLeft = (purchase - earned).pico * Int128(paid.milliseconds) / earned.pico / 3_600_000
        guard hoursLeft < 100 * 8766 else { return nil }
        return String((now + .seconds(Int64(hoursLeft) * 3600)).description.prefix(7))
    }
}

extension Payback.Month {
    fileprivate init(month: String, _ measures: RollupMeasures) {
        let isUnknown = measures.unbaselined > 0 && measures.baseline == .zero
        self.init(
            month: month, owned: measures.spent + measures.idle, baseline: isUnknown ? nil : measures.baseline, marginal: measures.marginal,
            paid: .milliseconds(measures.paidMilliseconds), busy: .milliseconds(measures.busyMilliseconds))
    }
}
