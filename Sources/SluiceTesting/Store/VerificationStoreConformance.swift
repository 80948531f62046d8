import SluiceCore

/// What every ``VerificationStore`` must do, and the queue with it.
package enum VerificationStoreConformance {
    package static let cases = [
        StoreCase("both answers come back, by the request and by the job, also after a kill") { store in
            let verified = try await store.verify("req_1")
            try expect(try store.verifications.verification("req_1")?.original == nil, "an answer before there is one")
            let lease = try require(try await store.lease(verified.job.lane).first, "it is not leased")
            try expect(lease.job.kind == .verification && lease.job.attempts == 3 && lease.call?.body == Sample.call().body, "\(lease)")
            try await store.begin(verified.job, under: lease.lease, attempt: 4)
            try expect(try await store.complete(verified.job, under: lease.lease, attempt: 4), "stale")
            let next = try await store.afterKill()
            for id in ["req_1", verified.job.id] {
                let found = try require(try next.verifications.verification(id), "no verification of \(id)")
                try expect(found.verification.answer.body == verified.answer.body && found.verification.answer.status == 200, "\(found)")
                try expect(found.verification.rule == "int4" && found.verification.substitute == "small" && found.verification.backend == "own", "\(found)")
                try expect(found.original?.body == Array("{\"of\":\"\(verified.job.id)\"}".utf8), "\(found)")
            }
            try expect(try next.verifications.verification("req_2") == nil, "a verification of another request")
        },
        StoreCase("a request is verified once") { store in
            let first = try await store.verify("req_1", job: "job_1")
            try await store.verify("req_1", job: "job_2")
            try expect(try store.verifications.verifications(tenant: nil, limit: 9, after: nil)?.page.map(\.job.id) == [first.job.id], "twice")
            try expect(try store.jobs.job("job_2", tenant: nil) == nil, "a job without a verification")
        },
        StoreCase("it is stored with the answer that it verifies, and only with that") { store in
            let (done, failed, stale) = (Sample.job("job_done"), Sample.job("job_failed"), Sample.job("job_stale"))
            try expect(try await store.complete(done, under: try await store.leased(done), as: .done, verifiedBy: "job_1"), "stale")
            try expect(try await store.complete(failed, under: try await store.leased(failed), as: .failed, verifiedBy: "job_2"), "stale")
            let lease = try await store.leased(stale)
            _ = try await stored { store.jobs.cancel(stale.id, tenant: nil, at: Sample.now, then: $0) }
            try expect(try await !store.complete(stale, under: lease, as: .done, verifiedBy: "job_3"), "a cancelled job takes an answer")
            let next = try await store.afterKill()
            try expect(try next.verifications.verifications(tenant: nil, limit: 9, after: nil)?.page.map(\.job.id) == ["job_1"], "not one alone")
            try expect(try next.verifications.verification(done.requestID) != nil, "of another request")
        },
        StoreCase("they are listed newest first, page by page, without bodies") { store in
            for i in 0..<5 { try await store.verify("req_\(i)", job: "job_\(i)", tenant: i == 3 ? "another" : "default") }
            let first = try require(try store.verifications.verifications(tenant: "default", limit: 2, after: nil), "no page")
            try expect(first.page.map(\.job.id) == ["job_4", "job_2"] && first.hasMore && first.page.allSatisfy(\.answer.body.isEmpty), "\(first)")
            let second = try require(try store.verifications.verifications(tenant: "default", limit: 2, after: "job_2"), "no page")
            try expect(second.page.map(\.job.id) == ["job_1", "job_0"] && !second.hasMore, "\(second)")
            try expect(try store.verifications.verifications(tenant: nil, limit: 2, after: "job_nosuch") == nil, "after one that never was")
        },
        StoreCase("a tenant neither sees nor changes them") { store in
            let job = try await store.verify("req_1").job
            try await store.enqueue(Sample.job("job_own"))
            try expect(try store.jobs.job(job.id, tenant: "default") == nil && store.jobs.job(job.id, tenant: nil) != nil, "it is seen")
            try expect(try store.jobs.jobs(tenant: "default", states: [], limit: 9, after: nil)?.page.map(\.id) == ["job_own"], "it is listed")
            try expect(try store.jobs.jobs(tenant: nil, states: [], limit: 9, after: nil)?.page.count == 2, "the operator does not see it")
            let cancelled = try await stored { store.jobs.cancel(job.id, tenant: "default", at: Sample.now, then: $0) }
            try expect(cancelled == nil, "a tenant cancels it")
        },
        StoreCase("it goes with the answers, whatever became of it") { store in
            try await store.finish(try await store.verify("req_1", job: "job_1"))
            let second = try await store.verify("req_2", job: "job_2")
            _ = try await stored { store.jobs.cancel(second.job.id, tenant: nil, at: Sample.now, then: $0) }
            try await store.verify("req_3", job: "job_3")
            let late = SweepLimits(results: Sample.now + .seconds(1))
            try expect(try await stored { store.jobs.sweep(SweepLimits(results: Sample.now), own: [:], at: Sample.now, then: $0) } == 0, "too early")
            _ = try await stored { store.jobs.sweep(late, own: ["default": SweepLimits()], at: Sample.now, then: $0) }
            try expect(try store.verifications.verifications(tenant: nil, limit: 9, after: nil)?.page.count == 3, "another tenant's limit")
            _ = try await stored { store.jobs.sweep(late, own: [:], at: Sample.now, then: $0) }
            try expect(try store.verifications.verifications(tenant: nil, limit: 9, after: nil)?.page.map(\.job.id) == ["job_3"], "not those at an end")
            try expect(try store.jobs.job("job_1", tenant: nil) == nil && store.jobs.job("job_2", tenant: nil) == nil, "a job without its verification")
        },
        StoreCase("who erases a job erases its verification, whether it has run or waits") { store in
            for (name, hasRun) in [("job_a", true), ("job_b", false)] {
                let job = Sample.job(name)
                let lease = try await store.leased(job)
                try expect(try await store.complete(job, under: lease), "stale")
                let verified = try await store.verify(job.requestID, job: name + "_v")
                if hasRun { try await store.finish(verified) }
                try expect(try await stored { store.jobs.erase(name, tenant: "default", at: Sample.now, then: $0) }, "not erased")
                try expect(try store.verifications.verification(job.requestID) == nil, "the copy of \(name) stays")
                try expect(try store.jobs.job(verified.job.id, tenant: nil) == nil, "the job of the copy of \(name) stays")
            }
            try expect(store.jobs.backlog().isEmpty, "the queue counts what was erased")
        },
        StoreCase("a call that a killed process left counts as a verification's") { store in
            let verified = try await store.verify("req_1")
            let lease = try require(try await store.lease(verified.job.lane).first, "it is not leased")
            try await store.begin(verified.job, under: lease.lease, attempt: 4)
            let next = try await store.afterKill()
            let end = try require(try next.entries(of: verified.job).last, "no entry")
            try expect(end.kind == .inDoubt && end.settlement?.flags == [.verification], "\(end)")
            var sums = RollupMeasures()
            sums.add(end)
            try expect(sums.verification == sums.waste && sums.waste != .zero && sums.requests == 0, "\(sums)")
        },
    ]
}

extension StoreSubject {
    @discardableResult
    fileprivate func verify(_ request: String, job id: String = "job_v", tenant: String = "default") async throws -> Verification {
        var job = Sample.job(id, tenant: tenant, deadline: nil)
        job.requestID = request
        job.kind = .verification
        job.rung = Job.onOriginal
        job.attempts = 3
        let order = self.order(job)
        try await stored { self.verifications.verify(order, then: $0) }
        return order.verification
    }

    private func order(_ job: Job) -> VerificationOrder {
        let answer = JobResult(status: 200, contentType: "application/json", body: Array("{\"from\":\"the substitute\"}".utf8))
        return VerificationOrder(
            Verification(job: job, rule: "int4", substitute: "small", backend: "own", answer: answer), call: Sample.call(tenant: job.tenant))
    }

    /// Ends a job together with the order to verify it; gives whether the lease counted.
    fileprivate func complete(_ job: Job, under lease: Lease, as state: JobState, verifiedBy id: String) async throws -> Bool {
        var verifying = Sample.job(id, deadline: nil)
        verifying.requestID = job.requestID
        verifying.kind = .verification
        verifying.rung = Job.onOriginal
        let order = self.order(verifying)
        let result = JobResult(status: 200, contentType: "application/json", body: [])
        return try await stored {
            self.jobs.complete(lease, as: state, result: result, ends: [], verification: order, at: Sample.now, then: $0)
        }
    }

    fileprivate func finish(_ verification: Verification) async throws {
        let lease = try require(try await self.lease(verification.job.lane).first { $0.job.id == verification.job.id }?.lease, "it is not leased")
        try expect(try await self.complete(verification.job, under: lease, attempt: 4), "stale")
    }
}
