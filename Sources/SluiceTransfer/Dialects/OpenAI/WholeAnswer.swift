import SluiceCore
import SluiceDispatch
import SluiceWire

/// Reads a whole answer of `/v1/chat/completions`, `/v1/completions` and `/v1/embeddings`.
enum WholeAnswer {
    static func read(_ body: UnsafeRawBufferPointer) -> WholeReading {
        var answer = Answer()
        return WholeReading.reading(body) { key, cursor throws(JSONFault) in
            try answer.read(key, &cursor)
        } conclude: {
            answer.conclude()
        }
    }

    private struct Answer {
        var facts = AnswerFacts()
        private var timings: ReportedUsage?
        private var problem: UpstreamProblem?
        private var isErrorObject = false
        private var flat = ErrorFields()

        /// Hands out what was read: the facts are moved, not copied.
        mutating func conclude() -> WholeReading {
            var facts = AnswerFacts()
            swap(&facts, &self.facts)
            if let timings = self.timings { facts.usage = facts.usage?.apart(by: timings) ?? timings }
            if let problem = self.problem ?? (self.isErrorObject ? self.flat.problem : nil) { return WholeReading(.error(problem), facts: facts) }
            return WholeReading(.answer, facts: facts)
        }

        mutating func read(_ key: JSONText, _ cursor: inout JSONCursor) throws(JSONFault) {
            if key.says("id") {
                self.facts.upstreamID = try cursor.string()?.decoded
            } else if key.says("model") {
                self.facts.model = try cursor.string()?.decoded
            } else if key.says("service_tier") {
                self.facts.tier = try cursor.string()?.decoded
            } else if key.says("usage") {
                guard let usage = try OpenAIUsage.read(&cursor) else { return }
                self.facts.usage = usage.disjoint
                self.facts.providerCost = usage.cost
            } else if key.says("timings") {
                self.timings = try LlamaTimings.read(&cursor)
            } else if key.says("error") {
                self.problem = try UpstreamProblem.read(&cursor)
            } else if key.says("object") {
                self.isErrorObject = try cursor.string()?.says("error") ?? false
            } else if key.says("message") || key.says("type") || key.says("code") {
                try self.flat.read(key, &cursor)
            } else if key.says("choices") {
                try self.choices(&cursor)
            } else {
                try cursor.value()
            }
        }

        /// Counts the bytes of text, for the bounds of an answer without usage.
        private mutating func choices(_ cursor: inout JSONCursor) throws(JSONFault) {
            guard cursor.peek() == UInt8(ascii: "[") else {
                try cursor.value()
                return
            }
            var bytes = 0
            try cursor.elements { cursor throws(JSONFault) in
                guard cursor.peek() == UInt8(ascii: "{") else {
                    try cursor.value()
                    return
                }
                try cursor.members { key, cursor throws(JSONFault) in
                    if key.says("text") {
                        bytes += try cursor.string()?.bytes.count ?? 0
                    } else if key.says("message"), cursor.peek() == UInt8(ascii: "{") {
                        try cursor.members { key, cursor throws(JSONFault) in
                            if key.says("content") || key.says("reasoning_content") {
                                bytes += try cursor.string()?.bytes.count ?? 0
                            } else {
                                try cursor.value()
                            }
                        }
                    } else {
                        try cursor.value()
                    }
                }
            }
            self.facts.textBytes += bytes
        }
    }
}

extension WholeReading {
    /// Reads a body that must be one JSON object.
    static func reading(
        _ body: UnsafeRawBufferPointer, member: (JSONText, inout JSONCursor) throws(JSONFault) -> Void, conclude: () -> WholeReading
    ) -> WholeReading {
        var cursor = JSONCursor(body, isLenient: true)
        guard let first = cursor.peek() else { return WholeReading(.garbage("the answer is empty"), facts: AnswerFacts()) }
        guard first == UInt8(ascii: "{") else { return WholeReading(.garbage("the answer is no JSON object"), facts: AnswerFacts()) }
        do throws(JSONFault) {
            try cursor.members(member)
            try cursor.end()
        } catch {
            return WholeReading(.garbage("the answer is no whole JSON: \(error.reason) at byte \(error.offset)"), facts: AnswerFacts())
        }
        return conclude()
    }
}
