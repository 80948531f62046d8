import NIOCore
import NIOEmbedded
import SluiceCore
import SluiceTesting
import SluiceDispatch

/// The network of the simulation: every call gets a fate by chance, from the temper of its backend.
final class SimulatedNet: Transport {
    private let world: NIOLoopBound<World>

    init(_ world: World) {
        self.world = NIOLoopBound(world, eventLoop: world.loop)
    }

    func start(_ call: UpstreamCall, on loop: any EventLoop, receiver: any UpstreamReceiver) -> any UpstreamCallHandle {
        self.world.value.start(receiver)
    }
}

/// How a backend behaves for the whole of a run.
struct Temper {
    /// The share of calls that fail; 1 is a dead backend.
    var fails: Double
    /// Until the first token.
    var slow: Duration

    init(_ chance: inout SeededGenerator) {
        self.fails = [0, 0, 0.1, 0.5, 1].randomElement(using: &chance) ?? 0
        self.slow = .milliseconds(Int64.random(in: 1...4000, using: &chance))
    }

    /// What becomes of one call.
    func fate(isStream: Bool, prompt: Int, most: Int, _ chance: inout SeededGenerator) -> [(after: Duration, step: SimulatedCall.Step)] {
        let first = chance.fires(0.1) ? self.slow * 5 : self.slow / Int.random(in: 1...4, using: &chance)
        guard chance.fires(self.fails) else { return Temper.answer(isStream: isStream, after: first, prompt: prompt, tokens: most, &chance) }
        return Temper.failure(isStream: isStream, after: first, most: most, &chance)
    }

    private static func usage(_ prompt: Int, _ tokens: Int) -> String {
        "\"usage\":{\"prompt_tokens\":\(prompt),\"completion_tokens\":\(tokens),\"total_tokens\":\(prompt + tokens)}"
    }

    private static func answer(isStream: Bool, after: Duration, prompt: Int, tokens: Int, _ chance: inout SeededGenerator) -> [(Duration, SimulatedCall.Step)] {
        let hasUsage = chance.fires(0.9)
        guard isStream else {
            let usage = hasUsage ? "," + self.usage(prompt, tokens) : ""
            let body = "{\"id\":\"c\",\"choices\":[{\"index\":0,\"message\":{\"content\":\"tok\"},\"finish_reason\":\"stop\"}]\(usage)}"
            return [(.zero, .sent), (after, .head(200)), (.zero, .whole(body)), (.zero, .end)]
        }
        var steps: [(Duration, SimulatedCall.Step)] = [
            (.zero, .sent), (after, .stream()),
            (.zero, .event("data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n")),
        ]
        for _ in 0..<tokens { steps.append((.milliseconds(Int64.random(in: 0...200, using: &chance)), .token)) }
        steps.append((.zero, .event("data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n")))
        if hasUsage { steps.append((.zero, .event("data: {\"id\":\"c\",\"choices\":[],\(self.usage(prompt, tokens))}\n\n"))) }
        return steps + [(.zero, .event("data: [DONE]\n\n")), (.zero, .end)]
    }

    private static let error = "{\"error\":{\"message\":\"scripted\",\"type\":\"server_error\",\"param\":null,\"code\":null}}"

    private static func failure(isStream: Bool, after: Duration, most: Int, _ chance: inout SeededGenerator) -> [(Duration, SimulatedCall.Step)] {
        switch Int.random(in: 0..<10, using: &chance) {
        case 0: return [(.milliseconds(1), .refused(isOurs: false))]
        case 1: return [(.seconds(1), .refused(isOurs: false))]
        case 2: return [(.milliseconds(1), .refused(isOurs: true))]
        case 3:
            let status = [429, 500, 503, 529, 400, 422].randomElement(using: &chance) ?? 500
            return [(.zero, .sent), (after, .head(status)), (.zero, .event(self.error)), (.zero, .end)]
        case 4:
            let wait = Int.random(in: 0...20, using: &chance)
            return [(.zero, .sent), (after, .head(429, more: "retry-after: \(wait)\r\n")), (.zero, .event(self.error)), (.zero, .end)]
        case 5: return [(.zero, .sent), (after, .broken(.ambiguous))]
        case 6: return [(.zero, .sent), (after, .broken(.hungUp))]
        // Nothing is ever heard of it again.
        case 7: return [(.zero, .sent), (.seconds(100_000), .end)]
        case 8 where isStream:
            // An error as the first event.
            return [(.zero, .sent), (after, .head(200, more: "")), (.zero, .event(self.error)), (.zero, .end)]
        default:
            guard isStream else { return [(.zero, .sent), (after, .head(200)), (.zero, .event("{\"id\":")), (.zero, .broken(.cut))] }
            let (tokens, end) = (Int.random(in: 0...most, using: &chance), Int.random(in: 0..<3, using: &chance))
            // An error before anything else is a refusal, which nobody bills.
            var steps: [(Duration, SimulatedCall.Step)] = [(.zero, .sent), (after, .stream(isFree: tokens == 0 && end == 1))]
            for _ in 0..<tokens { steps.append((.milliseconds(Int64.random(in: 0...500, using: &chance)), .token)) }
            switch end {
            case 0: steps.append((.zero, .broken(.cut)))
            case 1: steps.append((.zero, .event("data: \(self.error)\n\n")))
            default: steps.append((.seconds(100_000), .end))
            }
            return steps
        }
    }
}
