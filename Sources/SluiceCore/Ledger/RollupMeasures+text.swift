extension RollupMeasures {
    /// As a JSON object without the measures that are 0: how roll-ups are stored.
    package var text: [UInt8] {
        var json = JSONFields(capacity: 256)
        for (name, count) in RollupMeasures.counts where self[keyPath: count] != 0 { json.add(name, self[keyPath: count]) }
        if self.usage != .zero { json.add("usage", self.usage) }
        for (name, sum) in RollupMeasures.sums where self[keyPath: sum] != .zero { json.add(name, self[keyPath: sum]) }
        if self.evidence.contains(where: { $0 != 0 }) { json.add("evidence", zip(LedgerEntry.Evidence.allCases, self.evidence).map { ($0.rawValue, $1) }) }
        return json.object
    }

    package init(text: [UInt8]) throws(LedgerLineError) {
        var measures = RollupMeasures()
        try text.reading { bytes throws(LedgerLineError) in try measures.add(text: bytes) }
        self = measures
    }

    /// Adds what ``text`` wrote, without building it first: a report adds up tens of thousands of these.
    package mutating func add(text bytes: UnsafeBufferPointer<UInt8>) throws(LedgerLineError) {
        var scan = MeasureScan(bytes)
        var place = 0
        try scan.members { scan, name throws(LedgerLineError) in
            // They come in the order in which they are written, so that the next name is nearly always the right one.
            guard let found = (place..<Measure.all.count).first(where: { scan.isEqual(name, Measure.all[$0].name) }) else {
                throw LedgerLineError("an unknown measure", at: name.lowerBound)
            }
            place = found + 1
            try self.add(Measure.all[found], &scan)
        }
    }

    private mutating func add(_ measure: Measure, _ scan: inout MeasureScan) throws(LedgerLineError) {
        switch measure {
        case .requests: self.requests += try scan.integer()
        case .attempts: self.attempts += try scan.integer()
        case .unbaselined: self.unbaselined += try scan.integer()
        case .unreconciled: self.unreconciled += try scan.integer()
        case .own: self.ownEnds += try scan.integer()
        case .paid: self.paidMilliseconds += try scan.integer()
        case .busy: self.busyMilliseconds += try scan.integer()
        case .usage:
            try scan.members { scan, name throws(LedgerLineError) in
                guard let tokenClass = TokenClass.allCases.first(where: { scan.isEqual(name, $0.name) }) else { return try scan.skip() }
                self.usage[tokenClass] += try scan.integer()
            }
        case .cost: self.cost += try scan.sum()
        case .costBaselined: self.costBaselined += try scan.sum()
        case .costLow: self.costLow += try scan.sum()
        case .costHigh: self.costHigh += try scan.sum()
        case .baseline: self.baseline += try scan.sum()
        case .waste: self.waste += try scan.sum()
        case .verification: self.verification += try scan.sum()
        case .wasteBaseline: self.wasteBaseline += try scan.sum()
        case .idle: self.idle += try scan.sum()
        case .marginal: self.marginal += try scan.sum()
        case .leverModel: self.leverModel += try scan.sum()
        case .leverBackend: self.leverBackend += try scan.sum()
        case .leverLane: self.leverLane += try scan.sum()
        case .leverWindow: self.leverWindow += try scan.sum()
        case .leverCache: self.leverCache += try scan.sum()
        case .evidence:
            try scan.members { scan, name throws(LedgerLineError) in
                guard let index = LedgerEntry.Evidence.allCases.firstIndex(where: { scan.isEqual(name, $0.rawValue) }) else { return try scan.skip() }
                self.evidence[index] += try scan.integer()
            }
        }
    }

    private static var counts: [(name: StaticString, path: WritableKeyPath<RollupMeasures, Int>)] {
        [
            ("requests", \.requests), ("attempts", \.attempts), ("unbaselined", \.unbaselined), ("unreconciled", \.unreconciled),
            ("own", \.ownEnds), ("paid_ms", \.paidMilliseconds), ("busy_ms", \.busyMilliseconds),
        ]
    }

    private static var sums: [(name: StaticString, path: WritableKeyPath<RollupMeasures, MoneySum>)] {
        [
            ("cost", \.cost), ("cost_baselined", \.costBaselined), ("cost_low", \.costLow), ("cost_high", \.costHigh), ("baseline", \.baseline),
            ("waste", \.waste), ("verification", \.verification), ("waste_baseline", \.wasteBaseline), ("idle", \.idle), ("marginal", \.marginal),
            ("lever_model", \.leverModel), ("lever_backend", \.leverBackend), ("lever_lane", \.leverLane), ("lever_window", \.leverWindow),
            ("lever_cache", \.leverCache),
        ]
    }
}

/// The members of ``RollupMeasures/text`` in their order.
private enum Measure: String {
    case requests, attempts, unbaselined, unreconciled, own
    case paid = "paid_ms"
    case busy = "busy_ms"
    case usage, cost
    case costBaselined = "cost_baselined"
    case costLow = "cost_low"
    case costHigh = "cost_high"
    case baseline, waste, verification
    case wasteBaseline = "waste_baseline"
    case idle, marginal
    case leverModel = "lever_model"
    case leverBackend = "lever_backend"
    case leverLane = "lever_lane"
    case leverWindow = "lever_window"
    case leverCache = "lever_cache"
    case evidence

    static let all: [Measure] = [
        .requests, .attempts, .unbaselined, .unreconciled, .own, .paid, .busy, .usage, .cost, .costBaselined, .costLow, .costHigh, .baseline, .waste,
        .verification, .wasteBaseline, .idle, .marginal, .leverModel, .leverBackend, .leverLane, .leverWindow, .leverCache, .evidence,
    ]

    var name: String { self.rawValue }
}
