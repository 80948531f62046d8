import NIOCore
import SluiceCore
import SluiceDispatch

/// Jobs that were gathered, as the lines that they will be.
struct BundleDraft {
    struct Line {
        var job: Int64
        var intent: AttemptIntent
        var body: ByteBuffer
        var reservation: BudgetBook.Reservation?
    }

    private(set) var bundle: Bundle
    private(set) var lines: [Line] = []
    private(set) var returned: [(job: Int64, how: LineReturn)] = []
    private let live: LivePolicy
    private let now: Now
    private var bytes = 0

    init(_ bundle: Bundle, live: LivePolicy, at now: Now) {
        self.bundle = bundle
        self.live = live
        self.now = now
    }

    /// Makes a line of a job, or says why it is none.
    mutating func add(_ leased: LeasedJob, to backend: Backend) {
        guard self.bytes < BundleTerms.mostBytes else {
            return self.giveBack(leased, LineReturn("the bundle is full", isOffLanes: false))
        }
        do throws(Refusal) {
            let call = try BundledCall(try leased.dispatchCall(by: self.live, at: self.now), to: backend.index)
            guard !call.hasOwnHeaders else { throw .invalid("its headers cannot go with a line") }
            let intent = call.intent
            let reservation = try self.live.reserve(intent, isSure: false, at: self.now.wall)
            let body = call.body
            self.bytes += body.readableBytes
            self.lines.append(Line(job: leased.lease.job, intent: intent, body: body, reservation: reservation))
            self.recall(leased.job, backend)
        } catch {
            // When there is money again a lane cannot say; everything else is for a call of its own to find out.
            let isSpent = error.code == .budgetExceeded
            self.giveBack(leased, LineReturn(error.message, isOffLanes: !isSpent, notBefore: isSpent ? self.now.wall + .seconds(60) : nil))
        }
    }

    private mutating func giveBack(_ leased: LeasedJob, _ how: LineReturn) {
        self.returned.append((leased.lease.job, how))
    }

    /// The first of its jobs that must be elsewhere says when the bundle is called back.
    private mutating func recall(_ job: Job, _ backend: Backend) {
        let times = BundleTerms.recall(
            promotion: job.promoteTo == nil ? nil : job.promoteAt, deadline: job.deadline, hasFallback: self.live.policy.hasFallback(for: job),
            at: self.now.wall)
        guard let times else { return }
        self.bundle.pullAt = self.bundle.pullAt.map { min($0, times.pull) } ?? times.pull
        self.bundle.hedgeAt = self.bundle.hedgeAt.map { min($0, times.hedge) } ?? times.hedge
    }

    /// The requests of these jobs as they are sent.
    func requests(of present: Set<Int64>, _ dialect: any BatchDialect) -> ByteBuffer {
        var requests = ByteBuffer()
        requests.reserveCapacity(self.bytes + self.lines.count * 160)
        for line in self.lines where present.contains(line.job) {
            dialect.append(line.body, customID: self.bundle.customID(of: line.job), endpoint: self.bundle.endpoint, to: &requests)
        }
        return requests
    }
}

extension PolicySet {
    /// Whether something other than a lane can run a job of a class's own, or one that is promoted.
    fileprivate func hasFallback(for job: Job) -> Bool {
        guard let trafficClass = self.trafficClass(named: job.trafficClass), let model = self.model(named: job.sentModel) else { return false }
        let pools = trafficClass.pools + (job.promoteTo.flatMap { name in self.pools.first { $0.name == name }.map { [$0.index] } } ?? [])
        return pools.flatMap { self.pools[$0].backends }.contains { index in
            let backend = self.backends[index]
            return !backend.api.isBatchLane && model.offers[index] != nil && backend.endpoints.contains(job.endpoint)
        }
    }
}
