import SluiceCore

/// What every ``Ledger`` must do.
package enum LedgerConformance {
    package static let cases = Self.chainCases + Self.reportCases

    private static let chainCases = [
        StoreCase("entries are chained without gaps, in the order in which they were appended") { store in
            try expect(try store.ledger.head() == nil, "an empty ledger has a head")
            try await store.append((0..<20).map { Sample.settled(Sample.subject("req_\($0)")) })
            try await store.append([Sample.intent(Sample.subject("req_20")).entry])
            let rows = try store.ledger.lines(LedgerFilter(), after: 0, limit: 100)
            try expect(rows.map(\.seq) == Array(1...21), "\(rows.map(\.seq))")
            var previous = ChainHash.genesis
            for (index, row) in rows.enumerated() {
                let parts = try LedgerLine.read(row.line)
                try expect(parts.seq == row.seq && parts.previous == previous, "entry \(row.seq) is not tied to the one before")
                try expect(parts.entry.subject?.requestID == "req_\(index)", "out of order")
                previous = parts.hash
            }
            let head = try store.ledger.head()
            try expect(head?.seq == 21 && head?.hash == previous, "the head is \(String(describing: head))")
        },
        StoreCase("a line is the entry's own bytes") { store in
            let entry = Sample.settled(Sample.subject("req_1", tags: ["team": "search \"α\"\n", "job": "eval"]))
            try await store.append([entry])
            let line = try require(try store.ledger.lines(LedgerFilter(), after: 0, limit: 1).first?.line, "no line")
            try expect(String(decoding: line, as: UTF8.self).contains(String(decoding: LedgerLine.body(of: entry), as: UTF8.self)), "other bytes")
        },
        StoreCase("an attempt has one intent and one end, whoever brings a second") { store in
            let subject = Sample.subject("req_1")
            try await store.append([Sample.intent(subject).entry, Sample.settled(subject)])
            try await store.append([Sample.intent(subject).entry, Sample.intent(subject).inDoubt(at: Sample.now), Sample.settled(subject, attempt: 2)])
            let kinds = try store.ledger.rows(ofRequest: "req_1").map { try LedgerLine.read($0.line).entry.kind }
            try expect(kinds == [.intent, .settled, .settled], "\(kinds)")
            try expect(try store.ledger.isClosed(request: "req_1", attempt: 1), "attempt 1 is not closed")
            try expect(try !store.ledger.isClosed(request: "req_1", attempt: 3), "an attempt that never was is closed")
        },
        StoreCase("a closed attempt is an intent and an end, whoever brings either again") { store in
            let subject = Sample.subject("req_1", tags: ["job": "eval"])
            let (begun, end) = (Sample.now, Sample.settled(subject, at: Sample.now + .seconds(2)))
            for _ in 0..<2 { try await stored { store.ledger.append(closing: end, begun: begun, committed: $0) } }
            try await store.append([end.intent(at: begun), end, Sample.settled(Sample.subject("req_2"))])
            let rows = try store.ledger.rows(ofRequest: "req_1")
            try expect(rows.map(\.seq) == [1, 2], "\(rows.map(\.seq))")
            let bodies = try rows.map { LedgerLine.body(of: try LedgerLine.read($0.line).entry) }
            try expect(bodies == [LedgerLine.body(of: end.intent(at: begun)), LedgerLine.body(of: end)], "other bytes")
            try expect(try store.ledger.lines(LedgerFilter(), after: 1, limit: 9).map(\.seq) == [2, 3], "from between the two")
            try expect(try store.ledger.rollups(since: nil, until: nil, by: []).first?.measures.attempts == 2, "counted twice")
        },
        StoreCase("what was committed is there after a kill") { store in
            try await store.append([Sample.settled(Sample.subject("req_1"))])
            let next = try await store.afterKill()
            try await next.append([Sample.settled(Sample.subject("req_2"))])
            let rows = try next.ledger.lines(LedgerFilter(), after: 0, limit: 10)
            try expect(rows.map(\.seq) == [1, 2], "\(rows.map(\.seq))")
            try expect(try LedgerLine.read(rows[1].line).previous == LedgerLine.read(rows[0].line).hash, "the chain begins anew")
        },
        StoreCase("lines come page by page, and by time, tenant and request") { store in
            for i in 0..<30 {
                try await store.append([
                    Sample.settled(Sample.subject("req_\(i)", tenant: i % 3 == 0 ? "a" : "b"), at: Sample.now + .seconds(i * 300))
                ])
            }
            var filter = LedgerFilter()
            try expect(try store.ledger.lines(filter, after: 4, limit: 3).map(\.seq) == [5, 6, 7], "a page")
            filter.since = Sample.now + .seconds(3000)
            filter.until = Sample.now + .seconds(4500)
            try expect(try store.ledger.lines(filter, after: 0, limit: 100).map(\.seq) == Array(11...15), "by time, the end exclusive")
            filter.tenant = "a"
            try expect(try store.ledger.lines(filter, after: 0, limit: 100).map(\.seq) == [13], "by tenant")
            filter = LedgerFilter()
            filter.requestID = "req_7"
            try expect(try store.ledger.lines(filter, after: 0, limit: 100).map(\.seq) == [8], "by request")
        },
        StoreCase("the newest requests come first, each once with all its rows") { store in
            try await store.append([Sample.settled(Sample.subject("req_old"))])
            try await store.append([Sample.intent(Sample.subject("req_long")).entry])
            for i in 0..<5 { try await store.append([Sample.settled(Sample.subject("req_\(i)", tenant: i == 2 ? "a" : "b"))]) }
            try await store.append([Sample.settled(Sample.subject("req_long"))])
            let first = try store.ledger.newestRequests(limit: 3, after: nil, filter: LedgerFilter())
            try expect(first.map(\.count) == [2, 1, 1], "\(first.map(\.count)) rows")
            let names = try first.map { try LedgerLine.read($0[0].line).entry.subject?.requestID }
            try expect(names == ["req_long", "req_4", "req_3"], "\(names)")
            let rest = try store.ledger.newestRequests(limit: 10, after: "req_3", filter: LedgerFilter())
            try expect(rest.count == 4, "\(rest.count) requests on the second page")
            var filter = LedgerFilter()
            filter.tenant = "a"
            try expect(try store.ledger.newestRequests(limit: 10, after: nil, filter: filter).count == 1, "by tenant")
        },
    ]
}

extension StoreSubject {
    func append(_ entries: [LedgerEntry]) async throws {
        try await stored { (then: @escaping @Sendable (Result<Void, StoreError>) -> Void) in
            self.ledger.append(entries.map { SealedEntry($0) }, committed: then)
        }
    }
}
