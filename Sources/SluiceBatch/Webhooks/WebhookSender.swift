package import Logging
package import NIOCore
import NIOPosix
import ServiceLifecycle
import SluiceCore
package import SluiceDispatch

/// Sends what stands in the outbox, again and again until it is delivered or given up. What ended a batch has put it there in its own
/// transaction, so nothing is told twice under two ids and nothing is forgotten.
package struct WebhookSender: Service {
    private static let atOnce = 16
    private static let timeout = TimeAmount.seconds(20)
    /// Without a nudge it looks this often.
    private static let tick = Duration.seconds(1)

    private let deferral: Deferral
    private let transports: TransportSet
    private let loop: any EventLoop
    private let policy: PolicyInForce
    private let clock: SluiceClock
    private let logger: Logger

    package init(deferral: Deferral, transports: TransportSet, loop: any EventLoop, policy: PolicyInForce, clock: SluiceClock, logger: Logger) {
        self.deferral = deferral
        self.transports = transports
        self.loop = loop
        self.policy = policy
        self.clock = clock
        self.logger = logger
    }

    package func run() async throws {
        let (nudges, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        self.deferral.signals.onNewDelivery { continuation.yield() }
        await withDiscardingTaskGroup { group in
            group.addTask {
                // Cancelled in its sleep: the end of everything else waits for this one.
                await cancelWhenGracefulShutdown {
                    while !Task.isCancelled {
                        continuation.yield()
                        try? await Task.sleep(for: WebhookSender.tick)
                    }
                }
                continuation.finish()
            }
            for await _ in nudges.cancelOnGracefulShutdown() {
                do {
                    while try await self.sendDue() == WebhookSender.atOnce, !Task.isShuttingDownGracefully {}
                } catch {
                    self.logger.error("webhooks could not be sent", metadata: ["reason": "\((error as? StoreError)?.message ?? "\(error)")"])
                }
            }
        }
    }

    /// Gives how many were due.
    private func sendDue() async throws -> Int {
        let (webhooks, now) = (self.deferral.webhooks, self.clock.now.wall)
        let due = try await NIOThreadPool.singleton.runIfActive { try webhooks.dueDeliveries(at: now, limit: WebhookSender.atOnce).due }
        await withDiscardingTaskGroup { group in
            for delivery in due { group.addTask { await self.send(delivery) } }
        }
        return due.count
    }

    private func send(_ delivery: WebhookDelivery) async {
        let outcome = await self.call(delivery)
        let now = self.clock.now.wall
        var status: Int?
        var retryAfter: String?
        var error: String?
        switch outcome {
        case .answered(let code, let wait):
            (status, retryAfter) = (code, wait)
            if !(200..<300).contains(code) { error = "the endpoint answered \(code)" }
        case .failed(let reason): error = reason
        }
        let attempts = delivery.attempts + 1
        let verdict = WebhookSchedule.verdict(
            status: status, retryAfter: retryAfter, attempts: attempts, chance: Double.random(in: 0..<1), at: now)
        if let error {
            self.logger.info("a webhook was not taken", metadata: ["webhook.id": "\(delivery.event)", "attempt": "\(attempts)", "reason": "\(error)"])
        }
        await self.book(delivery, verdict, error: error, at: now)
    }

    private func book(_ delivery: WebhookDelivery, _ verdict: WebhookSchedule.Verdict, error: String?, at now: Timestamp) async {
        let webhooks = self.deferral.webhooks
        let (state, next): (WebhookDelivery.State, Timestamp?) =
            switch verdict {
            case .delivered: (.delivered, nil)
            case .again(let instant): (.pending, instant)
            case .givenUp, .disabled: (.givenUp, nil)
            }
        await withCheckedContinuation { waiting in
            webhooks.book(delivery.id, as: state, error: error, next: next, at: now) { _ in waiting.resume() }
        }
        guard verdict == .disabled else { return }
        var endpoint = delivery.endpoint
        endpoint.isEnabled = false
        let disabled = endpoint
        await withCheckedContinuation { waiting in webhooks.update(disabled) { _ in waiting.resume() } }
    }

    private func call(_ delivery: WebhookDelivery) async -> WebhookOutcome {
        guard let call = WebhookCall(delivery, at: self.clock.now.wall).upstreamCall(allowed: self.policy.live.policy.server.webhooksAllowed) else {
            return .failed("the address is no URL")
        }
        guard call.url.isSecure || call.allowsPrivateAddresses else { return .failed("only `https:` addresses are taken") }
        let (loop, transports) = (self.loop, self.transports)
        return await withCheckedContinuation { waiting in
            loop.execute {
                let receiver = WebhookReceiver { waiting.resume(returning: $0) }
                let bound = NIOLoopBound(receiver, eventLoop: loop)
                let timer = loop.scheduleTask(in: WebhookSender.timeout) { bound.value.end(.failed("no answer within 20 s")) }
                receiver.handle = (call.url.isSecure ? transports.secure : transports.plain).start(call, on: loop, receiver: receiver)
                receiver.onEnd = { timer.cancel() }
            }
        }
    }
}
