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
        StoreCase("lanes that are ready are named with their number and their most urgent bucket") { store in
            try expect(try store.jobs.readyLanes().isEmpty, "an empty store has work")
            for i in 0..<3 { try await store.enqueue(Sample.job("job_\(i)", deadline: Sample.now + .seconds(50_000 - i * 10_000))) }
            try await store.enqueue(Sample.job("job_held", notBefore: Sample.now + .seconds(5)))
            let lanes = try store.jobs.readyLanes()
            try expect(lanes.count == 1 && lanes[0].ready == 3 && lanes[0].lane == Sample.job("").lane, "\(lanes)")
            try expect(lanes[0].earliestBucket == Sample.job("", deadline: Sample.now + .seconds(30_000)).bucket, "\(lanes)")
            _ = try await store.lease(Sample.job("").lane)
            try expect(try store.jobs.readyLanes().isEmpty, "leased jobs count as ready")
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
