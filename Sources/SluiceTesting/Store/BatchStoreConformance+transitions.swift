import SluiceCore

/// Every event on a batch in every status: what ``BatchStatus/after(_:)`` says happens, and nothing else.
extension BatchStoreConformance {
    static let transitionCases = BatchStatus.allCases.flatMap { status in
        BatchStatus.Event.allCases.map { event in
            StoreCase("\(event.rawValue) on a batch that is \(status.name)") { store in
                let batch = Sample.batch()
                try await store.file("file-in", of: 2)
                try await store.bring(batch, to: status)
                try expect(try store.found(batch).status == status, "the batch did not get to be \(status), but \(try store.found(batch).status)")
                let isPossible = try await store.cause(event, on: batch)
                let wanted = isPossible ? status.after(event) ?? status : status
                try expect(try store.found(batch).status == wanted, "it is \(try store.found(batch).status), not \(wanted)")
                try store.expectCountsOfARecount(batch)
            }
        }
    }
}

extension StoreSubject {
    /// A batch of two lines that has got into a status by the ways that lead there; while it goes on, one line is with a worker.
    fileprivate func bring(_ batch: Batch, to status: BatchStatus) async throws {
        switch status {
        case .validating:
            try await self.create(batch)
        case .failed:
            try await self.create(batch)
            _ = try await stored { self.batches.refuse(batch.id, faults: [], at: Sample.now, then: $0) }
        case .inProgress:
            try await self.begun(batch, lines: 2)
            try await self.end(batch, 1) { _ in .failed }
            _ = try await self.lease(Sample.line(1, of: batch).job.lane, limit: 1)
        case .cancelling:
            try await self.begun(batch, lines: 2)
            _ = try await self.lease(Sample.line(1, of: batch).job.lane, limit: 1)
            _ = try await self.cancel(batch)
        case .completed:
            try await self.begun(batch, lines: 2)
            try await self.end(batch) { _ in .failed }
        case .expired:
            try await self.begun(batch, lines: 2)
            _ = try await stored { self.jobs.expire(at: batch.deadline, then: $0) }
        case .cancelled:
            try await self.begun(batch, lines: 2)
            _ = try await self.cancel(batch)
        }
    }

    /// - Returns: Whether the event came about: a last line does not end twice.
    fileprivate func cause(_ event: BatchStatus.Event, on batch: Batch) async throws -> Bool {
        switch event {
        case .validated: _ = try await stored { self.batches.begin(batch.id, total: 2, quote: nil, at: Sample.now, then: $0) }
        case .refused: _ = try await stored { self.batches.refuse(batch.id, faults: [], at: Sample.now, then: $0) }
        case .cancelRequested: _ = try await self.cancel(batch)
        case .finished: return try await self.endLast(of: batch, as: .done)
        case .ranOut:
            if try self.found(batch).status == .validating {
                _ = try await stored { self.jobs.expire(at: batch.deadline, then: $0) }
            } else {
                return try await self.endLast(of: batch, as: .expired)
            }
        case .retried: _ = try await stored { self.batches.retryBatch(batch.id, tenant: nil, at: Sample.now, then: $0) }
        }
        return true
    }

    private func endLast(of batch: Batch, as state: JobState) async throws -> Bool {
        var ended = 0
        for leased in try await self.lease(Sample.line(1, of: batch).job.lane) {
            if try await self.complete(leased.job, under: leased.lease, as: state, attempt: 1) { ended += 1 }
        }
        // What a worker has already.
        for job in try self.jobs.jobs(tenant: nil, states: [.leased], limit: 10, after: nil)?.page ?? [] {
            let lease = Lease(job: try require(job.line.map(Int64.init), "a job that is no line"), number: 1, owner: 1)
            if try await self.complete(job, under: lease, as: state, attempt: 1) { ended += 1 }
        }
        return ended > 0
    }

    /// Counters are those of the rows.
    func expectCountsOfARecount(_ batch: Batch) throws {
        let found = try self.found(batch).lines
        let jobs = try require(try self.jobs.jobs(tenant: nil, states: [], limit: 100_000, after: nil), "no page").page.filter { $0.batchID == batch.id }
        func count(_ state: JobState) -> Int { jobs.filter { $0.state == state }.count }
        try expect(
            found.done == count(.done) && found.failed == count(.failed) && found.expired == count(.expired) && found.cancelled == count(.cancelled),
            "counted \(found), found \(jobs.map(\.state))")
        let results = try self.batches.results(of: batch.id, .all, after: 0, limit: 100_000)
        try expect(results.count == jobs.filter(\.state.isTerminal).count, "\(results.count) results of \(jobs.filter(\.state.isTerminal).count) lines")
        try expect(Set(results.map(\.jobID)).count == results.count, "two results of one line")
    }
}
