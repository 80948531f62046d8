import SluiceCore

/// Every event on a job in every state: what ``JobState/after(_:)`` says happens, and nothing else.
extension JobStoreConformance {
    static let transitionCases = JobState.allCases.filter { $0 != .bundled }.flatMap { state in
        JobState.Event.allCases.filter { $0 != .bundledUpstream && $0 != .answeredElsewhere }.map { event in
            StoreCase("\(event.rawValue) on a job that is \(state == .leased ? "leased" : state.name)") { store in
                let (job, lease) = try await store.job(in: state)
                try expect(try store.state(of: job) == state, "the job did not get to be \(state)")
                try await store.cause(event, on: job, under: lease)
                let wanted = state.after(event) ?? state
                try expect(try store.state(of: job) == wanted, "it is \(try store.state(of: job).map { "\($0)" } ?? "gone"), not \(wanted)")
            }
        }
    }
}

extension StoreSubject {
    /// A job that has got into a state by the ways that lead there, and the last lease that it had.
    fileprivate func job(in state: JobState) async throws -> (Job, Lease?) {
        let later = Sample.now + .seconds(3600)
        var job = Sample.job("job_1", deadline: Sample.now + .seconds(7200), notBefore: state == .held ? later : Sample.now)
        job.promoteTo = "instant"
        switch state {
        case .held, .ready:
            try await self.enqueue(job)
            return (job, nil)
        case .leased:
            return (job, try await self.leased(job))
        case .done, .failed, .expired:
            let lease = try await self.leased(job)
            try expect(try await self.complete(job, under: lease, as: state), "the lease was not current")
            return (job, lease)
        case .cancelled:
            let lease = try await self.leased(job)
            _ = try await stored { self.jobs.cancel(job.id, tenant: nil, at: Sample.now, then: $0) }
            return (job, lease)
        case .bundled:
            throw StoreCase.Unmet(description: "the cases of bundles are their own")
        }
    }

    private func requeue(_ job: Job, notBefore: Timestamp) async throws {
        var job = job
        job.notBefore = notBefore
        _ = try await stored { [job] in self.jobs.requeue([job], at: Sample.now, then: $0) }
    }

    fileprivate func cause(_ event: JobState.Event, on job: Job, under lease: Lease?) async throws {
        // Where the job never had a lease, one that could be its next.
        let lease = lease ?? Lease(job: 1, number: 1, owner: 1)
        switch event {
        case .windowOpened: _ = try await stored { self.jobs.release(at: Sample.now + .seconds(3600), then: $0) }
        case .promoted: _ = try await stored { self.jobs.promote(job.id, at: Sample.now, then: $0) }
        case .leasedByWorker: _ = try await self.lease(job.lane)
        case .answered: _ = try await self.complete(job, under: lease, as: .done, attempt: 7)
        case .failedForGood: _ = try await self.complete(job, under: lease, as: .failed, attempt: 7)
        case .putBack: _ = try await self.putBack(job, under: lease, attempt: 7)
        case .putBackToWait: _ = try await self.putBack(job, under: lease, notBefore: Sample.now + .seconds(60), attempt: 7)
        case .deadlinePassed:
            _ = try await self.complete(job, under: lease, as: .expired, attempt: 7)
            _ = try await stored { self.jobs.expire(at: Sample.now + .seconds(7200), then: $0) }
        case .cancelRequested: _ = try await stored { self.jobs.cancel(job.id, tenant: nil, at: Sample.now, then: $0) }
        case .retried: _ = try await stored { self.jobs.retry(job.id, tenant: nil, at: Sample.now, then: $0) }
        case .requeued: try await self.requeue(job, notBefore: Sample.now)
        case .requeuedToWait: try await self.requeue(job, notBefore: Sample.now + .seconds(3600))
        case .bundledUpstream, .answeredElsewhere: break
        }
    }
}
