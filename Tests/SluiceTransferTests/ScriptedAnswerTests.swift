import FoundationEssentials
import NIOCore
import NIOPosix
import SluiceCore
import SluiceDispatch
import SluiceTesting
import SluiceTransfer
import Testing

/// The scripted answers must be what they say they are, or nothing that is tested with them is worth anything.
@Suite struct ScriptedAnswerTests {
    private struct Whole: Decodable {
        struct Usage: Decodable {
            var prompt_tokens: Int?
            var input_tokens: Int?
        }
        var usage: Usage
    }

    @Test(arguments: [Endpoint.chat, .completions, .embeddings, .responses, .messages])
    func wholeAnswersAreJSONWithUsage(_ endpoint: Endpoint) async throws {
        let record = try await Self.run(endpoint, #"{"model":"a \"b\"","stream":false}"#)
        let whole = try JSONDecoder().decode(Whole.self, from: Data(record.body.readableBytesView))
        #expect((whole.usage.prompt_tokens ?? whole.usage.input_tokens) == 100)
    }

    @Test(arguments: [Endpoint.chat, .completions, .responses, .messages])
    func streamedAnswersAreEventsWithOneForEachToken(_ endpoint: Endpoint) async throws {
        let record = try await Self.run(endpoint, #"{"model":"m","stream":true,"stream_options":{"include_usage":true}}"#)
        let text = String(buffer: record.body)
        #expect(text.hasSuffix("\n\n"))
        let data = text.split(separator: "\n").filter { $0.hasPrefix("data: ") }.map { $0.dropFirst(6) }
        #expect(data.filter { $0.contains("tok ") && !$0.contains("tok tok") }.count == 20)
        for json in data where json != "[DONE]" {
            #expect((try? JSONDecoder().decode([String: AnyValue].self, from: Data(json.utf8))) != nil, "\(json)")
        }
    }

    @Test func aCutEndsAfterSoManyPieces() async throws {
        let record = try await Self.run(.chat, #"{"stream":true}"#, UpstreamFaults.cut(ScriptedAnswer().chat, after: 3, with: .rst))
        #expect(record.kind == .cut)
    }

    /// Any JSON value, unread.
    private struct AnyValue: Decodable {}

    private static func run(
        _ endpoint: Endpoint, _ body: String, _ behaviour: @escaping UpstreamBehaviour = ScriptedAnswer().any
    ) async throws -> CallRecorder.Record {
        let upstream = try await ScriptedUpstream.start(behaviour)
        let group = MultiThreadedEventLoopGroup.singleton
        let call = UpstreamCall(
            url: upstream.url, path: endpoint.path, fields: ByteBuffer(string: "content-type: application/json\r\n"),
            body: ByteBuffer(string: body))
        let record = try await RunningCall.start(call, over: PlainTransport(group: group), on: group.next()).end()
        #expect(record.head?.status == 200)
        return record
    }
}
