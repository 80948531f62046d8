/// What reports can be grouped by.
package enum RollupDimension: String, Sendable, CaseIterable {
    case tenant
    case trafficClass = "class"
    case backend, model, route, tag, key, hour, day, month
    /// Never asked for by name: sums in different currencies are kept apart.
    case currency
}

/// Sums over many entries: what a report shows of them (`outputs.md`, Commands).
package struct RollupMeasures: Sendable, Equatable {
    /// Requests are counted with their first attempt, since only that one is known for sure to be theirs.
    package var requests = 0
    package var attempts = 0
    package var usage = TokenUsage.zero
    /// What is certain.
    package var cost = MoneySum.zero
    /// The part of ``cost`` that has a baseline: the rest is left out of the saving.
    package var costBaselined = MoneySum.zero
    package var costLow = MoneySum.zero
    package var costHigh = MoneySum.zero
    package var baseline = MoneySum.zero
    /// Paid attempts that nobody saw, and whatever is in doubt at its high end.
    package var waste = MoneySum.zero
    /// The part of ``waste`` that verified substitutes.
    package var verification = MoneySum.zero
    /// The baseline of those that are ``waste``.
    package var wasteBaseline = MoneySum.zero
    package var idle = MoneySum.zero
    /// Of hardware of one's own: milliseconds that were paid for, and at work.
    package var paidMilliseconds = 0
    /// Attempts that ended there.
    package var ownEnds = 0
    package var busyMilliseconds = 0
    package var marginal = MoneySum.zero
    package var leverModel = MoneySum.zero
    package var leverBackend = MoneySum.zero
    package var leverLane = MoneySum.zero
    package var leverWindow = MoneySum.zero
    package var leverCache = MoneySum.zero
    package var unbaselined = 0
    package var unreconciled = 0
    /// Ends of attempts by their evidence, in the order of ``LedgerEntry/Evidence``.
    package var evidence = [Int](repeating: 0, count: LedgerEntry.Evidence.allCases.count)

    package init() {}

    package subscript(evidence: LedgerEntry.Evidence) -> Int {
        self.evidence[evidence.place]
    }

    package static func += (a: inout RollupMeasures, b: RollupMeasures) {
        a.requests += b.requests
        a.attempts += b.attempts
        a.usage += b.usage
        a.cost += b.cost
        a.costBaselined += b.costBaselined
        a.costLow += b.costLow
        a.costHigh += b.costHigh
        a.baseline += b.baseline
        a.waste += b.waste
        a.verification += b.verification
        a.wasteBaseline += b.wasteBaseline
        a.idle += b.idle
        a.paidMilliseconds += b.paidMilliseconds
        a.ownEnds += b.ownEnds
        a.busyMilliseconds += b.busyMilliseconds
        a.marginal += b.marginal
        a.leverModel += b.leverModel
        a.leverBackend += b.leverBackend
        a.leverLane += b.leverLane
        a.leverWindow += b.leverWindow
        a.leverCache += b.leverCache
        a.unbaselined += b.unbaselined
        a.unreconciled += b.unreconciled
        for index in a.evidence.indices { a.evidence[index] += b.evidence[index] }
    }

    /// Adds one entry.
    package mutating func add(_ entry: LedgerEntry) {
        guard let ended = entry.ended else { return }
        if entry.kind.isEnd {
            self.attempts += 1
            if entry.attempt == 1 { self.requests += 1 }
            self.evidence[ended.settlement.evidence.place] += 1
            if ended.settlement.flags.contains(.unreconciled) { self.unreconciled += 1 }
        }
        if entry.kind == .correction, let before = entry.before {
            self.evidence[LedgerEntry.Evidence.allCases.firstIndex(of: before.evidence) ?? 0] -= 1
            self.evidence[LedgerEntry.Evidence.allCases.firstIndex(of: ended.settlement.evidence) ?? 0] += 1
        }
        if let usage = ended.settlement.usage, entry.kind != .waste {
            // Those of a correction are differences.
            self.usage += entry.kind == .correction ? usage : usage.believable
        }
        guard ended.settlement.evidence != .unpriced else { return }
        if entry.kind == .capacity {
            self.idle += ended.settlement.cost ?? .zero
            self.paidMilliseconds += Int(entry.capacity?.span.milliseconds ?? 0)
            self.busyMilliseconds += Int(entry.capacity?.busy.milliseconds ?? 0)
            return
        }
        // An entry whose baseline is not known was counted as such when it was booked, but for one without a price.
        let isCounted = entry.before.map { $0.evidence != .unpriced } ?? false
        let wasWaste = entry.before?.isWaste ?? false
        self.add(ended, isWaste: entry.kind == .waste || wasWaste, isCounted: isCounted)
    }

    private mutating func add(_ ended: LedgerEntry.Ended, isWaste: Bool, isCounted: Bool) {
        let high = ended.settlement.costHigh ?? ended.settlement.cost ?? .zero
        if let marginal = ended.settlement.marginalCost {
            self.marginal += marginal
            self.ownEnds += 1
        }
        self.costLow += ended.settlement.costLow ?? ended.settlement.cost ?? .zero
        self.costHigh += high
        if let baseline = ended.settlement.baseline { self.baseline += baseline }
        guard !isWaste, let cost = ended.settlement.cost else {
            self.waste += high
            if ended.settlement.flags.contains(.verification) { self.verification += high }
            self.wasteBaseline += ended.settlement.baseline ?? .zero
            return
        }
        self.cost += cost
        guard ended.settlement.baseline != nil else {
            if !isCounted, cost != .zero || ended.settlement.usage != nil { self.unbaselined += 1 }
            return
        }
        self.costBaselined += cost
        guard let levers = ended.settlement.levers else { return }
        self.leverModel += levers.model
        self.leverBackend += levers.backend
        self.leverLane += levers.lane
        self.leverWindow += levers.window
        self.leverCache += levers.cache
    }

    /// What the decisions saved; negative where they cost more.
    package var saved: MoneySum { self.baseline - self.costBaselined - self.waste - self.idle }

    /// The levers in their fixed order; they add up to ``saved`` to the last picodollar.
    package var waterfall: [(lever: String, amount: MoneySum)] {
        let named = self.leverModel + self.leverLane + self.leverWindow + self.leverCache
        // What the other levers do not name is the backend's: baseline − cost, row by row.
        let backend = self.baseline - self.wasteBaseline - self.costBaselined - named
        return [
            ("model", self.leverModel), ("backend", backend), ("lane", self.leverLane), ("window", self.leverWindow), ("cache", self.leverCache),
            ("waste", self.wasteBaseline - self.waste), ("idle", .zero - self.idle),
        ]
    }
}

extension LedgerEntry.Evidence {
    /// Where it stands among all cases.
    fileprivate var place: Int {
        switch self {
        case .providerReported: 0
        case .computed: 1
        case .estimated: 2
        case .lowerBound: 3
        case .inDoubt: 4
        case .unpriced: 5
        }
    }
}
