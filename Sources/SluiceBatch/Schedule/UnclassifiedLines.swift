import SluiceCore
import SluiceDispatch
import SluiceWire

/// Gives a class to lines of batches that have none: the policy refused them when their file was checked, and their batch was retried since.
///
/// They are leased for it, which nobody else does with a lane without a class. What the policy still refuses has failed again.
struct UnclassifiedLines {
    private static let linesPerStep = 256

    private let deferral: Deferral
    private let live: LivePolicy
    private let now: Timestamp
    private var requeue: Requeue

    init(_ deferral: Deferral, by live: LivePolicy, at now: Timestamp) {
        self.deferral = deferral
        self.live = live
        self.now = now
        self.requeue = Requeue(deferral, by: live, at: now)
    }

    mutating func run() async throws {
        for lane in self.deferral.store.backlog() where lane.lane.trafficClass.isEmpty {
            while true {
                let lines = try await self.deferral.store.lease(lane.lane, limit: UnclassifiedLines.linesPerStep, at: self.now)
                for line in lines { try await self.classify(line) }
                guard !lines.isEmpty else { break }
            }
        }
    }

    private mutating func classify(_ line: LeasedJob) async throws {
        do {
            let job = try self.requeue.classified(line.job)
            _ = try await self.deferral.store.putBack(line.lease, at: self.now)
            try await self.deferral.store.reclassify(job)
        } catch let refusal as Refusal {
            let json = ErrorBody.json(refusal, dialect: line.job.endpoint.dialect, requestID: line.job.requestID)
            var result = JobResult(status: refusal.status, contentType: "application/json", body: json)
            result.refusal = .init(refusal)
            _ = try await self.deferral.store.fail(line.lease, with: result, at: self.now)
        }
    }
}

extension JobStore {
    fileprivate func putBack(_ lease: Lease, at now: Timestamp) async throws -> Bool {
        try await withCheckedThrowingContinuation { waiting in
            self.putBack(lease, notBefore: now, error: "it had no class", ends: [], at: now) { waiting.resume(with: $0) }
        }
    }

    fileprivate func reclassify(_ job: Job) async throws {
        _ = try await withCheckedThrowingContinuation { waiting in self.reclassify([job]) { waiting.resume(with: $0) } }
    }

    fileprivate func fail(_ lease: Lease, with result: JobResult, at now: Timestamp) async throws -> Bool {
        try await withCheckedThrowingContinuation { waiting in
            self.complete(lease, as: .failed, result: result, ends: [], verification: nil, at: now) { waiting.resume(with: $0) }
        }
    }
}
