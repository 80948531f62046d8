extension Report {
    /// The object as one line of JSON.
    package var json: [UInt8] {
        var json = JSONFields(capacity: 4096)
        json.add("schema", Report.schema)
        json.add("currency", self.currency)
        json.add("since", self.since?.description)
        json.add("until", self.until?.description)
        json.add("by", self.by.map(\.rawValue))
        json.add("rows", objects: self.rows.map { self.object($0.measures, key: $0.key) })
        json.add("total", object: self.object(self.total, key: []))
        json.add(
            "waterfall",
            objects: self.total.waterfall.map { step in
                var json = JSONFields(capacity: 64)
                json.add("lever", step.lever)
                json.add("amount", step.amount)
                return json
            })
        json.add("assumptions", self.assumptions)
        json.add(
            "gaps",
            objects: self.powerCuts.map { instant in
                var json = JSONFields(capacity: 64)
                json.add("before", instant)
                return json
            })
        if !self.otherCurrencies.isEmpty { json.add("other_currencies", self.otherCurrencies) }
        return json.object
    }

    private func object(_ measures: RollupMeasures, key: [String?]) -> JSONFields {
        var json = JSONFields(capacity: 768)
        for (dimension, value) in zip(self.by, key) { json.add(named: dimension.rawValue, value) }
        json.add("requests", measures.requests)
        json.add("attempts", measures.attempts)
        json.add("usage", measures.usage)
        json.add("cost", measures.cost)
        json.add("cost_low", measures.costLow)
        json.add("cost_high", measures.costHigh)
        json.add("baseline", measures.baseline)
        json.add("waste", measures.waste)
        json.add("verification", measures.verification)
        json.add("idle", measures.idle)
        json.add("marginal_cost", measures.marginal)
        json.add("utilisation", millionths: measures.utilisation)
        json.add("saved", measures.saved)
        json.add("saved_ratio", millionths: measures.savedRatio)
        json.add("unpriced", measures.unpriced)
        json.add("unbaselined", measures.unbaselined)
        json.add("unreconciled", measures.unreconciled)
        json.add("evidence", zip(LedgerEntry.Evidence.allCases, measures.evidence).map { ($0.rawValue, $1) })
        json.add("coverage", millionths: measures.coverage)
        return json
    }
}
