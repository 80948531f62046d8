import NIOCore
import SluiceCore
import Synchronization

/// The calls of SDKs that are in flight, by what they ask: a retry of the same key and body finds the first call and waits for its answer,
/// in place of paying for a second one.
package final class CallsInFlight: Sendable {
    struct Key: Hashable {
        fileprivate let apiKey: String?
        /// Another one means another request, whatever its body says.
        fileprivate let idempotencyKey: String?
        fileprivate let endpoint: Endpoint
        fileprivate let length: Int
        fileprivate let hash: Int
        fileprivate let second: Int

        init(_ hot: HotRequest) {
            self.apiKey = hot.key
            self.idempotencyKey = hot.idempotencyKey
            self.endpoint = hot.endpoint
            self.length = hot.body.readableBytes
            (self.hash, self.second) = hot.body.withUnsafeReadableBytes { bytes in
                var (first, second) = (Hasher(), Hasher())
                first.combine(bytes: bytes)
                second.combine(1)
                second.combine(bytes: bytes)
                return (first.finalize(), second.finalize())
            }
        }
    }

    struct Call: Sendable {
        let loop: any EventLoop
        let exchange: NIOLoopBound<LiveExchange>
        let id: ObjectIdentifier

        init(_ exchange: LiveExchange, on loop: any EventLoop) {
            self.loop = loop
            self.exchange = NIOLoopBound(exchange, eventLoop: loop)
            self.id = ObjectIdentifier(exchange)
        }
    }

    private let calls = Mutex<[Key: Call]>([:])

    package init() {}

    /// The call of this key that is in flight, for a retry; else `call` takes the place.
    func enter(_ key: Key, _ call: Call, isRetry: Bool) -> Call? {
        self.calls.withLock { calls in
            if let first = calls[key] { return isRetry ? first : nil }
            calls[key] = call
            return nil
        }
    }

    func leave(_ key: Key, _ exchange: LiveExchange) {
        self.calls.withLock { calls in
            if calls[key]?.id == ObjectIdentifier(exchange) { calls[key] = nil }
        }
    }
}
