import Synchronization

/// Behaviours made of others.
package enum UpstreamFaults {
    /// The same answer, but after so many pieces of the body comes another step: an end of some kind, or a stall.
    package static func cut(
        _ behaviour: @escaping UpstreamBehaviour, after pieces: Int, with step: UpstreamPlan.Step = .fin
    ) -> UpstreamBehaviour {
        { record in
            var plan = behaviour(record)
            var seen = 0
            let end = plan.steps.firstIndex { step in
                guard case .bytes = step else { return false }
                seen += 1
                return seen > pieces
            }
            plan.steps = Array(plan.steps[..<(end ?? plan.steps.endIndex)]) + [step]
            return plan
        }
    }

    /// A status with an error body in OpenAI's shape, or with the body given.
    package static func fail(
        _ status: Int, _ body: String = #"{"error":{"message":"scripted","type":"server_error","param":null,"code":null}}"#,
        fields: [(String, String)] = []
    ) -> UpstreamBehaviour {
        { _ in .json(body, status: status, fields: fields) }
    }

    /// The first request gets the first behaviour, and so on; the last one repeats.
    package static func sequence(_ behaviours: UpstreamBehaviour...) -> UpstreamBehaviour {
        let next = Counter()
        return { record in behaviours[min(next.increment(), behaviours.count - 1)](record) }
    }

    private final class Counter: Sendable {
        private let count = Atomic(0)

        func increment() -> Int { self.count.wrappingAdd(1, ordering: .relaxed).oldValue }
    }
}
