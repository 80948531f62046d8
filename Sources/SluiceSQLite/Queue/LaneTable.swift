import SluiceCore

/// What waits, counted: every lane with its buckets.
///
/// On disk a lane is divided by batch (``Key``), so that a batch that is paused or cancelled can be left out without a look at its lines.
struct LaneTable: Sendable {
    /// A row of the table `lane`.
    struct Key: Hashable, Sendable {
        var lane: Job.Lane
        /// nil for jobs that belong to no batch.
        var batch: Int64?
    }

    /// One step of a job, in a form that can be taken back.
    struct Move: Sendable {
        var lane: Int64
        var bucket: Int64
        var tokens: Int
        var created: Int64
        /// nil for a job that was not there before.
        var from: JobState?
        /// nil for one that is there no more.
        var to: JobState?
        var jobs = 1

        var inverse: Move {
            var move = self
            (move.from, move.to) = (self.to, self.from)
            return move
        }
    }

    /// A part of a lane that may be leased from.
    struct Share: Sendable {
        var lane: Int64
        var bucket: Int64
        var jobs: Int
    }

    private struct Entry {
        var key: Key
        /// By raw value of the open states.
        var jobs = [0, 0, 0, 0]

        var isEmpty: Bool { self.jobs.allSatisfy { $0 == 0 } }
    }

    fileprivate struct Part {
        var lane: Int64
        var amounts: LaneBacklog.Bucket
        /// When the oldest came of those that are here, or were since the part was last empty. What is in one bucket is about as old.
        var oldestReady = Int64.max
        var oldestHeld = Int64.max
        var turn = PrefixTurn()
    }

    struct Depth {
        var jobs = 0
        /// nil where it is not known: that of running jobs.
        var oldest: Timestamp?
    }

    fileprivate struct Bucket {
        /// Without the parts that are halted.
        var total: LaneBacklog.Bucket
        /// By number of the lane.
        var parts: [Part] = []
    }

    /// Beyond so many, lanes of batches without open jobs are forgotten.
    private static let mostKept = 10_000

    private var entries: [Int64: Entry] = [:]
    private var numbers: [Key: Int64] = [:]
    private var lanesOfBatch: [Int64: [Int64]] = [:]
    private var halted: Set<Int64> = []
    private var queues: [Job.Lane: [Bucket]] = [:]

    init() {}

    // MARK: Lanes

    func number(of key: Key) -> Int64? { self.numbers[key] }

    mutating func add(_ number: Int64, _ key: Key) {
        if self.entries.count > LaneTable.mostKept { self.forgetIdle() }
        self.entries[number] = Entry(key: key)
        self.numbers[key] = number
        if let batch = key.batch { self.lanesOfBatch[batch, default: []].append(number) }
    }

    mutating func remove(_ number: Int64) {
        guard let entry = self.entries.removeValue(forKey: number) else { return }
        self.numbers[entry.key] = nil
        guard let batch = entry.key.batch else { return }
        self.lanesOfBatch[batch]?.removeAll { $0 == number }
        if self.lanesOfBatch[batch]?.isEmpty == true { self.lanesOfBatch[batch] = nil }
    }

    private mutating func forgetIdle() {
        for (number, entry) in self.entries where entry.isEmpty && entry.key.batch != nil { self.remove(number) }
    }

    /// Whether lines of a batch wait, halted or not, or are with a provider, whom nobody need wait for.
    func hasCancellable(ofBatch batch: Int64) -> Bool {
        (self.lanesOfBatch[batch] ?? []).contains { number in
            guard let jobs = self.entries[number]?.jobs else { return false }
            return jobs[JobState.held.rawValue] + jobs[JobState.ready.rawValue] + jobs[JobState.bundled.rawValue] > 0
        }
    }

    // MARK: Jobs

    mutating func apply(_ move: Move) {
        guard let entry = self.entries[move.lane] else { preconditionFailure("lane \(move.lane) of a job is not known") }
        if let from = move.from, !from.isTerminal { self.count(move, from, -1, entry.key) }
        if let to = move.to, !to.isTerminal { self.count(move, to, 1, entry.key) }
    }

    private mutating func count(_ move: Move, _ state: JobState, _ sign: Int, _ key: Key) {
        self.entries[move.lane]?.jobs[state.rawValue] += sign * move.jobs
        guard state == .held || state == .ready else { return }
        let isHalted = key.batch.map { self.halted.contains($0) } ?? false
        var buckets = self.queues.removeValue(forKey: key.lane) ?? []
        let index = buckets.firstIndex(notBefore: move.bucket) { $0.total.at.milliseconds }
        if index == buckets.count || buckets[index].total.at.milliseconds != move.bucket {
            buckets.insert(Bucket(total: LaneBacklog.Bucket(at: Timestamp(milliseconds: move.bucket))), at: index)
        }
        buckets[index].count(move, state, sign, isHalted: isHalted)
        if buckets[index].parts.isEmpty { buckets.remove(at: index) }
        if !buckets.isEmpty { self.queues[key.lane] = buckets }
    }

    /// Leaves the jobs of a batch out of the backlog, or takes them in again.
    mutating func halt(_ batch: Int64, _ isHalted: Bool) {
        guard self.halted.contains(batch) != isHalted else { return }
        if isHalted { self.halted.insert(batch) } else { self.halted.remove(batch) }
        for number in self.lanesOfBatch[batch] ?? [] {
            guard let lane = self.entries[number]?.key.lane, var buckets = self.queues.removeValue(forKey: lane) else { continue }
            for index in buckets.indices { buckets[index].halt(lane: number, isHalted) }
            self.queues[lane] = buckets
        }
    }

    func isHalted(_ batch: Int64) -> Bool { self.halted.contains(batch) }

    // MARK: Questions

    /// The most urgent parts of a lane that have so many ready jobs together, or all it has.
    func shares(of lane: Job.Lane, for limit: Int) -> [Share] {
        var shares: [Share] = []
        var found = 0
        for bucket in self.queues[lane] ?? [] where bucket.total.ready.jobs > 0 {
            for part in bucket.parts where part.amounts.ready.jobs > 0 {
                guard found < limit else { return shares }
                if let batch = self.entries[part.lane]?.key.batch, self.halted.contains(batch) { continue }
                shares.append(Share(lane: part.lane, bucket: bucket.total.at.milliseconds, jobs: part.amounts.ready.jobs))
                found += part.amounts.ready.jobs
            }
        }
        return shares
    }

    /// Whose turn it is in a share; nil where nothing of it waits any more.
    func turn(of share: Share) -> PrefixTurn? {
        self.place(of: share).flatMap { bucket, part in self.queues[bucket.lane]?[bucket.index].parts[part].turn }
    }

    mutating func setTurn(_ turn: PrefixTurn, of share: Share) {
        guard let (bucket, part) = self.place(of: share) else { return }
        self.queues[bucket.lane]?[bucket.index].parts[part].turn = turn
    }

    private func place(of share: Share) -> (bucket: (lane: Job.Lane, index: Int), part: Int)? {
        guard let lane = self.entries[share.lane]?.key.lane, let buckets = self.queues[lane] else { return nil }
        let index = buckets.firstIndex(notBefore: share.bucket) { $0.total.at.milliseconds }
        guard index < buckets.count, buckets[index].total.at.milliseconds == share.bucket else { return nil }
        let part = buckets[index].parts.firstIndex(notBefore: share.lane) { $0.lane }
        guard part < buckets[index].parts.count, buckets[index].parts[part].lane == share.lane else { return nil }
        return ((lane, index), part)
    }

    /// Numbers of the lanes of one place that have jobs that wait.
    func waitingShares(of lane: Job.Lane, bucket: Int64) -> [Int64] {
        self.queues[lane]?.first { $0.total.at.milliseconds == bucket }?.parts.lazy.map(\.lane).filter { number in
            self.entries[number]?.key.batch.map { !self.halted.contains($0) } ?? true
        } ?? []
    }

    var backlog: [LaneBacklog] {
        self.queues.compactMap { lane, buckets in
            let open = buckets.lazy.map(\.total).filter { $0.ready.jobs + $0.held.jobs > 0 }
            return open.isEmpty ? nil : LaneBacklog(lane: lane, buckets: Array(open))
        }
    }

    /// Open jobs by class and state.
    var depths: [String: [JobState: Depth]] {
        var depths: [String: [JobState: Depth]] = [:]
        for entry in self.entries.values {
            for (state, jobs) in zip([JobState.held, .ready, .leased, .bundled], entry.jobs) where jobs > 0 {
                depths[entry.key.lane.trafficClass, default: [:]][state, default: Depth()].jobs += jobs
            }
        }
        for (lane, buckets) in self.queues {
            for part in buckets.lazy.flatMap(\.parts) {
                depths[lane.trafficClass]?[.ready]?.lower(to: part.oldestReady)
                depths[lane.trafficClass]?[.held]?.lower(to: part.oldestHeld)
            }
        }
        return depths
    }
}

extension LaneTable.Bucket {
    fileprivate mutating func count(_ move: LaneTable.Move, _ state: JobState, _ sign: Int, isHalted: Bool) {
        let index = self.parts.firstIndex(notBefore: move.lane) { $0.lane }
        if index == self.parts.count || self.parts[index].lane != move.lane {
            self.parts.insert(LaneTable.Part(lane: move.lane, amounts: LaneBacklog.Bucket(at: self.total.at)), at: index)
        }
        let (jobs, tokens) = (sign * move.jobs, sign * move.tokens)
        self.parts[index].amounts.add(jobs, tokens: tokens, state)
        self.parts[index].note(move.created, state)
        if !isHalted { self.total.add(jobs, tokens: tokens, state) }
        if self.parts[index].amounts.ready.jobs + self.parts[index].amounts.held.jobs == 0 { self.parts.remove(at: index) }
    }

    fileprivate mutating func halt(lane: Int64, _ isHalted: Bool) {
        let index = self.parts.firstIndex(notBefore: lane) { $0.lane }
        guard index < self.parts.count, self.parts[index].lane == lane else { return }
        let amounts = self.parts[index].amounts
        let sign = isHalted ? -1 : 1
        self.total.add(sign * amounts.ready.jobs, tokens: sign * amounts.ready.tokens, .ready)
        self.total.add(sign * amounts.held.jobs, tokens: sign * amounts.held.tokens, .held)
    }
}

extension LaneTable.Part {
    fileprivate mutating func note(_ created: Int64, _ state: JobState) {
        if state == .ready {
            self.oldestReady = self.amounts.ready.jobs > 0 ? min(self.oldestReady, created) : .max
        } else {
            self.oldestHeld = self.amounts.held.jobs > 0 ? min(self.oldestHeld, created) : .max
        }
    }
}

extension LaneTable.Depth {
    fileprivate mutating func lower(to created: Int64) {
        guard created < .max else { return }
        self.oldest = min(self.oldest ?? .distantFuture, Timestamp(milliseconds: created))
    }
}

extension LaneBacklog.Bucket {
    fileprivate mutating func add(_ jobs: Int, tokens: Int, _ state: JobState) {
        switch state {
        case .held:
            self.held.jobs += jobs
            self.held.tokens += tokens
        case .ready:
            self.ready.jobs += jobs
            self.ready.tokens += tokens
        case .leased, .bundled, .done, .failed, .expired, .cancelled: break
        }
    }
}

extension Array {
    /// In an ordered array, the first place whose key is not below `wanted`.
    fileprivate func firstIndex(notBefore wanted: Int64, _ key: (Element) -> Int64) -> Int {
        var (low, high) = (0, self.count)
        while low < high {
            let middle = (low + high) / 2
            if key(self[middle]) < wanted { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
