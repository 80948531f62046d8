import NIOCore
import SluiceCore
import SluiceDispatch
import SluiceTransfer
import Testing

/// What the providers' batch APIs are sent, and what their answers mean.
@Suite struct BatchDialectTests {
    private static let bundle: Bundle = {
        var bundle = Bundle(id: 7, token: "01jd3k", backend: "lane", model: "gpt-large", endpoint: .chat, created: Timestamp(milliseconds: 0))
        bundle.file = "file-1"
        return bundle
    }()

    private func read(_ text: String, _ dialect: any BatchDialect) -> UpstreamBatch? { dialect.readBatch(ByteBuffer(string: text)) }

    private func line(_ text: String, _ dialect: any BatchDialect) -> (id: String, status: Int?, body: String)? {
        dialect.readLine(ByteBuffer(string: text)).map { line in
            switch line.kind {
            case .answered(let status, let body): (line.customID, status, String(buffer: body))
            case .notRun(let reason): (line.customID, nil, reason)
            }
        }
    }

    @Test func openAIGetsALineForEachRequest() {
        var requests = ByteBuffer()
        for id in ["sa1", "sa2"] { OpenAIBatches().append(ByteBuffer(string: "{\"model\":\"m\"}"), customID: id, endpoint: .chat, to: &requests) }
        let line = "{\"custom_id\":\"sa2\",\"method\":\"POST\",\"url\":\"/v1/chat/completions\",\"body\":{\"model\":\"m\"}}\n"
        #expect(String(buffer: requests) == line.replacing("sa2", with: "sa1") + line)
    }

    @Test func openAIGetsItsFileUnderTheBundlesName() {
        let call = OpenAIBatches().upload(ByteBuffer(string: "{}\n"), of: BatchDialectTests.bundle)
        let text = String(buffer: call.body)
        #expect(call.method == .post && call.resource == "/v1/files" && call.fields.contains("multipart/form-data; boundary="))
        #expect(text.contains("name=\"purpose\"\r\n\r\nbatch\r\n") && text.contains("filename=\"sluice-01jd3k.jsonl\"") && text.contains("\r\n\r\n{}\n\r\n--"))
    }

    @Test func openAIsBatchCarriesTheToken() {
        let call = OpenAIBatches().create(BatchDialectTests.bundle, requests: ByteBuffer())
        let json = """
            {"input_file_id":"file-1","endpoint":"/v1/chat/completions","completion_window":"24h","metadata":{"sluice":"01jd3k"}}
            """
        #expect(String(buffer: call.body) == json)
    }

    @Test func anthropicGetsAllRequestsInOneBody() {
        var requests = ByteBuffer()
        for id in ["sa1", "sa2"] { AnthropicBatches().append(ByteBuffer(string: "{\"model\":\"m\"}"), customID: id, endpoint: .messages, to: &requests) }
        let call = AnthropicBatches().create(BatchDialectTests.bundle, requests: requests)
        let json = "{\"requests\":[\n{\"custom_id\":\"sa1\",\"params\":{\"model\":\"m\"}},\n{\"custom_id\":\"sa2\",\"params\":{\"model\":\"m\"}}]}"
        #expect(String(buffer: call.body) == json && call.resource == "/v1/messages/batches" && call.fields.contains("anthropic-version: "))
    }

    @Test(arguments: [("in_progress", false), ("finalizing", false), ("completed", true), ("expired", true), ("cancelled", true), ("failed", true)])
    func openAIsBatchTellsWhetherItIsOver(_ status: String, _ isEnded: Bool) throws {
        let text = """
            {"id":"batch_1","object":"batch","status":"\(status)","errors":null,"output_file_id":"file-o","error_file_id":null,"created_at":1700000000,
             "request_counts":{"total":3,"completed":1,"failed":0},"metadata":{"sluice":"01jd3k"}}
            """
        let batch = try #require(self.read(text, OpenAIBatches()))
        #expect(batch.isEnded == isEnded && batch.files == ["file-o"] && batch.token == "01jd3k" && batch.requests == 3)
        #expect(batch.created == Timestamp(milliseconds: 1_700_000_000_000) && (batch.failure != nil) == (status == "failed"))
    }

    @Test func openAIsRefusalSaysWhy() throws {
        let text = #"{"id":"batch_1","status":"failed","errors":{"object":"list","data":[{"code":"model_not_found","message":"no such model"}]}}"#
        #expect(try #require(self.read(text, OpenAIBatches())).failure == "no such model")
    }

    @Test func anthropicsBatchTellsWhetherItIsOver() throws {
        let text = """
            {"id":"msgbatch_1","type":"message_batch","processing_status":"ended","request_counts":{"processing":0,"succeeded":2,"errored":1,"canceled":0,
             "expired":1},"created_at":"2026-11-25T21:15:00.123456+00:00","results_url":"https://x/results"}
            """
        let batch = try #require(self.read(text, AnthropicBatches()))
        #expect(batch.isEnded && batch.requests == 4 && batch.created?.milliseconds == 1_795_641_300_123)
        #expect(AnthropicBatches().results(of: batch).map(\.resource) == ["/v1/messages/batches/msgbatch_1/results"])
    }

    @Test(arguments: ["", "[]", "{}", "{\"id\":\"batch_1\"}", "<html>", "{\"id\":\"batch_1\",\"status\":\"comp"]) func whatIsNoBatchIsNone(_ text: String) {
        #expect(self.read(text, OpenAIBatches()) == nil && self.read(text, AnthropicBatches()) == nil)
    }

    @Test func openAIsLinesAreAnswersErrorsAndLinesThatWereNotRun() throws {
        let text = #"{"id":"r","custom_id":"sa1","response":{"status_code":200,"request_id":"q","body":{"a": 1}},"error":null}"#
        let ok = try #require(self.line(text, OpenAIBatches()))
        #expect(ok.id == "sa1" && ok.status == 200 && ok.body == #"{"a": 1}"#)
        let bad = try #require(self.line(#"{"custom_id":"sa1","response":{"status_code":400,"body":{"error":{}}},"error":null}"#, OpenAIBatches()))
        #expect(bad.status == 400)
        let late = try #require(self.line(#"{"custom_id":"sa1","response":null,"error":{"code":"batch_expired","message":"late"}}"#, OpenAIBatches()))
        #expect(late.status == nil && late.body == "batch_expired")
        #expect(self.line("{\"custom_id\":\"sa1\",", OpenAIBatches()) == nil)
    }

    @Test(arguments: [("invalid_request_error", 400), ("overloaded_error", 529), ("api_error", 500)]) func anthropicsErrorsGetTheStatusOfACallOfTheirOwn(
        _ type: String, _ status: Int
    ) throws {
        let error = #"{"type":"error","error":{"type":"\#(type)","message":"no"}}"#
        let line = try #require(self.line(#"{"custom_id":"sa1","result":{"type":"errored","error":\#(error)}}"#, AnthropicBatches()))
        #expect(line.status == status && line.body == error)
    }

    @Test func anthropicsMessagesAreTakenAsTheyAre() throws {
        let line = try #require(self.line(#"{"custom_id":"sa1","result":{"type":"succeeded","message":{"id":"msg_1"}}}"#, AnthropicBatches()))
        #expect(line.status == 200 && line.body == #"{"id":"msg_1"}"#)
        #expect(try #require(self.line(#"{"custom_id":"sa1","result":{"type":"expired"}}"#, AnthropicBatches())).body == "expired")
    }

    @Test func listsEndWhereTheySaySo() throws {
        let files = #"{"data":[{"id":"file-1","filename":"sluice-01jd3k.jsonl","created_at":1}],"has_more":true}"#
        let page = try #require(OpenAIBatches().readFiles(ByteBuffer(string: files)))
        #expect(page.data.map(\.name) == ["sluice-01jd3k.jsonl"] && page.next == "file-1")
        #expect(try #require(AnthropicBatches().readBatches(ByteBuffer(string: #"{"data":[],"has_more":false}"#))).next == nil)
    }
}
