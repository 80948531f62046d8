import SluiceCore

extension PolicyLinker {
    mutating func linkClasses(zone: String) -> [TrafficClass] {
        if self.document.classes.value.isEmpty, !self.document.classes.isGiven {
            self.missingSection("classes", hint: "every route gives a class")
        }
        return self.document.classes.value.indices.map { index in
            var record = self.document.classes.value[index].value
            if !record.retryAmbiguous.isGiven { record.retryAmbiguous.value = record.serve.value == .now ? 0 : 2 }
            self.document.classes.value[index].value = record
            return self.trafficClass(record, index: index, name: self.document.classes.value[index].name, zone: zone)
        }
    }

    private mutating func trafficClass(_ record: ClassRecord, index: Int, name: Name, zone: String) -> TrafficClass {
        self.checkDoubles(record.use.value, in: "class `\(name.text)`")
        var result = TrafficClass(
            index: index, name: name.text, serve: record.serve.value, pools: record.use.value.compactMap { self.resolvePool($0) })
        result.latency = LatencyBudget(firstToken: record.latency.value.firstToken.value, total: record.latency.value.total.value)
        result.deadline = record.deadline.value
        result.during = self.window(anyOf: record.during.value, zone: zone)
        result.hold = record.hold.value
        result.maxCost = record.maxCost.value
        result.retryAmbiguous = record.retryAmbiguous.value ?? 0
        result.firstTokenTimeout = record.timeouts.value.firstToken.value
        result.idleTimeout = record.timeouts.value.idle.value
        result.hedge = record.hedge.value.map { TrafficClass.Hedge(afterQuantile: $0.after.value.share, budget: $0.budget.value) }
        result.spill = record.spill.value.map { TrafficClass.Spill(whenWait: $0.whenWait.value, maxSpendPerDay: $0.maxSpend.value) }
        if let promote = record.promote.value, promote.to.isGiven, let pool = self.resolvePool(promote.to.value) {
            result.promote = TrafficClass.Promotion(beforeDeadline: promote.beforeDeadline.value, pool: pool)
        }
        self.checkServe(record, name)
        self.checkPromotion(record, name)
        self.checkLatency(record)
        return result
    }

    private mutating func checkServe(_ record: ClassRecord, _ name: Name) {
        self.checkMisplaced(record, in: "class `\(name.text)`")
        if record.serve.value == .later, !record.deadline.isGiven {
            self.report(
                .error, .missingKey, "class `\(name.text)` is served later and has no `deadline`", at: name.span,
                hint: "a duration such as 24h, or `none`")
        }
    }

    private mutating func checkPromotion(_ record: ClassRecord, _ name: Name) {
        guard record.serve.value == .later, let promote = record.promote.value, let span = record.promote.span else { return }
        guard let deadline = record.deadline.value else {
            if record.deadline.isGiven {
                self.report(.error, .promotionTooEarly, "class `\(name.text)` has no deadline to be promoted before", at: span)
            }
            return
        }
        if promote.beforeDeadline.isGiven, promote.beforeDeadline.value >= deadline {
            self.report(
                .error, .promotionTooEarly,
                "`before_deadline` \(DurationText.format(promote.beforeDeadline.value)) is not shorter than the deadline"
                    + " \(DurationText.format(deadline)): every request would be promoted at once",
                at: promote.beforeDeadline.span ?? span)
        }
    }

    /// A provider's batch lane takes work that waits, and nothing in a hurry.
    mutating func checkLanes(_ parts: PolicySet.Parts) {
        func isLaneOnly(_ pools: [Int]) -> Bool {
            let backends = pools.flatMap { parts.pools.indices.contains($0) ? parts.pools[$0].backends : [] }
            return !backends.isEmpty && backends.allSatisfy { parts.backends[$0].api.isBatchLane }
        }
        for (trafficClass, entry) in zip(parts.classes, self.document.classes.value) {
            if trafficClass.serve == .now, isLaneOnly(trafficClass.pools), let span = entry.value.use.span {
                self.report(
                    .error, .notApplicable, "class `\(trafficClass.name)` is served now, and a provider's batch lane is not", at: span,
                    hint: "add a backend that answers one by one")
            }
            if let promote = trafficClass.promote, isLaneOnly([promote.pool]), let span = entry.value.promote.value?.to.span {
                self.report(
                    .error, .notApplicable, "class `\(trafficClass.name)` is promoted to a provider's batch lane, which keeps no deadline", at: span,
                    hint: "promote it to a backend that answers one by one")
            }
        }
    }

    private mutating func checkLatency(_ record: ClassRecord) {
        let latency = record.latency.value
        if let first = latency.firstToken.value, let total = latency.total.value, first > total, let span = latency.firstToken.span {
            self.report(.error, .badValue, "`first_token` is longer than `total`", at: span)
        }
    }

    mutating func missingSection(_ key: String, hint: String) {
        guard let place = self.document.version.span?.place else { return }
        self.report(
            .error, .missingKey, "the policy has no `\(key)`",
            at: SourceSpan(place: SourcePlace(file: place.file, line: 1, column: 1), length: 1), hint: hint)
    }
}

extension HedgeRecord.Quantile {
    fileprivate var share: Double {
        switch self {
        case .p50: 0.5
        case .p75: 0.75
        case .p90: 0.9
        case .p95: 0.95
        case .p99: 0.99
        }
    }
}
