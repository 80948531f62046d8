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
        self.init()
        self = try text.readingObject { values throws(LedgerLineError) in
            var measures = RollupMeasures()
            while let (name, value) = try values.next() {
                if let count = RollupMeasures.counts.first(where: { values.isEqual(name, $0.name) }) {
                    measures[keyPath: count.path] = Int(try values.integer(value))
                } else if let sum = RollupMeasures.sums.first(where: { values.isEqual(name, $0.name) }) {
                    measures[keyPath: sum.path] = try values.moneySum(value)
                } else if values.isEqual(name, "usage") {
                    measures.usage = try values.usage(value)
                } else if values.isEqual(name, "evidence") {
                    var inner = try values.object(value)
                    while let (name, value) = try inner.next() {
                        guard let kind = LedgerEntry.Evidence(rawValue: try inner.string(name)), let index = LedgerEntry.Evidence.allCases.firstIndex(of: kind)
                        else { continue }
                        measures.evidence[index] = Int(try inner.integer(value))
                    }
                }
            }
            return measures
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
            ("waste", \.waste), ("waste_baseline", \.wasteBaseline), ("idle", \.idle), ("marginal", \.marginal), ("lever_model", \.leverModel),
            ("lever_backend", \.leverBackend), ("lever_lane", \.leverLane), ("lever_window", \.leverWindow), ("lever_cache", \.leverCache),
        ]
    }
}
