import SluiceCore
import SluiceSQLite
import SluiceTesting

/// One batch with workers that come too late, twice or never, bundles that are with a provider, and people who cancel, pause and retry, in an order
/// drawn from a seed; after every step the store is compared with a ``BatchModel`` (`promises.md` P2, P3, P4, P9).
struct BatchSimulation {
    private static let steps = 40

    /// The store is not as the model says.
    struct Difference: Error, CustomStringConvertible {
        let description: String
    }

    let jobs: SQLiteJobStore
    let bundles: SQLiteBundleStore
    private let batches: SQLiteBatchStore
    private let ledger: SQLiteLedger
    let batch: Batch
    var generator: SplitMix64
    var model: BatchModel
    private(set) var now = Sample.now
    /// Every lease that was ever given, with its line.
    private var leases: [(line: Int, leased: LeasedJob)] = []
    /// Every line of a bundle that was ever sent, and whether its end was told.
    var sent: [SentLine] = []
    private var history: [String] = []

    init(seed: UInt64, in database: SQLiteDatabase) throws {
        self.jobs = SQLiteJobStore(database)
        self.bundles = SQLiteBundleStore(database)
        self.batches = SQLiteBatchStore(database)
        self.ledger = SQLiteLedger(database)
        self.generator = SplitMix64(seed)
        let window = Duration.seconds(Int.random(in: 20...60, using: &self.generator))
        let count = Int.random(in: 1...6, using: &self.generator)
        let batch = Sample.batch("batch_s\(seed)", tenant: "tenant-\(seed)", deadline: self.now + window)
        self.batch = batch
        self.model = BatchModel(lines: count, now: self.now, window: window)
        try waiting { [batches] in batches.create(batch, answer: nil, then: $0) }
        _ = try waiting { [batches] in batches.begin(batch.id, total: count, quote: nil, at: Sample.now, then: $0) }
        try self.addAll()
    }

    /// - Throws: ``Difference`` with what was done up to there.
    mutating func run() throws {
        for _ in 0..<BatchSimulation.steps {
            self.now = self.now + .seconds(1)
            try self.step()
            try self.compare()
        }
        try self.finish()
    }

    private func addAll() throws {
        let lines = self.model.lines.indices.map { self.line($0) }
        _ = try waiting { self.batches.add(lines, to: self.batch.id, at: self.now, then: $0) }
    }

    func line(_ index: Int) -> BatchLine { Sample.line(index + 1, of: self.batch) }

    private mutating func step() throws {
        switch Int.random(in: 0..<20, using: &self.generator) {
        case 0, 1, 2: try self.lease()
        case 3, 4, 5, 6: try self.complete()
        case 7, 8: try self.putBack()
        case 9: try self.cancelLine()
        case 10: try self.expire()
        case 11: try self.release()
        case 12: try self.pause()
        case 13: try self.retry()
        case 14: try self.addAgain()
        case 15: try self.bundle()
        case 16, 17: try self.settle()
        case 18: try self.hedge()
        default: if Int.random(in: 0..<4, using: &self.generator) == 0 { try self.cancelBatch() } else { try self.sweep() }
        }
    }

    // MARK: Workers

    private mutating func lease() throws {
        let limit = Int.random(in: 1...3, using: &self.generator)
        let leased = try waiting { self.jobs.lease(self.line(0).job.lane, limit: limit, at: self.now, then: $0) }
        self.note("lease \(limit): \(leased.map { $0.job.line ?? 0 })")
        try self.expect(leased.count == (self.model.isHalted ? 0 : min(limit, self.model.count(.ready))), "leased \(leased.count)")
        for item in leased {
            let line = (item.job.line ?? 0) - 1
            try self.expect(self.model.move(line, .leasedByWorker), "leased a line that is not ready")
            self.model.lines[line].lease += 1
            try self.expect(item.lease.number == self.model.lines[line].lease, "another number of the lease")
            self.leases.append((line, item))
        }
    }

    /// Any lease that was ever given may come back, as often as it likes.
    private mutating func complete() throws {
        guard let (line, leased) = self.leases.randomElement(using: &self.generator) else { return }
        let state = [JobState.done, .done, .failed, .expired, .cancelled].randomElement(using: &self.generator) ?? .done
        let holds = self.model.holds(line, leased.lease.number)
        try self.begin(leased, holds)
        let answer = state == .done ? JobResult(status: 200, contentType: "application/json", body: Array("{\"n\":\(line)}".utf8)) : nil
        let ends = [self.end(of: leased)]
        let isCurrent = try waiting { self.jobs.complete(leased.lease, as: state, result: answer, ends: ends, verification: nil, at: self.now, then: $0) }
        self.note("complete line \(line + 1), lease \(leased.lease.number), as \(state): \(isCurrent)")
        try self.expect(isCurrent == holds, "a lease that \(holds ? "holds" : "is stale") completes: \(isCurrent)")
        self.model.booked.insert([line, leased.lease.number])
        guard holds else { return }
        self.model.move(line, [.done: .answered, .failed: .failedForGood, .expired: .deadlinePassed, .cancelled: .cancelRequested][state] ?? .answered)
        self.model.endIfDone()
    }

    private mutating func putBack() throws {
        guard let (line, leased) = self.leases.randomElement(using: &self.generator) else { return }
        let isLater = Bool.random(using: &self.generator)
        let holds = self.model.holds(line, leased.lease.number)
        try self.begin(leased, holds)
        let notBefore = isLater ? self.now + .seconds(Int.random(in: 1...9, using: &self.generator)) : self.now
        let ends = [self.end(of: leased)]
        let isCurrent = try waiting { self.jobs.putBack(leased.lease, notBefore: notBefore, error: "429", ends: ends, at: self.now, then: $0) }
        self.note("put back line \(line + 1), lease \(leased.lease.number), later \(isLater): \(isCurrent)")
        try self.expect(isCurrent == holds, "a lease that \(holds ? "holds" : "is stale") puts back: \(isCurrent)")
        self.model.booked.insert([line, leased.lease.number])
        if holds { self.model.move(line, isLater ? .putBackToWait : .putBack) }
    }

    /// An attempt for each lease, with its number.
    private func begin(_ leased: LeasedJob, _ holds: Bool) throws {
        let intent = Sample.intent(self.subject(of: leased), attempt: BatchSimulation.attempt(under: leased.lease))
        let isBegun = (try? waiting { self.jobs.begin(intent, under: leased.lease, then: $0) }) != nil
        try self.expect(!isBegun || holds, "a stale lease begins a call")
    }

    private func end(of leased: LeasedJob) -> LedgerEntry {
        Sample.settled(self.subject(of: leased), attempt: BatchSimulation.attempt(under: leased.lease))
    }

    /// Far from those of lines of bundles, which the store counts itself.
    private static func attempt(under lease: Lease) -> Int { 1000 + lease.number }

    func subject(of leased: LeasedJob) -> LedgerEntry.Subject {
        Sample.subject(leased.job.requestID, tenant: leased.job.tenant, jobID: leased.job.id, serve: .later)
    }

    // MARK: Time and people

    private mutating func cancelLine() throws {
        guard let line = self.model.lines.indices.randomElement(using: &self.generator) else { return }
        self.note("cancel line \(line + 1)")
        _ = try waiting { self.jobs.cancel(self.line(line).job.id, tenant: nil, at: self.now, then: $0) }
        if self.model.move(line, .cancelRequested) { self.model.endIfDone() }
    }

    private mutating func expire() throws {
        self.note("expire")
        _ = try waiting { self.jobs.expire(at: self.now, then: $0) }
        // Lines keep the deadline that they were stored or armed again with.
        if self.model.deadline <= self.now { self.model.endWaiting(.deadlinePassed) }
    }

    private mutating func release() throws {
        // Far enough for all that was put back to wait, so that the model need not know when.
        self.now = self.now + .seconds(10)
        self.note("release")
        _ = try waiting { self.jobs.release(at: self.now, then: $0) }
        for line in self.model.indices(.held) { self.model.move(line, .windowOpened) }
    }

    private mutating func pause() throws {
        let isPaused = Bool.random(using: &self.generator)
        self.note("pause \(isPaused)")
        _ = try waiting { self.batches.pause(self.batch.id, isPaused, tenant: nil, then: $0) }
        if !self.model.status.isTerminal { self.model.isPaused = isPaused }
    }

    private mutating func retry() throws {
        self.note("retry")
        _ = try waiting { self.batches.retryBatch(self.batch.id, tenant: nil, at: self.now, then: $0) }
        if self.model.retry(at: self.now) { try self.sweepAll() }
    }

    private mutating func addAgain() throws {
        self.note("add again")
        try self.addAll()
    }

    private mutating func cancelBatch() throws {
        self.note("cancel batch")
        _ = try waiting { self.batches.cancelBatch(self.batch.id, tenant: nil, at: self.now, then: $0) }
        guard let status = self.model.status.after(.cancelRequested) else { return }
        self.model.status = status
        self.model.endWaiting(.cancelRequested)
    }

    private mutating func sweep() throws {
        self.note("sweep")
        try self.sweepAll()
        if self.model.status == .cancelling { self.model.endWaiting(.cancelRequested) }
    }

    private func sweepAll() throws {
        while try waiting(for: { self.batches.sweepBatches(at: self.now, then: $0) }) > 0 {}
    }

    // MARK: Comparing

    mutating func note(_ what: String) { self.history.append(what) }

    func expect(_ condition: Bool, _ what: @autoclosure () -> String) throws {
        guard !condition else { return }
        throw Difference(description: "\(what()); model \(self.model.status) \(self.model.lines.map(\.state)); after \(self.history.joined(separator: ", "))")
    }

    private func compare() throws {
        guard let found = try self.batches.batch(self.batch.id, tenant: self.batch.tenant) else { return try self.expect(false, "the batch is gone") }
        try self.expect(found.status == self.model.status, "the batch is \(found.status)")
        let counted = [found.lines.done, found.lines.failed, found.lines.expired, found.lines.cancelled]
        try self.expect(counted == [JobState.done, .failed, .expired, .cancelled].map(self.model.count), "counted \(counted)")
        for index in self.model.lines.indices {
            let state = try self.jobs.job(self.line(index).job.id, tenant: nil)?.state
            try self.expect(state == self.model.lines[index].state, "line \(index + 1) is \(state.map { "\($0)" } ?? "gone")")
        }
        let results = try self.batches.results(of: self.batch.id, .all, after: 0, limit: 100)
        try self.expect(
            results.count == self.model.lines.filter(\.state.isTerminal).count && Set(results.map(\.jobID)).count == results.count, "\(results.count) results")
        let cost = Money("0.00276") ?? .zero
        try self.expect(found.spent == Money(pico: cost.pico * Int64(self.model.booked.count)), "spent \(found.spent)")
        let open = self.model.isHalted ? 0 : self.model.count(.ready) + self.model.count(.held)
        let waiting = self.jobs.backlog().filter { $0.lane.tenant == self.batch.tenant }.flatMap(\.buckets).reduce(0) { $0 + $1.ready.jobs + $1.held.jobs }
        try self.expect(waiting == open, "\(waiting) in the backlog")
    }

    /// Ends everything: each line with one result, each attempt with one end.
    private mutating func finish() throws {
        self.model.isPaused = false
        _ = try waiting { self.batches.pause(self.batch.id, false, tenant: nil, then: $0) }
        for (line, leased) in self.leases where self.model.holds(line, leased.lease.number) {
            let ends = [self.end(of: leased)]
            _ = try waiting { self.jobs.complete(leased.lease, as: .failed, result: nil, ends: ends, verification: nil, at: self.now, then: $0) }
            self.model.booked.insert([line, leased.lease.number])
            self.model.move(line, .failedForGood)
            self.model.endIfDone()
        }
        try self.cancelBatch()
        try self.sweep()
        try self.closeBundles()
        try self.compare()
        try self.expect(self.model.status.isTerminal, "it does not end")
        var paid = 0
        for index in self.model.lines.indices {
            let entries = try self.ledger.rows(ofRequest: self.line(index).job.requestID).map { try LedgerLine.read($0.line).entry }
            let ends = entries.filter(\.kind.isEnd)
            try self.expect(Set(ends.compactMap(\.attempt)).count == ends.count, "an attempt with two ends")
            paid += ends.count
        }
        try self.expect(paid == self.model.booked.count, "\(paid) ends in the ledger, \(self.model.booked.count) attempts")
    }
}
