import SluiceCore

extension StoreSubject {
    /// A batch that is being validated.
    func create(_ batch: Batch, answer: KeptAnswer? = nil) async throws {
        try await stored { self.batches.create(batch, answer: answer, then: $0) }
    }

    /// A batch in progress with so many ready lines.
    func begun(_ batch: Batch, lines: Int) async throws {
        try await self.create(batch)
        let isBegun = try await stored { self.batches.begin(batch.id, total: lines, quote: nil, at: Sample.now, then: $0) }
        try expect(isBegun, "the batch did not begin")
        guard lines > 0 else { return }
        try expect(try await self.add((1...lines).map { Sample.line($0, of: batch) }, to: batch), "its lines were not taken")
    }

    func add(_ lines: [BatchLine], to batch: Batch) async throws -> Bool {
        try await stored { self.batches.add(lines, to: batch.id, at: Sample.now, then: $0) }
    }

    func found(_ batch: Batch) throws -> Batch { try require(try self.batches.batch(batch.id, tenant: nil), "batch \(batch.id) is gone") }

    /// Leases lines of a batch and ends each as its number says.
    func end(_ batch: Batch, _ limit: Int = 100, at now: Timestamp = Sample.now, as state: (Int) -> JobState) async throws {
        for leased in try await self.lease(Sample.line(1, of: batch).job.lane, limit: limit) {
            let attempt = leased.job.attempts + 1
            try await self.begin(leased.job, under: leased.lease, attempt: attempt)
            let isCurrent = try await self.complete(leased.job, under: leased.lease, as: state(leased.job.line ?? 0), attempt: attempt)
            try expect(isCurrent, "the lease of a line was stale")
        }
    }

    func cancel(_ batch: Batch) async throws -> (batch: Batch, running: [String]) {
        try require(try await stored { self.batches.cancelBatch(batch.id, tenant: nil, at: Sample.now, then: $0) }, "there is no batch to cancel")
    }

    /// Until nothing is left to do.
    func sweep(at now: Timestamp = Sample.now) async throws {
        while try await stored({ self.batches.sweepBatches(at: now, then: $0) }) > 0 {}
    }

    /// The custom ids of a side, page by page.
    func customIDs(_ batch: Batch, _ side: BatchSide) throws -> [String] {
        var ids: [String] = []
        var after: Int64 = 0
        while true {
            let page = try self.batches.results(of: batch.id, side, after: after, limit: 2)
            guard let last = page.last else { return ids }
            try expect(page.allSatisfy { $0.sequence > after }, "a page that goes back")
            ids += page.map(\.customID)
            after = last.sequence
        }
    }
}
