import NIOCore
import SluiceCore
import SluiceDispatch
import SluicePolicy
import SluiceTesting
import SluiceTransfer
import SluiceWire

extension FuzzTarget {
    static let all = [Self.json, .head, .answerHead, .chunked, .retryAfter, .events, .wholeAnswers, .batchAnswers, .yaml]

    private static let eventWords =
        [
            "data: ", "data:", "event: error\n", "event: ", "id: 1\n", ": ping\n\n", "\n\n", "\r\n\r\n", "\r\r", "\n", "\r", "[DONE]", "data: [DONE]\n\n",
            "{\"choices\":[]}", "{\"error\":{\"message\":\"m\",\"code\":429}}", "\"usage\":{\"prompt_tokens\":1}", "\u{FEFF}",
            "{\"type\":\"message_stop\"}", "{\"type\":\"response.completed\"}", "\"finish_reason\":\"stop\"", "9999999999999999999", "-1",
        ] + FuzzTarget.jsonWords

    /// Any pieces give the same events, and nothing is lost or added; every reader takes whatever it is given.
    static let events = FuzzTarget(
        name: "events", mutator: { Mutator(seeds: $0.files("events"), words: eventWords) },
        check: { input, chance in
            let whole = EventReadings([input])
            let pieces = EventReadings(chance.pieces(of: input))
            guard whole.events.flatMap({ $0 }) + whole.rest == input else { throw Broken("bytes were lost") }
            guard pieces == whole else { throw Broken("other pieces give other events") }
            for event in whole.events {
                for endpoint in Endpoint.allCases {
                    let reader = OpenAIDialect(api: .vllm).streamReader(for: endpoint)
                    var buffer = ByteBuffer()
                    event.withUnsafeBytes { bytes in
                        if case .error(let problem) = reader.read(bytes).kind { _ = reader.rewrittenError(bytes, problem: problem, into: &buffer) }
                        if reader.annotatedUsage(bytes, note: "{}", into: &buffer), buffer.readableBytes < bytes.count { buffer.clear() }
                    }
                    reader.errorEvent(Refusal(502, .upstreamFailed, "m"), into: &buffer)
                }
            }
        })

    /// A whole answer of any kind is judged, never trusted: counts are within bounds, or said to be such as cannot be, and small enough to be added up.
    static let wholeAnswers = FuzzTarget(
        name: "answers",
        mutator: { corpus in
            let seeds = corpus.files("events").flatMap { stream in
                String(decoding: stream, as: UTF8.self).split(separator: "\n").filter { $0.hasPrefix("data: {") }.map { Array($0.dropFirst(6).utf8) }
            }
            return Mutator(seeds: seeds, words: eventWords)
        },
        check: { input, _ in
            for endpoint in Endpoint.allCases {
                for dialect in [OpenAIDialect(api: .openai), AnthropicDialect()] as [any Dialect] {
                    let reading = input.withUnsafeBytes { dialect.readWhole($0, on: endpoint) }
                    guard let reported = reading.facts.usage else { continue }
                    let bounds = reported.isAbsurd ? -10_000_000_000_000_000...10_000_000_000_000_000 : 0...3_000_000_000
                    guard TokenClass.allCases.allSatisfy({ bounds.contains(reported.usage[$0]) }) else { throw Broken("counts of \(reported)") }
                }
            }
        })

    /// Whatever stands in a policy, it is loaded or every fault has a place.
    static let yaml = FuzzTarget(
        name: "yaml",
        mutator: { corpus in
            Mutator(
                seeds: corpus.files("policies"),
                words: [
                    ": ", "- ", "\n", "  ", "\t", "{", "}", "[", "]", ",", "*a", "&a ", "<<: *a", "!!binary ", "!x ", "---\n", "...\n", "| \n", "> \n", "'",
                    "\"", "#", "~", "no", "22:00", "0x10", "1_000", ".inf", "${A}", "${file:/x}", "backends:", "classes:",
                    "routes:", "price: ", "use: ", "\u{FEFF}", "\u{0}", "99999999999999999999", "-1", "1.10", "é", "? ",
                ])
        },
        check: { input, _ in
            let loader = PolicyLoader(environment: PolicyEnvironment(), now: Timestamp(seconds: 1_795_000_000))
            let loaded = loader.load([PolicyFile(path: "policy.yaml", bytes: input)])
            guard (loaded.policy == nil) == loaded.hasErrors else { throw Broken("a policy with errors, or none without") }
            for diagnostic in loaded.diagnostics where diagnostic.span.place.line < 1 || diagnostic.span.place.column < 1 {
                throw Broken("\(diagnostic.message) has no place")
            }
            _ = DiagnosticText(loaded)
        })
}

/// What the event scanner finds.
private struct EventReadings: Equatable {
    private(set) var events: [[UInt8]] = []
    private(set) var rest: [UInt8] = []

    init(_ pieces: [[UInt8]]) {
        var scanner = EventScanner()
        for piece in pieces {
            self.rest += piece
            while true {
                let used = self.rest.withUnsafeBytes { bytes -> Int in
                    switch scanner.next(bytes) {
                    case .event(let range)?, .part(let range)?: range.upperBound
                    case nil: 0
                    }
                }
                guard used > 0 else { break }
                self.events.append(Array(self.rest[..<used]))
                self.rest.removeFirst(used)
            }
        }
    }
}
