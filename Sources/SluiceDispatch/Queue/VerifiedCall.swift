package import Logging
import NIOCore
package import SluiceCore
import SluiceWire

/// A call whose answer came from a substitute, and whose original is asked the same: what the queue is given of it.
package struct VerifiedCall: Sendable {
    /// Of an answer that is longer than this nothing is kept: it is not verified, which its ledger row says.
    package static let longest = 4 << 20

    package let order: VerificationOrder

    /// nil where the call is none of the sample.
    ///
    /// - Parameters:
    ///   - attempts: How many attempts the request has had: those of the verification are counted on from there.
    ///   - id: The id of the new job.
    package init?(
        _ call: DispatchCall, answer: @autoclosure () -> JobResult, from backend: String, attempts: Int, id: @autoclosure () -> String, at now: Timestamp
    ) {
        guard let rule = call.verifiedBy else { return nil }
        let (policy, request, subject) = (call.live.policy, call.request, call.subject)
        let original = policy.models[call.decision.requested].name
        var job = Job(
            id: id(), requestID: subject.requestID, kind: .verification, tenant: subject.tenant, key: subject.key, trafficClass: subject.trafficClass,
            route: subject.route, endpoint: request.endpoint, model: original, sentModel: original, created: now, deadline: nil, notBefore: now)
        job.rung = Job.onOriginal
        job.attempts = attempts
        job.measure(request, prefix: call.body.withUnsafeReadableBytes { call.fields.prefixHash(in: $0) })
        self.order = VerificationOrder(
            Verification(job: job, rule: rule.displayName, substitute: policy.models[call.decision.model].name, backend: backend, answer: answer()),
            call: StoredCall(request: request, fields: call.forwarded, body: Array(buffer: call.body), clientRequestID: subject.clientRequestID))
    }

    /// Puts it into the queue. One that cannot be stored is left out: a sample is no promise.
    ///
    /// - Parameter then: Called from any thread, once it is on disk or left out.
    package func keep(in store: any VerificationStore, _ signals: JobSignals, _ logger: Logger, then: @escaping @Sendable () -> Void) {
        let request = self.order.verification.job.requestID
        store.verify(self.order) { result in
            defer { then() }
            switch result {
            case .success: signals.nudge()
            case .failure(let error):
                logger.warning("a substitute is not verified", metadata: ["request.id": "\(request)", "reason": "\(error.message)"])
            }
        }
    }
}

extension DispatchCall {
    /// The rule that has the request run on the original too; nil where it does not.
    package var verifiedBy: Substitution? {
        guard !self.decision.substitutions.isEmpty, !self.isVerification, self.request.endpoint != .countTokens else { return nil }
        return self.live.policy.verification(of: self.decision, requestID: self.subject.requestID)
    }
}
