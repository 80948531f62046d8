import Crypto
import FoundationEssentials
import NIOCore
import SluiceCore
import SluiceDispatch

/// One webhook on its way, signed by Standard Webhooks 1.0.
struct WebhookCall {
    private let delivery: WebhookDelivery
    private let at: Timestamp

    init(_ delivery: WebhookDelivery, at now: Timestamp) {
        self.delivery = delivery
        self.at = now
    }

    /// One signature for each secret that is in force, so that a rotation loses nothing.
    private var signatures: String {
        let content = Array("\(self.delivery.event).\(self.at.seconds).".utf8) + self.delivery.body
        return self.delivery.endpoint.secrets.filter { $0.expires.map { $0 > self.at } ?? true }.map { secret in
            let code = HMAC<SHA256>.authenticationCode(for: content, using: SymmetricKey(data: secret.bytes))
            return "v1,\(Data(code).base64EncodedString())"
        }.joined(separator: " ")
    }

    private var fields: ByteBuffer {
        ByteBuffer(
            string: """
                content-type: application/json\r
                user-agent: sluice\r
                accept: */*\r
                webhook-id: \(self.delivery.event)\r
                webhook-timestamp: \(self.at.seconds)\r
                webhook-signature: \(self.signatures)\r\n
                """)
    }

    /// nil where the address is no URL any more.
    func upstreamCall(allowed: [String]) -> UpstreamCall? {
        guard let url = BackendURL(self.delivery.endpoint.url) else { return nil }
        var call = UpstreamCall(
            url: url, path: url.path.isEmpty ? "/" : url.path, fields: self.fields, body: ByteBuffer(bytes: self.delivery.body))
        call.connectTimeout = .seconds(5)
        call.allowsPrivateAddresses = WebhookTarget.isListed(url.host, in: allowed)
        return call
    }
}

/// What became of one attempt.
enum WebhookOutcome: Sendable {
    case answered(status: Int, retryAfter: String?)
    case failed(String)
}

/// Waits for the head of the answer; its body does not matter.
final class WebhookReceiver: UpstreamReceiver {
    private var then: ((WebhookOutcome) -> Void)?
    var handle: (any UpstreamCallHandle)?
    var onEnd: (() -> Void)?

    init(_ then: @escaping (WebhookOutcome) -> Void) {
        self.then = then
    }

    func end(_ outcome: WebhookOutcome) {
        guard let then else { return }
        self.then = nil
        self.handle?.cancel()
        self.handle = nil
        self.onEnd?()
        then(outcome)
    }

    func callSent() {}
    func callAnswered(_ head: UpstreamHead) { self.end(.answered(status: head.status, retryAfter: head.value(of: "retry-after"))) }
    func callReceived(_ bytes: ByteBuffer) {}
    func callPaused() {}
    func callEnded() {}
    func callFailed(_ failure: TransportFailure) { self.end(.failed(failure.reason)) }
}
