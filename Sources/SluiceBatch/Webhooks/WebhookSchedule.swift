package import SluiceCore
import SluiceWire

/// When a webhook is tried again, and when it is given up.
package enum WebhookSchedule {
    /// After the first attempt, after the second, …
    static let pauses: [Duration] = [
        .seconds(5), .seconds(300), .seconds(1800), .seconds(7200), .seconds(18_000), .seconds(36_000), .seconds(50_400), .seconds(72_000),
        .seconds(86_400),
    ]

    package enum Verdict: Hashable, Sendable {
        case delivered
        case again(Timestamp)
        case givenUp
        /// 410: the endpoint does not want them any more.
        case disabled
    }

    /// - Parameters:
    ///   - status: nil where no answer came.
    ///   - attempts: This one included.
    ///   - chance: From 0 to 1, for the jitter of a tenth to either side.
    package static func verdict(status: Int?, retryAfter: String?, attempts: Int, chance: Double, at now: Timestamp) -> Verdict {
        if let status, (200..<300).contains(status) { return .delivered }
        if status == 410 { return .disabled }
        guard attempts <= self.pauses.count else { return .givenUp }
        let pause = self.pauses[attempts - 1]
        let jittered = Duration.milliseconds(Int64(Double(pause.milliseconds) * (0.9 + 0.2 * chance)))
        let wanted = retryAfter.flatMap { RetryAfter.parse(seconds: $0, milliseconds: nil, at: now) } ?? .zero
        return .again(now + max(jittered, wanted))
    }
}
