import SluiceCore

extension JobStoreConformance {
    static let endCases = [
        StoreCase("an answer ends the job with its result and its entry, at once") { store in
            let job = Sample.job("job_1")
            let lease = try await store.leased(job)
            try await store.begin(job, under: lease)
            try expect(try await store.complete(job, under: lease), "the lease was not current")
            let found = try require(try store.jobs.job(job.id, tenant: nil), "gone")
            try expect(found.state == .done && found.finished == Sample.now && found.resultStatus == 200, "\(found)")
            let result = try require(try store.jobs.result(of: job.id, tenant: "default"), "no result")
            try expect(result.status == 200 && result.contentType == "application/json" && result.body == Array("{\"of\":\"job_1\"}".utf8), "\(result)")
            try expect(result.lines == Array("sluice-route: batch\r\n".utf8), "the lines differ")
            try expect(try store.jobs.result(of: job.id, tenant: "another") == nil, "another tenant reads the result")
            try expect(try store.jobs.call(of: job.id, tenant: "default")?.body == Sample.call().body, "the request differs")
            try expect(try store.jobs.call(of: job.id, tenant: "another") == nil, "another tenant reads the request")
            try expect(try store.entries(of: job).map(\.kind) == [.intent, .settled], "the entries differ")
        },
        StoreCase("after a kill nobody is called for a client whose connection is gone") { store in
            var jobs = ["job_1", "job_2", "job_3"].map { Sample.job($0) }
            jobs[1].kind = .held
            jobs[2].kind = .held
            for job in jobs { try await store.enqueue(job) }
            let leases = try await store.lease(jobs[0].lane, limit: 2)
            for lease in leases { try await store.begin(lease.job, under: lease.lease) }
            let next = try await store.afterKill()
            try expect(try jobs.map { try next.state(of: $0) } == [.ready, .cancelled, .cancelled], "\(try jobs.map { try next.state(of: $0) })")
            try expect(try jobs.map { try next.entries(of: $0).map(\.kind) } == [[.intent, .inDoubt], [.intent, .inDoubt], []], "the calls are not booked")
        },
        StoreCase("the first answer stays; a second is waste, and superseded") { store in
            let job = Sample.job("job_1")
            let lease = try await store.leased(job)
            try expect(try await store.complete(job, under: lease), "the lease was not current")
            try expect(try await store.complete(job, under: lease, attempt: 2) == false, "the same lease ended the job twice")
            let entries = try store.entries(of: job)
            try expect(entries.map(\.kind) == [.settled, .waste], "\(entries.map(\.kind))")
            try expect(entries[1].settlement?.outcome == .superseded && entries[1].settlement?.baseline == nil, "\(entries[1])")
            try expect(entries[1].settlement?.cost == Money("0.00276"), "what it cost is lost")
        },
        StoreCase("an answer after a cancel is dropped and paid") { store in
            let job = Sample.job("job_1")
            let lease = try await store.leased(job)
            try await store.begin(job, under: lease)
            let cancelled = try await stored { store.jobs.cancel(job.id, tenant: nil, at: Sample.now, then: $0) }
            try expect(cancelled?.wasRunning == true && cancelled?.job.state == .cancelled, "\(String(describing: cancelled))")
            try expect(try await store.complete(job, under: lease) == false, "the cancelled job took an answer")
            try expect(try store.state(of: job) == .cancelled && store.jobs.result(of: job.id, tenant: nil) == nil, "a cancelled job has an answer")
            try expect(try store.entries(of: job).map(\.kind) == [.intent, .waste], "the attempt is not booked as waste")
        },
        StoreCase("a cancel leaves what is finished as it is, and finds nothing of another tenant") { store in
            let job = Sample.job("job_1")
            let lease = try await store.leased(job)
            try expect(try await store.complete(job, under: lease), "the lease was not current")
            let again = try await stored { store.jobs.cancel(job.id, tenant: "default", at: Sample.now, then: $0) }
            try expect(again?.job.state == .done && again?.wasRunning == false, "\(String(describing: again))")
            let foreign = try await stored { store.jobs.cancel(job.id, tenant: "another", at: Sample.now, then: $0) }
            try expect(foreign == nil, "another tenant's job was found")
        },
        StoreCase("a job that was put back runs again, or waits") { store in
            let job = Sample.job("job_1")
            let first = try await store.leased(job)
            try expect(try await store.putBack(job, under: first), "not put back")
            try expect(try store.state(of: job) == .ready && store.jobs.job(job.id, tenant: nil)?.lastError == "429", "not ready")
            let second = try require(try await store.lease(job.lane).first?.lease, "not leased again")
            try expect(try await store.putBack(job, under: second, notBefore: Sample.now + .seconds(5), attempt: 2), "not put back")
            try expect(try store.state(of: job) == .held, "it does not wait")
            try expect(try await store.putBack(job, under: second, attempt: 3) == false, "the same lease put it back twice")
        },
        StoreCase("what failed, expired or was cancelled can be armed again, with as much time as at first") { store in
            let failed = Sample.job("job_failed")
            let lease = try await store.leased(failed)
            try expect(try await store.complete(failed, under: lease, as: .failed), "the lease was not current")
            let later = Sample.now + .seconds(100_000)
            let armed = try require(try await stored { store.jobs.retry(failed.id, tenant: nil, at: later, then: $0) }, "not found")
            try expect(armed.state == .ready && armed.deadline == later + .seconds(86_400) && armed.finished == nil, "\(armed)")
            let found = try require(try store.jobs.job(failed.id, tenant: nil), "gone")
            try expect(String(describing: found) == String(describing: armed), "stored \(found), told \(armed)")
            try expect(try store.jobs.result(of: failed.id, tenant: nil) == nil, "the old answer is still there")
            let running = try require(try await store.lease(failed.lane).first, "not leased again")
            let untouched = try await stored { store.jobs.retry(failed.id, tenant: nil, at: later, then: $0) }
            try expect(untouched?.state == .leased && running.job.id == failed.id, "a running job was armed again")
            try expect(try await stored { store.jobs.retry("job_nosuch", tenant: nil, at: later, then: $0) } == nil, "found what is not there")
        },
        StoreCase("an answer keeps its lines, and why Sluice refused") { store in
            let job = Sample.job("job_1")
            let lease = try await store.leased(job)
            var result = JobResult(status: 422, contentType: "application/json", body: [1])
            result.lines = Array("sluice-route: batch;attempt=1\r\n".utf8)
            result.refusal = .init(code: .maxCostExceeded, message: "too dear")
            let written = result
            try expect(
                try await stored { store.jobs.complete(lease, as: .failed, result: written, ends: [], verification: nil, at: Sample.now, then: $0) }, "stale")
            let found = try require(try store.jobs.result(of: job.id, tenant: nil), "no answer")
            try expect(found.lines == result.lines && found.refusal == result.refusal, "\(found)")
        },
        StoreCase("a job that waits gets the class and the times of a new policy, once, and one that runs does not") { store in
            let (job, running) = (Sample.job("job_1", deadline: Sample.now + .seconds(7200)), Sample.job("job_0"))
            _ = try await store.leased(running)
            try await store.enqueue(job)
            var other = job
            (other.trafficClass, other.route, other.state) = ("another", "by night", .held)
            (other.deadline, other.notBefore) = (Sample.now + .seconds(90_000), Sample.now + .seconds(3600))
            var late = running
            late.trafficClass = "another"
            let anew = [other, late]
            try expect(try await stored { store.jobs.reclassify(anew, then: $0) } == 1, "not one")
            let found = try require(try store.jobs.job(job.id, tenant: nil), "gone")
            try expect(String(describing: found) == String(describing: other), "stored \(found), wanted \(other)")
            try expect(try store.jobs.job(running.id, tenant: nil)?.trafficClass == running.trafficClass, "what runs was changed")
            try expect(try await stored { store.jobs.reclassify(anew, then: $0) } == 0, "twice")
            try expect(store.jobs.backlog().first { $0.lane == other.lane }?.buckets.map(\.held.jobs) == [1], "\(store.jobs.backlog())")
            let next = try await store.afterKill()
            try expect(next.jobs.backlog().first { $0.lane == other.lane }?.buckets.map(\.held.jobs) == [1], "counted otherwise after a kill")
            try expect(try next.jobs.call(of: job.id, tenant: nil)?.request.model == Sample.call().request.model, "its request is gone")
        },
        StoreCase("a finished job can be erased, another cannot") { store in
            let job = Sample.job("job_1")
            let lease = try await store.leased(job)
            try expect(try await stored { store.jobs.erase(job.id, tenant: nil, at: Sample.now, then: $0) } == false, "a running job was erased")
            try expect(try await store.complete(job, under: lease), "the lease was not current")
            try expect(try await stored { store.jobs.erase(job.id, tenant: "another", at: Sample.now, then: $0) } == false, "by another tenant")
            try expect(try await stored { store.jobs.erase(job.id, tenant: "default", at: Sample.now, then: $0) }, "not erased")
            try expect(try store.jobs.job(job.id, tenant: nil) == nil && store.jobs.result(of: job.id, tenant: nil) == nil, "something is left")
            try expect(try store.jobs.call(of: job.id, tenant: nil) == nil, "the request is left")
            try expect(try store.entries(of: job).map(\.kind) == [.settled], "the ledger has lost it")
        },
        StoreCase("a sweep erases answers and requests that are old enough") { store in
            for i in 0..<3 {
                let job = Sample.job("job_\(i)")
                let lease = try await store.leased(job)
                let end = Sample.now + .seconds(i * 10)
                let result = JobResult(status: 200, contentType: "text/plain", body: [1])
                try expect(try await stored { store.jobs.complete(lease, as: .done, result: result, ends: [], verification: nil, at: end, then: $0) }, "stale")
            }
            let results = try await stored { store.jobs.sweep(SweepLimits(results: Sample.now + .seconds(15)), own: [:], at: Sample.now, then: $0) }
            try expect(results == 2, "\(results) answers were erased")
            let kept = try (0..<3).filter { try store.jobs.result(of: "job_\($0)", tenant: nil) != nil }
            try expect(kept == [2], "the answers that are left: \(kept)")
            let prompts = try await stored { store.jobs.sweep(SweepLimits(prompts: Sample.now + .seconds(5)), own: [:], at: Sample.now, then: $0) }
            try expect(prompts == 1, "\(prompts) requests were erased")
            try expect(try store.jobs.job("job_0", tenant: nil)?.state == .done, "the job itself is gone")
            try expect(try await stored { store.jobs.sweep(SweepLimits(prompts: Sample.now + .seconds(5)), own: [:], at: Sample.now, then: $0) } == 0, "twice")
        },
        StoreCase("a sweep keeps the limits of tenants that have their own") { store in
            for tenant in ["default", "short", "long"] {
                var job = Sample.job("job_\(tenant)")
                job.tenant = tenant
                let lease = try await store.leased(job)
                let result = JobResult(status: 200, contentType: "text/plain", body: [1])
                try expect(
                    try await stored { store.jobs.complete(lease, as: .done, result: result, ends: [], verification: nil, at: Sample.now, then: $0) }, "stale")
            }
            let (early, late) = (Sample.now - .seconds(1), Sample.now + .seconds(1))
            let own = ["short": SweepLimits(results: late, prompts: late), "long": SweepLimits(results: early)]
            let erased = try await stored { store.jobs.sweep(SweepLimits(results: early, prompts: late), own: own, at: Sample.now, then: $0) }
            try expect(erased == 3, "\(erased) things were erased")
            let answers = try ["default", "short", "long"].filter { try store.jobs.result(of: "job_\($0)", tenant: nil) != nil }
            try expect(answers == ["default", "long"], "the answers that are left: \(answers)")
        },
    ]
}
