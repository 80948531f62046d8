import SluiceCore

extension JobStoreConformance {
    static let leaseCases = [
        StoreCase("the most urgent bucket is leased first, then the order of arrival") { store in
            for (id, deadline) in [("job_late", 90_000), ("job_b", 3600), ("job_a", 3600), ("job_none", nil)] as [(String, Int?)] {
                try await store.enqueue(Sample.job(id, deadline: deadline.map { Sample.now + .seconds($0) }))
            }
            let leased = try await store.lease(Sample.job("").lane)
            try expect(leased.map(\.job.id) == ["job_b", "job_a", "job_late", "job_none"], "\(leased.map(\.job.id))")
        },
        StoreCase("a leased job is not leased twice, and a limit is kept") { store in
            for i in 0..<5 { try await store.enqueue(Sample.job("job_\(i)")) }
            let lane = Sample.job("").lane
            try expect(try await store.lease(lane, limit: 3).count == 3, "the limit was not kept")
            try expect(try await store.lease(lane, limit: 3).count == 2, "not exactly the others were leased")
            try expect(try await store.lease(lane).isEmpty, "a job was leased twice")
        },
        StoreCase("lanes do not mix") { store in
            try await store.enqueue(Sample.job("job_1", trafficClass: "batch"))
            try await store.enqueue(Sample.job("job_2", trafficClass: "night"))
            try await store.enqueue(Sample.job("job_3", model: "small"))
            try expect(try await store.lease(Sample.job("", trafficClass: "night").lane).map(\.job.id) == ["job_2"], "another lane's job was leased")
        },
        StoreCase("the call survives the wait to the byte") { store in
            var call = Sample.call("\u{1F600} \" \\ \n")
            call.request.headers = ["x-team": "search\t\"a\""]
            call.request.serviceTier = "flex"
            call.request.isStream = true
            call.request.consent = .respondAsync(wait: .seconds(10))
            call.request.wishes.maxCost = Money("0.02")
            call.request.wishes.deadline = .clock(second: 21_600)
            call.request.wishes.latency = LatencyBudget(firstToken: .milliseconds(800), total: .seconds(20))
            call.body = (0...255).map { UInt8($0) }
            try await store.enqueue(Sample.job("job_1"), call)
            let leased = try require(try await store.lease(Sample.job("").lane).first, "nothing leased")
            let stored = try require(leased.call, "its request is missing")
            try expect(stored.body == call.body && stored.fields == call.fields && stored.clientRequestID == "mine-1", "bytes differ")
            try expect(Reflected(stored.request) == Reflected(call.request), "stored \(call.request), found \(stored.request)")
        },
        StoreCase("the intent is in the chain before a call") { store in
            let job = Sample.job("job_1")
            let lease = try await store.leased(job)
            try await store.begin(job, under: lease)
            let entries = try store.entries(of: job)
            try expect(entries.map(\.kind) == [.intent] && entries[0].subject?.jobID == job.id, "\(entries)")
            try expect(try store.jobs.job(job.id, tenant: nil)?.attempts == 1, "the attempt is not counted")
        },
        StoreCase("a lease that has ended begins nothing") { store in
            let job = Sample.job("job_1")
            let old = try await store.leased(job)
            try expect(try await store.putBack(job, under: old, attempt: 9), "not put back")
            let new = try require(try await store.lease(job.lane).first?.lease, "not leased again")
            try expect(new.number == old.number + 1 && new.job == old.job, "\(old), then \(new)")
            try expect(await (try? store.begin(job, under: old)) == nil, "a call was begun under an old lease")
            try await store.begin(job, under: new)
        },
        StoreCase("a killed process's leases are void, and its calls are in doubt within their bounds") { store in
            let begun = Sample.job("job_begun")
            let unbegun = Sample.job("job_unbegun")
            let old = try await store.leased(begun)
            try await store.begin(begun, under: old)
            _ = try await store.leased(unbegun)
            let next = try await store.afterKill()
            try expect(try next.state(of: begun) == .ready && next.state(of: unbegun) == .ready, "leases outlived their process")
            let entries = try next.entries(of: begun)
            try expect(entries.map(\.kind) == [.intent, .inDoubt], "\(entries.map(\.kind))")
            let end = try require(entries.last?.settlement, "no bounds")
            try expect(end.cost == nil && end.costLow == .zero && end.costHigh == Money("0.05") && end.outcome == .unknown, "\(end)")
            try expect(try next.entries(of: unbegun).isEmpty, "a call that was never begun is booked")
            let new = try require(try await next.lease(begun.lane).first { $0.job.id == begun.id }?.lease, "not leased again")
            try expect(new.owner != old.owner, "the owner is the same process")
            try expect(try await next.complete(begun, under: old) == false, "a killed process's lease still counts")
            try await next.begin(begun, under: new, attempt: 2)
            try expect(try await next.complete(begun, under: new, attempt: 2), "the new lease does not count")
        },
    ]
}

/// A value as its parts, to compare what has no equality.
private struct Reflected: Equatable {
    private let text: [String]

    init(_ value: Any) {
        self.text = Mirror(reflecting: value).children.map { child in
            // The order of a dictionary says nothing.
            if let map = child.value as? [String: String] { return "\(child.label ?? ""): \(map.sorted { $0.key < $1.key })" }
            return "\(child.label ?? ""): \(child.value)"
        }
    }
}
