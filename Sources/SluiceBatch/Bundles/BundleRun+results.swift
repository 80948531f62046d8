import Logging
import NIOCore
import SluiceCore
import SluiceDispatch

/// What comes back of a bundle.
extension BundleRun {
    private static let linesPerStep = 200

    mutating func poll(_ bundle: Bundle, _ provider: Provider) async throws {
        guard let id = bundle.batch else { return }
        let answer = await provider.perform(provider.dialect.look(at: id))
        guard let batch = answer.success.flatMap({ provider.dialect.readBatch($0) }) else {
            if try await !self.failed(answer, isNew: false, provider, bundle) { try await self.giveUp(bundle) }
            return
        }
        guard batch.isEnded else {
            let hint: Duration? = if case .answered(_, let hint, _) = answer { hint } else { nil }
            self.course.stillRuns(bundle, hint: hint, chance: self.chance, at: self.now)
            return
        }
        try await self.ingest(batch, of: bundle, provider)
    }

    private mutating func ingest(_ batch: UpstreamBatch, of bundle: Bundle, _ provider: Provider) async throws {
        var found = false
        for call in batch.failure == nil ? provider.dialect.results(of: batch) : [] {
            let answer = await provider.perform(call, isLarge: true)
            guard let results = answer.success else {
                // Results that are gone will not come back.
                if answer.status == 404 { continue }
                if try await !self.failed(answer, isNew: false, provider, bundle) { try await self.giveUp(bundle) }
                return
            }
            if try await self.ingest(results, of: bundle, batch, provider) { found = true }
        }
        if !found, batch.failure == nil, !provider.dialect.usesFiles, bundle.lines > 0, batch.status != "canceled" {
            // It was taken for ours by its looks alone, and is not.
            return try await self.giveUp(bundle)
        }
        try await self.endMissing(batch, of: bundle)
        _ = try await self.close(bundle, by: .ended, leftovers: provider.dialect.leftovers(of: batch, bundle))
    }

    /// Gives whether there was a line of this bundle in it.
    private func ingest(_ results: ByteBuffer, of bundle: Bundle, _ batch: UpstreamBatch, _ provider: Provider) async throws -> Bool {
        let lines = try await self.lines()
        let isPulled = bundle.pullAt.map { $0 <= self.now } ?? false
        var (found, ends): (Bool, [LineEnd]) = (false, [])
        var rest = results
        while let text = rest.readLine() {
            guard let line = provider.dialect.readLine(text), let job = bundle.job(ofCustomID: line.customID) else { continue }
            found = true
            guard let known = lines[job] else { continue }
            var end = self.end(of: known, line.kind, bundle, isPulled: isPulled, provider.upstream)
            if case .complete(.done, let answer) = end.fate, let leased = known.leased, let order = self.verification(of: leased, answer, bundle) {
                if answer.body.count <= VerifiedCall.longest { end.verification = order } else { end.entry.settlement?.flags.append(.unverified) }
            }
            ends.append(end)
            if ends.count == BundleRun.linesPerStep { try await self.settle(&ends) }
        }
        try await self.settle(&ends)
        return found
    }

    /// The line's call, if its original is to be asked as well.
    private func verification(of leased: LeasedJob, _ answer: JobResult, _ bundle: Bundle) -> VerificationOrder? {
        let (live, now) = (self.keeper.worker.policy.live, self.keeper.worker.clock.now)
        // By the id alone first: the file of a line that is none of the sample need not be read.
        guard leased.job.model != leased.job.sentModel, live.policy.substitutions.contains(where: { $0.verifies(leased.job.requestID) }),
            let call = try? self.keeper.files.withCall(leased).dispatchCall(by: live, at: now)
        else { return nil }
        var ids = RequestIDs()
        return VerifiedCall(
            call, answer: answer, from: bundle.backend, attempts: leased.job.attempts, id: ids.next("job_", at: now.wall.milliseconds), at: now.wall
        )?.order
    }

    private func lines() async throws -> [Int64: BundledLine] {
        let lines = try await self.keeper.read { [id] store throws(StoreError) in try store.lines(of: id) }
        return Dictionary(uniqueKeysWithValues: lines.map { ($0.job, $0) })
    }

    private func meter(_ line: BundledLine, _ bundle: Bundle) -> LineMeter {
        let leased = line.leased.map { self.keeper.files.withCall($0) }
        return LineMeter(
            line.intent.entry, request: leased?.call?.request, job: leased?.job, endpoint: bundle.endpoint, live: self.keeper.worker.policy.live)
    }

    /// What one line of the results means.
    private func end(
        of line: BundledLine, _ kind: UpstreamLine.Kind, _ bundle: Bundle, isPulled: Bool, _ upstream: LivePolicy.Upstream
    ) -> LineEnd {
        let (meter, now) = (self.meter(line, bundle), self.now)
        func back(_ entry: LedgerEntry, _ reason: String, isOffLanes: Bool) -> LineEnd {
            LineEnd(job: line.job, entry: entry, fate: .back(LineReturn(reason, isOffLanes: isOffLanes)))
        }
        switch kind {
        case .notRun(let reason):
            let isTried = (line.intent.entry.attempt ?? 0) >= BundleTerms.mostAttempts
            return back(meter.free(.notSent, status: nil, at: now), "the provider did not run it: \(reason)", isOffLanes: isPulled || isTried)
        case .answered(let status, let body) where (200..<300).contains(status):
            let reading = meter.read(body)
            switch reading.kind {
            case .answer:
                let entry = meter.answered(reading, status: status, at: now)
                var result = JobResult(status: status, contentType: "application/json", body: Array(buffer: body))
                result.lines = meter.lines(of: entry)
                return LineEnd(job: line.job, entry: entry, fate: .complete(.done, result))
            case .error(let problem):
                return back(meter.free(.refused, status: problem.status, at: now), upstream.masked(problem.message), isOffLanes: true)
            case .garbage(let reason):
                return back(line.intent.inDoubt(at: now), reason, isOffLanes: true)
            }
        case .answered(let status, let body):
            let isFinal = (400..<500).contains(status) && ![401, 402, 403, 408, 409, 429].contains(status)
            let entry = meter.free(status >= 500 && status != 529 ? .upstreamError : .refused, status: status, at: now)
            guard isFinal else { return back(entry, "the backend answered \(status)", isOffLanes: true) }
            var result = JobResult(status: status, contentType: "application/json", body: Array(buffer: upstream.masked(body)))
            result.lines = meter.lines(of: entry)
            return LineEnd(job: line.job, entry: entry, fate: .complete(.failed, result))
        }
    }

    /// Lines of which the results say nothing.
    private func endMissing(_ batch: UpstreamBatch, of bundle: Bundle) async throws {
        let isPulled = bundle.pullAt.map { $0 <= self.now } ?? false
        if let failure = batch.failure {
            // What the account may have waiting is used up: there will be room again, and no line is to blame.
            let isFull = failure.lowercased().contains("enqueued token")
            if isFull { self.park(bundle, for: .seconds(300)) }
            return try await self.endOpenLines(of: bundle, LineReturn("the provider refused its batch: \(failure)", isOffLanes: !isFull)) { meter, now in
                meter.free(.refused, status: nil, at: now)
            }
        }
        let isWhole = batch.status == "completed" || batch.status == "ended"
        let how = LineReturn("the provider's results do not have it", isOffLanes: isPulled || isWhole)
        try await self.endOpenLines(of: bundle, how) { meter, now in isWhole ? nil : meter.free(.notSent, status: nil, at: now) }
    }

    /// Ends the lines that are left; those for which `entry` gives none are in doubt.
    func endOpenLines(of bundle: Bundle, _ how: LineReturn, entry: (LineMeter, Timestamp) -> LedgerEntry?) async throws {
        var ends: [LineEnd] = []
        for line in try await self.lines().values.sorted(by: { $0.job < $1.job }) {
            let end = entry(self.meter(line, bundle), self.now) ?? line.intent.inDoubt(at: self.now)
            ends.append(LineEnd(job: line.job, entry: end, fate: .back(how)))
            if ends.count == BundleRun.linesPerStep { try await self.settle(&ends) }
        }
        try await self.settle(&ends)
    }

    private func settle(_ ends: inout [LineEnd]) async throws {
        guard !ends.isEmpty else { return }
        let (written, now) = (ends, self.now)
        ends = []
        let outcomes = try await self.keeper.stored { self.keeper.store.settle(self.id, written, at: now, then: $0) }
        for end in written { self.keeper.settle(end.job, in: self.id, end.entry.settlement) }
        for outcome in outcomes {
            if let result = outcome.result { self.keeper.worker.signals.announce(outcome.job, .answered(result)) }
            if outcome.wasLeased { self.keeper.worker.drop(outcome.job) }
        }
        self.keeper.worker.signals.nudge()
        self.keeper.worker.signals.nudgeDelivery()
    }

    // MARK: Other ends

    func close(_ bundle: Bundle, by event: BundleState.Event, leftovers: [String]) async throws -> Bool {
        let now = self.now
        self.keeper.history.ended(bundle, by: event, at: now)
        return try await self.keeper.stored { self.keeper.store.close(self.id, by: event, leftovers: leftovers, at: now, then: $0) }
    }

    mutating func askCancel(_ bundle: Bundle, _ provider: Provider) async throws {
        guard let id = bundle.batch else { return }
        let answer = await provider.perform(provider.dialect.cancel(id))
        // A batch that has ended meanwhile refuses.
        guard answer.success != nil || answer.status == 400 || answer.status == 409 || answer.status == 404 else {
            _ = try await self.failed(answer, isNew: false, provider, bundle)
            return
        }
        _ = try await self.keeper.stored { self.keeper.store.askedCancel(self.id, then: $0) }
        self.course.succeeded()
        self.course.askedCancel(at: self.now)
    }

    mutating func hedge(_ bundle: Bundle) async throws {
        let now = self.now
        let how = LineReturn("its batch is late: it runs elsewhere, and the first result counts", isOffLanes: true)
        _ = try await self.keeper.stored { self.keeper.store.hedge(self.id, how, at: now, then: $0) }
        self.course.hedged()
        self.keeper.worker.signals.nudge()
    }

    func withdraw(_ bundle: Bundle) async throws {
        let isPulled = bundle.pullAt.map { $0 <= self.now } ?? false
        try await self.endOpenLines(of: bundle, LineReturn("its batch did not get to the provider", isOffLanes: isPulled)) { meter, now in
            meter.free(.notSent, status: nil, at: now)
        }
        _ = try await self.close(bundle, by: .refused, leftovers: bundle.file.map { [$0] } ?? [])
    }

    func giveUp(_ bundle: Bundle) async throws {
        try await self.endOpenLines(of: bundle, LineReturn("nobody knows what became of its batch", isOffLanes: true)) { _, _ in nil }
        _ = try await self.close(bundle, by: .givenUp, leftovers: [])
    }

    mutating func deleteFiles(_ bundle: Bundle, _ provider: Provider) async throws {
        for leftover in bundle.leftovers {
            let answer = await provider.perform(provider.dialect.delete(leftover))
            guard answer.success == nil, answer.status != 404 else { continue }
            if self.course.deletionFailed(at: self.now) { return }
            self.keeper.logger.warning(
                "files of a batch could not be deleted at the provider", metadata: ["backend.name": "\(bundle.backend)", "bundle": "\(bundle.token)"])
            break
        }
        try await self.keeper.stored { self.keeper.store.forgetLeftovers(of: self.id, then: $0) }
    }
}

extension ByteBuffer {
    /// The next line without its end; nil at the end.
    fileprivate mutating func readLine() -> ByteBuffer? {
        guard self.readableBytes > 0 else { return nil }
        let length = self.readableBytesView.firstIndex(of: UInt8(ascii: "\n")).map { $0 - self.readerIndex } ?? self.readableBytes
        let line = self.readSlice(length: length)
        self.moveReaderIndex(forwardBy: min(1, self.readableBytes))
        return line
    }
}
