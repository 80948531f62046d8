extension Budget.Period {
    /// The day or month that holds an instant, from midnight to midnight by the wall clock of a zone.
    package func span(around instant: Timestamp, in zone: ZonedClock) -> Range<Timestamp> {
        let today = zone.date(at: instant)
        let (first, next) =
            switch self {
            case .day: (today.daysSince1970, today.daysSince1970 + 1)
            case .month: (today.daysSince1970 - Int64(today.day - 1), today.daysSince1970 - Int64(today.day - 1) + Int64(today.daysInMonth))
            }
        return zone.instant(day: first, second: 0)..<zone.instant(day: next, second: 0)
    }
}

/// Whose money an attempt spends: what budgets ask.
package struct Spender: Hashable, Sendable {
    package var tenant: String
    package var key: String?
    package var tags: [String: String]
    package var trafficClass: String?
    /// Where the attempt goes; nil where that is not known yet.
    package var pool: String?

    package init(tenant: String, key: String?, tags: [String: String], trafficClass: String? = nil, pool: String? = nil) {
        self.tenant = tenant
        self.key = key
        self.tags = tags
        self.trafficClass = trafficClass
        self.pool = pool
    }
}

extension Spender {
    /// Whose money an entry of the ledger is about; nil for hours of hardware.
    package init?(_ entry: LedgerEntry) {
        guard let subject = entry.subject else { return nil }
        self.init(tenant: subject.tenant, key: subject.key, tags: subject.tags, trafficClass: subject.trafficClass, pool: entry.target?.pool)
    }
}

extension Budget {
    /// Whether what it spends counts here.
    package func counts(_ spender: Spender) -> Bool {
        switch self.scope {
        case .all: true
        case .tenant(let pattern): pattern.matches(spender.tenant)
        case .key(let pattern): spender.key.map { pattern.matches($0) } ?? false
        case .tag(let name, let pattern): spender.tags[name].map { pattern.matches($0) } ?? false
        case .beyond(let pool, let trafficClass): spender.trafficClass == trafficClass && spender.pool.map { $0 != pool } ?? false
        }
    }

    /// The amount at a share of the limit.
    package func level(_ share: PriceFactor) -> MoneySum {
        MoneySum(pico: Int128(self.limit.pico) * Int128(share.millionths) / 1_000_000)
    }

    /// Beyond which nothing is authorised; nil where no threshold rejects.
    package var ceiling: MoneySum? {
        self.thresholds.first { $0.action == .reject }.map { self.level($0.share) }
    }
}
