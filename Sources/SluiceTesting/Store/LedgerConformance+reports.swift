import SluiceCore

extension LedgerConformance {
    static let reportCases = [
        StoreCase("sums are those of the entries, by any dimensions, whole hours and parts of hours") { store in
            let entries = Self.mixed
            for start in stride(from: 0, to: entries.count, by: 7) { try await store.append(Array(entries[start..<min(start + 7, entries.count)])) }
            let spans: [(Timestamp?, Timestamp?)] = [
                (nil, nil), (Sample.now, nil), (nil, Sample.now + .seconds(5000)), (Sample.now + .seconds(100), Sample.now + .seconds(900)),
                (Sample.now + .seconds(100), Sample.now + .seconds(9000)), (Sample.now.hour, Sample.now.hour + .seconds(7200)),
            ]
            for (since, until) in spans {
                for dimensions in [[], [.tenant], [.trafficClass, .backend], [.hour], [.tag], [.tag, .tenant], [.day, .key]] as [[RollupDimension]] {
                    let wanted = Self.sums(entries.filter { $0.at >= since ?? .distantPast && $0.at < until ?? .distantFuture }, by: dimensions)
                    let found = try store.ledger.rollups(since: since, until: until, by: dimensions)
                    try expect(found.count == wanted.count, "\(found.count) rows by \(dimensions), wanted \(wanted.count)")
                    for row in found {
                        try expect(wanted[row.key] == row.measures, "\(row.key) by \(dimensions) in \(since?.description ?? "…")–\(until?.description ?? "…")")
                    }
                }
            }
        },
        StoreCase("sums are exact beyond 64 bits") { store in
            let most = Money(pico: .max)
            try await store.append((0..<3).map { Sample.settled(Sample.subject("req_\($0)"), cost: most, baseline: most) })
            try await store.append((3..<5).map { Sample.settled(Sample.subject("req_\($0)"), cost: most, baseline: most) })
            let total = try require(try store.ledger.rollups(since: nil, until: nil, by: []).first?.measures, "no sum")
            try expect(total.cost == MoneySum(pico: Int128(Int64.max) * 5), "\(total.cost)")
        },
        StoreCase("sums are right after a kill") { store in
            try await store.append([Sample.settled(Sample.subject("req_1"))])
            let next = try await store.afterKill()
            try await next.append([Sample.settled(Sample.subject("req_2"))])
            try expect(try next.ledger.rollups(since: nil, until: nil, by: []).first?.measures.requests == 2, "not 2 requests")
        },
        StoreCase("currencies are not mixed") { store in
            try await store.append([Sample.settled(Sample.subject("req_1"))])
            let euro = LedgerEntry.Subject(
                requestID: "req_2", tenant: "default", key: nil, trafficClass: "live", route: "r", model: "chat", serve: .now, tierRequested: nil,
                policy: "9f3c1a", tags: [:], currency: "EUR")
            try await store.append([Sample.settled(euro)])
            let keys = try store.ledger.rollups(since: nil, until: nil, by: [.currency]).map(\.key)
            try expect(Set(keys) == [["USD"], ["EUR"]], "\(keys)")
        },
    ]

    /// Entries of all kinds over some hours, not in the order of their times.
    private static var mixed: [LedgerEntry] {
        (0..<120).map { i in
            let at = Sample.now + .seconds(i * 97 % 11_000 - (i % 13 == 0 ? 4000 : 0))
            let subject = Sample.subject(
                "req_\(i)", tenant: ["a", "b"][i % 2], key: i % 5 == 0 ? nil : "ci", trafficClass: ["live", "batch"][i % 3 % 2],
                tags: i % 4 == 0 ? ["team": "t\(i % 3)", "job": "eval"] : [:])
            switch i % 6 {
            case 0: return Sample.intent(subject, at: at).entry
            case 1: return Sample.intent(subject, at: at).inDoubt(at: at)
            case 2: return Sample.settled(subject, at: at, cost: nil, baseline: nil)
            case 3: return Sample.settled(subject, at: at, cost: Money(pico: Int64(i) * 1_234_567), baseline: nil)
            case 4: return Sample.settled(subject, at: at, cost: Money(pico: -5_000_000_000_000), baseline: Money("1")).superseded()
            default: return Sample.settled(subject, at: at)
            }
        }
    }

    /// The plain way: one entry after the other.
    private static func sums(_ entries: [LedgerEntry], by dimensions: [RollupDimension]) -> [[String?]: RollupMeasures] {
        var sums: [[String?]: RollupMeasures] = [:]
        for entry in entries where entry.settlement != nil {
            var key = RollupKey(entry)
            let tags: [String?] = entry.subject?.tags.map { "\($0.key)=\($0.value)" } ?? []
            for tag in dimensions.contains(.tag) && !tags.isEmpty ? tags : [nil] {
                key.byTag = tag != nil
                key.tag = tag ?? ""
                sums[dimensions.map { key[$0] }, default: RollupMeasures()].add(entry)
            }
        }
        return sums
    }
}
