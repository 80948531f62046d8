import SluiceCore

/// What every ``BundleStore`` must do.
package enum BundleStoreConformance {
    package static let cases = Self.buildingCases + Self.endCases + Self.crashCases

    private static let buildingCases = [
        StoreCase("jobs are taken once, and no more than there are") { store in
            let jobs = try await store.enqueued(3)
            let first = try await store.gathered(jobs[0].lane, 2)
            try expect(first.jobs.map(\.job.id) == ["job_1", "job_2"], "\(first.jobs.map(\.job.id)) were taken")
            try expect(try await store.gathered(jobs[0].lane, 2, token: "b").jobs.map(\.job.id) == ["job_3"], "the third was not taken, or more")
            try expect(try await store.gathered(jobs[0].lane, 2, token: "c").bundle == nil, "a bundle of nothing was made")
            try expect(try store.state(of: jobs[0]) == .bundled, "a job that was taken is not bundled")
            try expect(try await store.lease(jobs[0].lane).isEmpty, "a bundled job was leased")
        },
        StoreCase("bundles of one model take no more tokens together than the provider lets wait, but for one job that is alone") { store in
            for id in 1...5 {
                var job = Sample.job("job_\(id)")
                job.estimatedTokens = 100
                try await store.enqueue(job)
            }
            let lane = Sample.job("").lane
            let first = try await store.gathered(lane, 5, quota: 250)
            try expect(first.jobs.map(\.job.id) == ["job_1", "job_2"], "\(first.jobs.map(\.job.id)) were taken")
            try expect(try await store.gathered(lane, 5, token: "b", quota: 250).bundle == nil, "there was room for more")
            try expect(try await store.gathered(lane, 5, token: "c", quota: 350).jobs.map(\.job.id) == ["job_3"], "the room that is left was not used")
            let bundle = try require(first.bundle, "there is no bundle")
            let returned = first.jobs.map { (job: $0.lease.job, how: LineReturn("no", isOffLanes: true)) }
            _ = try await stored { store.bundles.submit(bundle, intents: [], returned: returned, at: Sample.now, then: $0) }
            try expect(try await store.gathered(lane, 5, token: "d", quota: 200).jobs.map(\.job.id) == ["job_4"], "what went back still counts")
        },
        StoreCase("a job that is larger than the provider's quota goes alone") { store in
            for id in 1...2 {
                var job = Sample.job("job_\(id)")
                job.estimatedTokens = 100
                try await store.enqueue(job)
            }
            let lane = Sample.job("").lane
            try expect(try await store.gathered(lane, 5, quota: 60).jobs.map(\.job.id) == ["job_1"], "not one alone was taken")
            try expect(try await store.gathered(lane, 5, token: "b", quota: 60).bundle == nil, "another one was taken beside it")
        },
        StoreCase("what is sent has its intents first, one for each line") { store in
            let (bundle, jobs) = try await store.submitted(2)
            let found = try require(try store.bundles.bundle(bundle.id), "the bundle is gone")
            try expect(found.state == .submitting && found.lines == 2 && found.running == 2, "\(found)")
            try expect(try store.entries(of: jobs[0]).map(\.kind) == [.intent], "a line has no intent, or more")
            try expect(try store.bundles.lines(of: bundle.id).map(\.intent.entry.attempt) == [1, 1], "the lines lack their attempts")
        },
        StoreCase("a job that is cancelled while its bundle is built is no part of it") { store in
            let jobs = try await store.enqueued(2)
            let gathered = try await store.gathered(jobs[0].lane, 2)
            _ = try await stored { store.jobs.cancel("job_1", tenant: nil, at: Sample.now, then: $0) }
            let present = try await store.submit(gathered, jobs)
            try expect(present.count == 1, "\(present.count) lines are in it")
            try expect(try store.entries(of: jobs[0]).isEmpty, "a call that will not be made is in the ledger")
        },
        StoreCase("what is no line goes back, off the lanes or not") { store in
            let jobs = try await store.enqueued(2)
            let gathered = try await store.gathered(jobs[0].lane, 2)
            let bundle = try require(gathered.bundle, "there is no bundle")
            let returned = gathered.jobs.map { (job: $0.lease.job, how: LineReturn("no", isOffLanes: $0.job.id == "job_1")) }
            let present = try await stored { store.bundles.submit(bundle, intents: [], returned: returned, at: Sample.now, then: $0) }
            try expect(present.isEmpty, "there are lines")
            try expect(try store.bundles.bundle(bundle.id) == nil, "a bundle of nothing is kept")
            try expect(try store.jobs.job("job_1", tenant: nil)?.rung == Job.offLanes, "it may go to a lane again")
            try expect(try await store.lease(jobs[1].lane).map(\.job.id) == ["job_2"], "the other is not where it was")
            var lane = jobs[0].lane
            lane.rung = Job.offLanes
            try expect(try await store.lease(lane).map(\.job.id) == ["job_1"], "the first cannot be leased")
        },
        StoreCase("a job that is off the lanes is promoted like any other") { store in
            var job = Sample.job("job_1")
            (job.rung, job.promoteAt, job.promoteTo) = (Job.offLanes, Sample.now + .seconds(60), "instant")
            try await store.enqueue(job)
            let due = try await stored { store.jobs.release(at: Sample.now + .seconds(60), then: $0) }
            try expect(due.moved == 1, "it was not promoted")
            try expect(try store.jobs.job("job_1", tenant: nil)?.rung == 1, "it is not on rung 1")
        },
    ]

    private static let crashCases = [
        StoreCase("after a kill, a bundle of which nothing has left is given back") { store in
            let jobs = try await store.enqueued(2)
            _ = try await store.gathered(jobs[0].lane, 2)
            let next = try await store.afterKill()
            try expect(try next.state(of: jobs[0]) == .ready, "its jobs are not ready")
            try expect(try next.bundles.openBundles().isEmpty, "it is still there")
            try expect(try await next.lease(jobs[0].lane).count == 2, "its jobs cannot be leased")
        },
        StoreCase("after a kill, what a provider may have is still there, and not in doubt") { store in
            let (bundle, jobs) = try await store.submitted(2)
            let next = try await store.afterKill()
            try expect(try next.bundles.openBundles().map(\.id) == [bundle.id], "the bundle is gone")
            try expect(try next.entries(of: jobs[0]).map(\.kind) == [.intent], "its lines are in doubt")
            try expect(try next.state(of: jobs[0]) == .bundled, "its jobs do not wait for it")
            let outcomes = try await next.settle(bundle, [try next.answered(bundle, jobs[0])])
            try expect(outcomes.map(\.job) == ["job_1"], "the next process cannot take in what comes")
            try expect(try next.state(of: jobs[0]) == .done, "the job is not done")
        },
        StoreCase("how far a bundle has got survives") { store in
            let (bundle, _) = try await store.submitted(1)
            try await stored { store.bundles.keep(file: "file-1", of: bundle.id, then: $0) }
            let isOpen = try await stored { store.bundles.accept(bundle.id, as: "batch_1", then: $0) }
            try expect(isOpen, "it was not accepted")
            let next = try await store.afterKill()
            let found = try require(try next.bundles.bundle(bundle.id), "it is gone")
            try expect(found.state == .open && found.file == "file-1" && found.batch == "batch_1", "\(found)")
        },
    ]
}

extension StoreSubject {
    func enqueued(_ count: Int) async throws -> [Job] {
        let jobs = (1...count).map { Sample.job("job_\($0)") }
        for job in jobs { try await self.enqueue(job) }
        return jobs
    }

    func gathered(_ lane: Job.Lane, _ jobs: Int, token: String = "a", quota: Int? = nil) async throws -> GatheredBundle {
        let draft = Bundle(token: token, backend: "lane", model: "gpt-large", endpoint: .chat, created: Sample.now)
        return try await stored { self.bundles.gather([(lane, jobs)], into: draft, quota: quota, at: Sample.now, then: $0) }
    }

    func submit(_ gathered: GatheredBundle, _ jobs: [Job]) async throws -> Set<Int64> {
        let bundle = try require(gathered.bundle, "there is no bundle")
        let intents = gathered.jobs.map { (job: $0.lease.job, intent: Sample.intent(self.subject(of: $0.job))) }
        return try await stored { self.bundles.submit(bundle, intents: intents, returned: [], at: Sample.now, then: $0) }
    }

    /// A bundle of so many jobs that the provider may have.
    func submitted(_ count: Int) async throws -> (Bundle, [Job]) {
        let jobs = try await self.enqueued(count)
        let gathered = try await self.gathered(jobs[0].lane, count)
        try expect(try await self.submit(gathered, jobs).count == count, "not all jobs are in the bundle")
        return (try require(gathered.bundle, "there is no bundle"), jobs)
    }

    func line(_ bundle: Bundle, _ job: Job) throws -> BundledLine {
        try require(try self.bundles.lines(of: bundle.id).first { $0.intent.entry.subject?.requestID == job.requestID }, "\(job.id) has no line")
    }

    func answered(_ bundle: Bundle, _ job: Job, as state: JobState = .done) throws -> LineEnd {
        let result = JobResult(status: state == .done ? 200 : 400, contentType: "application/json", body: Array("{}".utf8))
        return LineEnd(job: try self.line(bundle, job).job, entry: Sample.settled(self.subject(of: job)), fate: .complete(state, result))
    }

    func notRun(_ bundle: Bundle, _ job: Job, isOffLanes: Bool = false) throws -> LineEnd {
        var entry = Sample.settled(self.subject(of: job), cost: .zero, baseline: nil)
        entry.settlement?.outcome = .notSent
        return LineEnd(job: try self.line(bundle, job).job, entry: entry, fate: .back(LineReturn("expired", isOffLanes: isOffLanes)))
    }

    @discardableResult
    func settle(_ bundle: Bundle, _ ends: [LineEnd]) async throws -> [LineOutcome] {
        try await stored { self.bundles.settle(bundle.id, ends, at: Sample.now, then: $0) }
    }
}
