import NIOCore
import SluiceCore
import SluiceDispatch
import SluiceTransfer
import Testing

/// The usage objects that providers send, each made disjoint (`ledger.md`).
@Suite struct UsageTests {
    private func reading(_ body: String, _ endpoint: Endpoint = .chat, anthropic: Bool = false) -> WholeReading {
        let dialect: any Dialect = anthropic ? AnthropicDialect() : OpenAIDialect(api: .openai)
        return ByteBuffer(string: body).withUnsafeReadableBytes { dialect.readWhole($0, on: endpoint) }
    }

    private func usage(
        _ input: Int, cached: Int = 0, output: Int = 0, reasoning: Int = 0, _ change: (inout TokenUsage) -> Void = { _ in }
    ) -> TokenUsage {
        var usage = TokenUsage(input: input, cachedInput: cached, output: output, reasoning: reasoning)
        change(&usage)
        return usage
    }

    @Test(arguments: [
        // Plain, OpenAI with its details, DeepSeek, Gemini (reasoning beside the completion), nulls, vLLM's embeddings.
        (#"{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}"#, [10, 0, 5, 0]),
        (
            #"{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":3}}"#,
            [6, 4, 2, 3]
        ),
        (#"{"prompt_tokens":10,"completion_tokens":5,"prompt_cache_hit_tokens":6,"prompt_cache_miss_tokens":4}"#, [4, 6, 5, 0]),
        (#"{"prompt_tokens":10,"prompt_cache_hit_tokens":9,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens":5}"#, [6, 4, 5, 0]),
        (#"{"prompt_tokens":10,"completion_tokens":5,"total_tokens":22,"completion_tokens_details":{"reasoning_tokens":7}}"#, [10, 0, 5, 7]),
        (#"{"prompt_tokens":10,"completion_tokens":null,"total_tokens":10,"prompt_tokens_details":null,"completion_tokens_details":null}"#, [10, 0, 0, 0]),
        (#"{"prompt_tokens":10,"total_tokens":10}"#, [10, 0, 0, 0]),
    ])
    func everyProvidersCountsAreDisjoint(_ json: String, _ counts: [Int]) throws {
        let reported = try #require(self.reading("{\"id\":\"x\",\"choices\":[],\"usage\":\(json)}").facts.usage)
        #expect(reported.usage == self.usage(counts[0], cached: counts[1], output: counts[2], reasoning: counts[3]))
        #expect(reported.addsUp && !reported.isAbsurd)
    }

    @Test func audioAndImagesAreClassesOfTheirOwn() throws {
        let json =
            #"{"prompt_tokens":30,"completion_tokens":20,"prompt_tokens_details":{"audio_tokens":5,"image_tokens":7},"completion_tokens_details":{"audio_tokens":8}}"#
        let reported = try #require(self.reading("{\"usage\":\(json)}").facts.usage)
        #expect(
            reported.usage
                == self.usage(18, output: 12) {
                    $0.audioInput = 5
                    $0.imageInput = 7
                    $0.audioOutput = 8
                })
    }

    @Test(arguments: [
        #"{"prompt_tokens":10,"completion_tokens":5,"total_tokens":99}"#,
        #"{"prompt_tokens":10,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":11}}"#,
        #"{"prompt_tokens":10,"completion_tokens":5,"completion_tokens_details":{"reasoning_tokens":6}}"#,
    ])
    func countsThatDoNotAddUpAreSaidToBe(_ json: String) throws {
        #expect(try !#require(self.reading("{\"usage\":\(json)}").facts.usage).addsUp)
    }

    @Test(arguments: [
        #"{"prompt_tokens":-1,"completion_tokens":5}"#, #"{"prompt_tokens":10,"completion_tokens":1000000000000000000}"#,
        #"{"prompt_tokens":1.5,"completion_tokens":5}"#,
        #"{"prompt_tokens":"10","completion_tokens":5}"#, #"{"prompt_tokens":10,"completion_tokens":true}"#, #"{"prompt_tokens":10,"completion_tokens":1e2}"#,
    ])
    func countsThatCannotBeAreAbsurd(_ json: String) throws {
        #expect(try #require(self.reading("{\"usage\":\(json)}").facts.usage).isAbsurd)
    }

    @Test(arguments: ["{}", "null", "[]", "7", #"{"total_time":0.1}"#])
    func aUsageWithoutCountsIsNone(_ json: String) {
        #expect(self.reading("{\"usage\":\(json)}").facts.usage == nil)
    }

    @Test func llamasTimingsStandInWhereNoUsageCame() throws {
        let timings = #""timings":{"cache_n":4,"prompt_n":6,"predicted_n":5,"prompt_ms":1.5}"#
        #expect(try #require(self.reading("{\(timings)}").facts.usage).usage == self.usage(6, cached: 4, output: 5))
        let both = self.reading("{\(timings),\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}")
        #expect(try #require(both.facts.usage).usage == self.usage(1, output: 2))
    }

    @Test(arguments: [(#"0.00123"#, "0.00123"), (#""0.5""#, "0.5"), ("null", nil), ("1e-3", "0.001")] as [(String, String?)])
    func aProvidersOwnCostIsKept(_ cost: String, _ expected: String?) {
        let facts = self.reading("{\"usage\":{\"prompt_tokens\":1,\"cost\":\(cost)}}").facts
        #expect(facts.providerCost?.description == expected)
    }

    @Test(arguments: [
        (#"{"input_tokens":10,"output_tokens":5,"total_tokens":15}"#, [10, 0, 5, 0], true),
        (
            #"{"input_tokens":10,"input_tokens_details":{"cached_tokens":4},"output_tokens":5,"output_tokens_details":{"reasoning_tokens":3},"total_tokens":15}"#,
            [6, 4, 2, 3], true
        ),
        (#"{"input_tokens":10,"output_tokens":5,"total_tokens":16}"#, [10, 0, 5, 0], false),
        (#"{"input_tokens":3,"input_tokens_details":{"cached_tokens":4},"output_tokens":5}"#, [0, 4, 5, 0], false),
    ])
    func theResponsesAPICountsInItsOwnWords(_ json: String, _ counts: [Int], _ addsUp: Bool) throws {
        let reported = try #require(self.reading("{\"id\":\"r\",\"object\":\"response\",\"usage\":\(json)}", .responses).facts.usage)
        #expect(reported.usage == self.usage(counts[0], cached: counts[1], output: counts[2], reasoning: counts[3]) && reported.addsUp == addsUp)
    }

    @Test(arguments: [
        (#"{"input_tokens":10,"output_tokens":5}"#, [10, 0, 0, 0, 5], true),
        (#"{"input_tokens":10,"cache_read_input_tokens":100,"cache_creation_input_tokens":20,"output_tokens":5}"#, [10, 100, 20, 0, 5], true),
        (
            #"{"input_tokens":10,"cache_creation_input_tokens":20,"cache_creation":{"ephemeral_5m_input_tokens":8,"ephemeral_1h_input_tokens":12},"output_tokens":5}"#,
            [10, 0, 8, 12, 5], true
        ),
        (
            #"{"input_tokens":10,"cache_creation_input_tokens":21,"cache_creation":{"ephemeral_5m_input_tokens":8,"ephemeral_1h_input_tokens":12},"output_tokens":5}"#,
            [10, 0, 8, 12, 5], false
        ),
        (#"{"input_tokens":10,"cache_read_input_tokens":null,"output_tokens":5,"server_tool_use":{"web_search_requests":1}}"#, [10, 0, 0, 0, 5], true),
    ])
    func anthropicCountsWithoutTheCache(_ json: String, _ counts: [Int], _ addsUp: Bool) throws {
        let reported = try #require(self.reading("{\"id\":\"m\",\"usage\":\(json)}", .messages, anthropic: true).facts.usage)
        #expect(
            reported.usage
                == self.usage(counts[0], cached: counts[1], output: counts[4]) {
                    $0.cacheWrite5m = counts[2]
                    $0.cacheWrite1h = counts[3]
                })
        #expect(reported.addsUp == addsUp)
    }
}
