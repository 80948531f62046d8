import SluiceCore
import SluiceSQLite
import SluiceTesting

/// Lines that are with a provider: they come back in any order, late, twice or not at all, while their jobs go on.
extension BatchSimulation {
    struct SentLine {
        var bundle: Int64
        var line: Int
        /// The lease under which the bundle has the job.
        var lease: Int
        var attempt: Int
        var leased: LeasedJob
        var isEnded = false
    }

    /// Takes ready lines into a bundle and sends it.
    mutating func bundle() throws {
        let limit = Int.random(in: 1...3, using: &self.generator)
        let token = "\(self.batch.id)-\(self.sent.count)"
        let draft = Bundle(token: token, backend: "lane", model: "gpt-large", endpoint: .chat, created: self.now)
        let lane = self.line(0).job.lane
        let gathered = try waiting { [bundles, now] in bundles.gather([(lane, limit)], into: draft, quota: nil, at: now, then: $0) }
        self.note("bundle \(limit): \(gathered.jobs.map { $0.job.line ?? 0 })")
        try self.expect(gathered.jobs.count == (self.model.isHalted ? 0 : min(limit, self.model.count(.ready))), "bundled \(gathered.jobs.count)")
        guard let bundle = gathered.bundle else { return }
        var lines: [SentLine] = []
        for leased in gathered.jobs {
            let line = (leased.job.line ?? 0) - 1
            try self.expect(self.model.move(line, .bundledUpstream), "bundled a line that is not ready")
            self.model.lines[line].lease += 1
            try self.expect(leased.lease.number == self.model.lines[line].lease, "another number of the lease")
            lines.append(SentLine(bundle: bundle.id, line: line, lease: leased.lease.number, attempt: leased.job.attempts + 1, leased: leased))
        }
        let intents = lines.map { (job: $0.leased.lease.job, intent: Sample.intent(self.subject(of: $0.leased), attempt: $0.attempt)) }
        let present = try waiting { [bundles, now] in bundles.submit(bundle, intents: intents, returned: [], at: now, then: $0) }
        try self.expect(present.count == lines.count, "\(present.count) of \(lines.count) lines were sent")
        let isOpen = try waiting { [bundles] in bundles.accept(bundle.id, as: token, then: $0) }
        try self.expect(isOpen, "a bundle cannot be accepted")
        self.sent += lines
    }

    /// Tells the end of any line that was ever sent, as often as it likes.
    mutating func settle() throws {
        guard let index = self.sent.indices.randomElement(using: &self.generator) else { return }
        try self.settle(index, Int.random(in: 0..<4, using: &self.generator))
    }

    private mutating func settle(_ index: Int, _ how: Int) throws {
        let sent = self.sent[index]
        let isCurrent = self.model.lines[sent.line].state == .bundled && self.model.lines[sent.line].lease == sent.lease
        let result = JobResult(status: how == 2 ? 400 : 200, contentType: "application/json", body: Array("{\"b\":\(index)}".utf8))
        let fate: LineEnd.Fate =
            switch how {
            case 0, 1: .complete(.done, result)
            case 2: .complete(.failed, result)
            default: .back(LineReturn("expired", isOffLanes: false))
            }
        let end = LineEnd(job: sent.leased.lease.job, entry: Sample.settled(self.subject(of: sent.leased), attempt: sent.attempt), fate: fate)
        let outcomes = try waiting { [bundles, now] in bundles.settle(sent.bundle, [end], at: now, then: $0) }
        self.note("end \(how) of line \(sent.line + 1) in bundle \(sent.bundle): \(outcomes.count)")
        guard !sent.isEnded else { return try self.expect(outcomes.isEmpty, "a line ends twice") }
        self.sent[index].isEnded = true
        self.model.booked.insert([sent.line, -sent.attempt])
        let event: JobState.Event? =
            switch how {
            case 0, 1: isCurrent ? .answered : .answeredElsewhere
            case 2: isCurrent ? .failedForGood : nil
            default: isCurrent ? .putBack : nil
            }
        let hasMoved = event.map { self.model.move(sent.line, $0) } ?? false
        try self.expect(outcomes.count == (hasMoved && how != 3 ? 1 : 0), "\(outcomes.count) jobs end")
        if hasMoved { self.model.endIfDone() }
    }

    /// Sends the jobs of a bundle on, while its lines stay open.
    mutating func hedge() throws {
        guard let bundle = self.sent.randomElement(using: &self.generator)?.bundle else { return }
        let lines = self.sent.filter { sent in
            sent.bundle == bundle && !sent.isEnded && self.model.lines[sent.line].state == .bundled && self.model.lines[sent.line].lease == sent.lease
        }
        let count = try waiting { [bundles, now] in bundles.hedge(bundle, LineReturn("late", isOffLanes: false), at: now, then: $0) }
        self.note("hedge bundle \(bundle): \(count)")
        try self.expect(count == lines.count, "\(count) of \(lines.count) jobs go on")
        for sent in lines { self.model.move(sent.line, .putBack) }
    }

    /// Tells the ends of all lines that are open: then, and no sooner, the bundles can be closed.
    mutating func closeBundles() throws {
        for index in self.sent.indices where !self.sent[index].isEnded {
            let isClosed = try self.close(self.sent[index].bundle)
            try self.expect(!isClosed, "a bundle was closed with a line open")
            try self.settle(index, 3)
        }
        for bundle in Set(self.sent.map(\.bundle)) { try self.expect(try self.close(bundle), "a bundle without open lines cannot be closed") }
    }

    private func close(_ bundle: Int64) throws -> Bool {
        try waiting { self.bundles.close(bundle, by: .ended, leftovers: [], at: self.now, then: $0) }
    }
}
