/// What traffic cost, what it would have cost, and what was saved: `sluice.report/v1` (`outputs.md`, Commands).
package struct Report: Sendable {
    package static let schema = "sluice.report/v1"

    package struct Row: Sendable {
        /// One value for each dimension of the report, nil where entries have none.
        package var key: [String?]
        package var measures: RollupMeasures
    }

    package var currency: String
    package var since: Timestamp?
    package var until: Timestamp?
    package var by: [RollupDimension]
    package var rows: [Row]
    package var total: RollupMeasures
    /// Entries in these currencies are left out: they cannot be added up.
    package var otherCurrencies: [String]
    /// When Sluice was back after the power had gone: live calls of the moment before may have no entry.
    package var powerCuts: [Timestamp]
    /// What is left of entries and sums.
    package var kept: LedgerKept

    /// Reads the sums of a time, the end exclusive.
    ///
    /// - Parameter currency: The one to report on; else that of the newest entry.
    package init(
        of ledger: some Ledger, since: Timestamp?, until: Timestamp?, by dimensions: [RollupDimension], currency wanted: String? = nil
    ) throws(StoreError) {
        let dimensions = dimensions.reduce(into: [RollupDimension]()) { if !$0.contains($1) { $0.append($1) } }
        let sums = try ledger.rollups(since: since, until: until, by: [.currency] + dimensions)
        let all = Set(sums.compactMap { $0.key[0] })
        var currency = wanted ?? all.first ?? "USD"
        if wanted == nil, all.count > 1, let newest = try Report.newestCurrency(of: ledger) { currency = newest }
        self.since = since
        self.until = until
        self.by = dimensions
        self.currency = currency
        self.otherCurrencies = all.subtracting([currency]).sorted()
        let chosen = currency
        let rows = sums.filter { $0.key[0] ?? chosen == chosen }.map { Row(key: Array($0.key.dropFirst()), measures: $0.measures) }
        self.rows = Report.merged(rows).sorted { Report.stands($0, before: $1, by: dimensions) }
        // A request with two tags stands in two rows, but counts once.
        let whole = try dimensions.contains(.tag) ? ledger.rollups(since: since, until: until, by: [.currency]) : sums
        self.kept = try ledger.kept()
        self.powerCuts = try ledger.powerCuts(since: since, until: until)
        self.total = whole.filter { $0.key[0] ?? chosen == chosen }.reduce(into: RollupMeasures()) { $0 += $1.measures }
    }

    /// What the figures rest on beside the entries.
    package var assumptions: [String] {
        var texts: [String] = []
        if self.total.leverCache != .zero { texts.append("the baseline counts cached tokens as plain input (baseline: { cache: none })") }
        if let from = self.kept.sumsFrom, self.since ?? .distantPast < from {
            texts.append("what was before \(from) is not in it: its sums were deleted")
        }
        if let from = self.kept.entriesFrom?.hour, [self.since, self.until].contains(where: { $0.map { $0 < from && $0 != $0.hour } ?? false }) {
            texts.append("hours before \(from) count as a whole: their entries were deleted")
        }
        return texts
    }

    private static func newestCurrency(of ledger: some Ledger) throws(StoreError) -> String? {
        guard let row = try ledger.newestRequests(limit: 1, after: nil, filter: LedgerFilter()).first?.last else { return nil }
        return (try? LedgerLine.read(row.line))?.entry.subject?.currency
    }

    /// Capacity has no currency of its own and joins the rows that have.
    private static func merged(_ rows: [Row]) -> [Row] {
        var sums: [[String?]: RollupMeasures] = [:]
        for row in rows { sums[row.key, default: RollupMeasures()] += row.measures }
        return sums.map { Row(key: $0.key, measures: $0.value) }
    }

    /// Times in their order, everything else the dearest first.
    private static func stands(_ a: Row, before b: Row, by dimensions: [RollupDimension]) -> Bool {
        let names = (a.key.map { $0 ?? "\u{10FFFF}" }, b.key.map { $0 ?? "\u{10FFFF}" })
        if let first = dimensions.first, !first.isTime, a.measures.spent != b.measures.spent { return a.measures.spent > b.measures.spent }
        return names.0.lexicographicallyPrecedes(names.1)
    }
}

extension RollupDimension {
    package var isTime: Bool {
        switch self {
        case .hour, .day, .month: true
        case .tenant, .trafficClass, .backend, .model, .route, .tag, .key, .currency: false
        }
    }

    /// Reads `tenant,class`; nil where a part is none that can be asked for.
    package static func list(_ text: String) -> [RollupDimension]? {
        let parts = text.split(separator: ",").map { RollupDimension(rawValue: $0.trimmed) }
        guard parts.allSatisfy({ $0 != nil && $0 != .currency }) else { return nil }
        return parts.compactMap { $0 }
    }
}

extension RollupMeasures {
    /// What was paid for sure, and what may have been.
    package var spent: MoneySum { self.cost + self.waste }
    package var unpriced: Int { self[.unpriced] }

    /// saved ÷ baseline in millionths; nil without a baseline.
    package var savedRatio: Int128? {
        self.baseline == .zero ? nil : (self.saved.pico * 1_000_000).dividedHalfEven(by: self.baseline.pico)
    }

    /// The share of attempts whose cost is the provider's figure or its counts at our card, in millionths; nil without attempts.
    package var coverage: Int128? {
        let all = self.evidence.reduce(0, +)
        return all == 0 ? nil : (Int128(self[.providerReported] + self[.computed]) * 1_000_000).dividedHalfEven(by: Int128(all))
    }

    /// The share of paid time of own hardware in which it was at work, in millionths; nil where there is none.
    package var utilisation: Int128? {
        self.paidMilliseconds == 0
            ? nil : (Int128(self.busyMilliseconds) * 1_000_000).dividedHalfEven(by: Int128(self.paidMilliseconds))
    }

    /// Whether the figures are an interval.
    package var isCertain: Bool { self.costLow == self.costHigh && self.costLow == self.cost + self.waste }
}
