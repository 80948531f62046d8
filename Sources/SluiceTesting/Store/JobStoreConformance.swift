import SluiceCore

/// What every ``JobStore`` must do.
package enum JobStoreConformance {
    package static let cases = Self.waitingCases + Self.leaseCases + Self.endCases + Self.listCases + Self.transitionCases

    private static let waitingCases = [
        StoreCase("a job comes back as it was stored") { store in
            var job = Sample.job("job_1", notBefore: Sample.now + .seconds(60))
            job.promoteAt = Sample.now + .seconds(3600)
            job.promoteTo = "instant"
            job.maxCost = Money("0.05")
            job.estimatedCost = Money("0.004")
            job.estimatedTokens = 812
            job.prefix = 0xF000_0000_0000_0001
            try await store.enqueue(job)
            let found = try require(try store.jobs.job("job_1", tenant: "default"), "the job is not found")
            try expect(String(describing: found) == String(describing: job), "stored \(job), found \(found)")
            try expect(try store.jobs.job("job_1", tenant: "another") == nil, "another tenant finds it")
            try expect(try store.jobs.job("job_2", tenant: nil) == nil, "a job that never was is found")
        },
        StoreCase("the same id twice is refused, and changes nothing") { store in
            try await store.enqueue(Sample.job("job_1"))
            let isRefused = await (try? store.enqueue(Sample.job("job_1", model: "other"))) == nil
            try expect(isRefused, "a second job of the same id was taken")
            try expect(try store.jobs.job("job_1", tenant: nil)?.model == "chat", "the second replaced the first")
        },
        StoreCase("a held job is not leased until its window opens") { store in
            let job = Sample.job("job_1", notBefore: Sample.now + .seconds(60))
            try await store.enqueue(job)
            try expect(try await store.lease(job.lane).isEmpty, "a held job was leased")
            let early = try await stored { store.jobs.release(at: Sample.now + .seconds(59), then: $0) }
            try expect(early.moved == 0 && early.next == job.notBefore, "\(early)")
            let due = try await stored { store.jobs.release(at: job.notBefore, then: $0) }
            try expect(due.moved == 1 && due.next == nil, "\(due)")
            try expect(try await store.lease(job.lane).count == 1, "a released job is not leased")
        },
        StoreCase("a job that is due for promotion goes to rung 1, once, held or ready") { store in
            for (id, notBefore) in [("job_ready", Sample.now), ("job_held", Sample.now + .seconds(7200))] {
                var job = Sample.job(id, notBefore: notBefore)
                job.promoteAt = Sample.now + .seconds(3600)
                job.promoteTo = "instant"
                try await store.enqueue(job)
            }
            let due = try await stored { store.jobs.release(at: Sample.now + .seconds(3600), then: $0) }
            try expect(due.moved == 2, "\(due)")
            try expect(try await stored { store.jobs.release(at: Sample.now + .seconds(3601), then: $0) }.moved == 0, "promoted twice")
            var lane = Sample.job("job_ready").lane
            try expect(try await store.lease(lane).isEmpty, "a promoted job is still in its old lane")
            lane.rung = 1
            try expect(Set(try await store.lease(lane).map(\.job.id)) == ["job_ready", "job_held"], "the promoted jobs are not in the lane of rung 1")
        },
        StoreCase("some jobs of a place can be promoted before their time, if they have somewhere to go") { store in
            for (id, notBefore, pool) in [("job_1", 0, "instant"), ("job_2", 0, "instant"), ("job_3", 7200, "instant"), ("job_4", 0, nil)] {
                var job = Sample.job(id, notBefore: Sample.now + .seconds(notBefore))
                job.promoteAt = pool.map { _ in Sample.now + .seconds(3600) }
                job.promoteTo = pool
                try await store.enqueue(job)
            }
            let job = Sample.job("job_1")
            let one = try await stored { store.jobs.promote(job.lane, bucket: job.bucket, limit: 1, at: Sample.now, then: $0) }
            let rest = try await stored { store.jobs.promote(job.lane, bucket: job.bucket, limit: 10, at: Sample.now, then: $0) }
            try expect(one == 1 && rest == 2, "\(one) and \(rest) were promoted")
            try expect(try await store.lease(job.lane).map(\.job.id) == ["job_4"], "what has nowhere to go has left its lane")
            var lane = job.lane
            lane.rung = 1
            try expect(Set(try await store.lease(lane).map(\.job.id)) == ["job_1", "job_2", "job_3"], "the promoted jobs are not in the lane of rung 1")
        },
        StoreCase("one job can be promoted by its id, if it has somewhere to go") { store in
            var job = Sample.job("job_1")
            job.promoteTo = "instant"
            try await store.enqueue(job)
            try await store.enqueue(Sample.job("job_2"))
            try expect(try await stored { store.jobs.promote("job_1", at: Sample.now, then: $0) }, "not promoted")
            try expect(try await stored { store.jobs.promote("job_1", at: Sample.now, then: $0) }, "no longer promoted")
            try expect(try await stored { store.jobs.promote("job_2", at: Sample.now, then: $0) } == false, "promoted to nowhere")
            try expect(try store.jobs.job("job_1", tenant: nil)?.rung == 1, "it is not on rung 1")
            try expect(store.jobs.backlog().reduce(0) { $0 + $1.buckets.reduce(0) { $0 + $1.ready.jobs } } == 2, "it was counted twice")
            var running = Sample.job("job_3")
            running.promoteTo = "instant"
            _ = try await store.leased(running)
            try expect(try await stored { store.jobs.promote("job_3", at: Sample.now, then: $0) } == false, "promoted while it runs elsewhere")
        },
        StoreCase("what waits past its deadline expires; what runs is named") { store in
            let deadline = Sample.now + .seconds(60)
            let running = Sample.job("job_running", deadline: deadline)
            _ = try await store.leased(running)
            for job in [
                Sample.job("job_ready", deadline: deadline), Sample.job("job_held", deadline: deadline, notBefore: Sample.now + .seconds(90)),
                Sample.job("job_none", deadline: nil),
            ] { try await store.enqueue(job) }
            let early = try await stored { store.jobs.expire(at: deadline - .milliseconds(1), then: $0) }
            try expect(early.expired.isEmpty && early.overdue.isEmpty, "\(early)")
            let due = try await stored { store.jobs.expire(at: deadline, then: $0) }
            try expect(Set(due.expired) == ["job_ready", "job_held"] && due.overdue == ["job_running"], "\(due)")
            try expect(try store.jobs.job("job_ready", tenant: nil)?.finished == deadline, "it does not say when it ended")
            try expect(try store.state(of: running) == .leased, "a running job was expired")
        },
    ]
}
