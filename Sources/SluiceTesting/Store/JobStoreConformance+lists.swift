import SluiceCore

extension JobStoreConformance {
    static let listCases = [
        StoreCase("jobs are listed newest first, page by page, each once") { store in
            for i in 0..<7 { try await store.enqueue(Sample.job("job_\(i)", tenant: i == 3 ? "another" : "default")) }
            var seen: [String] = []
            var after: String?
            repeat {
                let page = try require(try store.jobs.jobs(tenant: "default", states: [], limit: 2, after: after), "no page after \(after ?? "nothing")")
                seen += page.page.map(\.id)
                after = page.hasMore ? page.page.last?.id : nil
            } while after != nil
            try expect(seen == [6, 5, 4, 2, 1, 0].map { "job_\($0)" }, "\(seen)")
        },
        StoreCase("a list can be of some states, and of all tenants") { store in
            let job = Sample.job("job_0")
            let lease = try await store.leased(job)
            try await store.enqueue(Sample.job("job_1", tenant: "another"))
            try await store.enqueue(Sample.job("job_2", notBefore: Sample.now + .seconds(5)))
            try expect(try store.jobs.jobs(tenant: nil, states: [.held, .ready], limit: 10, after: nil)?.page.map(\.id) == ["job_2", "job_1"], "waiting")
            try expect(try store.jobs.jobs(tenant: nil, states: [.leased], limit: 10, after: nil)?.page.map(\.id) == ["job_0"], "running")
            try expect(try await store.complete(job, under: lease), "stale")
            try expect(try store.jobs.jobs(tenant: nil, states: JobState.named("done"), limit: 10, after: nil)?.page.map(\.id) == ["job_0"], "done")
        },
        StoreCase("a place that is unknown or another tenant's gives no page") { store in
            try await store.enqueue(Sample.job("job_1"))
            try expect(try store.jobs.jobs(tenant: "default", states: [], limit: 10, after: "job_nosuch") == nil, "after a job that never was")
            try expect(try store.jobs.jobs(tenant: "another", states: [], limit: 10, after: "job_1") == nil, "after another tenant's job")
        },
        StoreCase("the backlog has every lane with its buckets, the most urgent first") { store in
            try expect(store.jobs.backlog().isEmpty, "an empty store has work")
            for i in 0..<3 {
                var job = Sample.job("job_\(i)", deadline: Sample.now + .seconds(50_000 - (i + 1) / 2 * 10_000))
                job.estimatedTokens = 100 + i
                try await store.enqueue(job)
            }
            try await store.enqueue(Sample.job("job_held", deadline: Sample.now + .seconds(50_000), notBefore: Sample.now + .seconds(5)))
            let lanes = store.jobs.backlog()
            try expect(lanes.count == 1 && lanes[0].lane == Sample.job("").lane, "\(lanes)")
            let buckets = [40_000, 50_000].map { Sample.job("", deadline: Sample.now + .seconds($0)).bucket }
            try expect(lanes[0].buckets.map(\.at) == buckets, "\(lanes)")
            try expect(lanes[0].buckets.map(\.ready.jobs) == [2, 1] && lanes[0].buckets.map(\.ready.tokens) == [203, 100], "\(lanes)")
            try expect(lanes[0].buckets.map(\.held.jobs) == [0, 1], "\(lanes)")
            _ = try await store.lease(Sample.job("").lane, limit: 2)
            try expect(store.jobs.backlog().first?.buckets.map(\.ready.jobs) == [1], "leased jobs count as ready")
        },
        StoreCase("tenants have lanes of their own") { store in
            for (id, tenant) in [("job_1", "one"), ("job_2", "another"), ("job_3", "one")] { try await store.enqueue(Sample.job(id, tenant: tenant)) }
            let lanes = store.jobs.backlog().sorted { $0.lane.tenant < $1.lane.tenant }
            try expect(lanes.map(\.lane.tenant) == ["another", "one"] && lanes.map { $0.buckets[0].ready.jobs } == [1, 2], "\(lanes)")
            try expect(try await store.lease(Sample.job("", tenant: "another").lane).map(\.job.id) == ["job_2"], "the wrong tenant's")
        },
        StoreCase("the backlog is the same after a restart") { store in
            for i in 0..<5 { try await store.enqueue(Sample.job("job_\(i)", deadline: Sample.now + .seconds(40_000 + i * 10_000))) }
            try await store.enqueue(Sample.job("job_held", tenant: "another", notBefore: Sample.now + .seconds(5)))
            func text(_ store: StoreSubject) -> String {
                String(describing: store.jobs.backlog().sorted { $0.lane.tenant < $1.lane.tenant })
            }
            let before = text(store)
            // What was leased by the process that died is ready again.
            _ = try await store.lease(Sample.job("").lane, limit: 2)
            let after = text(try await store.afterKill())
            try expect(after == before, "before \(before), after \(after)")
        },
        StoreCase("depths are counted by class and state, with the oldest") { store in
            for i in 0..<3 {
                var job = Sample.job("job_\(i)", trafficClass: i == 2 ? "night" : "batch")
                job.created = Sample.now + .seconds(i)
                try await store.enqueue(job)
            }
            _ = try await store.lease(Sample.job("", trafficClass: "night").lane)
            let depths = try store.jobs.queueDepths().sorted { $0.trafficClass < $1.trafficClass }
            try expect(depths.map(\.trafficClass) == ["batch", "night"] && depths.map(\.jobs) == [2, 1], "\(depths)")
            try expect(depths.map(\.state) == [.ready, .leased] && depths[0].oldest == Sample.now, "\(depths)")
        },
    ]
}
