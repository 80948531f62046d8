import NIOCore
import SluiceCore
import SluiceWire
import Testing

@Suite struct RequestFieldsTests {
    private func fields(_ body: String, _ endpoint: Endpoint = .chat) throws(Refusal) -> RequestFields {
        try ByteBuffer(string: body).withUnsafeReadableBytes { bytes throws(Refusal) in try RequestFields(bytes, endpoint: endpoint) }
    }

    private func refusal(_ body: String, _ endpoint: Endpoint = .chat) -> Refusal? {
        do throws(Refusal) {
            _ = try self.fields(body, endpoint)
            return nil
        } catch {
            return error
        }
    }

    @Test func readsWhatRoutingNeeds() throws {
        let fields = try self.fields(
            """
            {"model":"chat","messages":[{"role":"user","content":"hi"}],"stream":true,"stream_options":{"include_usage":true},"max_tokens":7,
             "max_completion_tokens":9,"n":3,"service_tier":"flex","background":true,"metadata":{"job":"eval","n":1},"unknown":{"a":[1]}}
            """)
        #expect(fields.model == "chat")
        #expect(fields.isStream && fields.wantsUsage && fields.isBackground)
        #expect(fields.maxTokens == 9 && fields.choices == 3)
        #expect(fields.serviceTier == "flex")
        #expect(fields.metadata == ["job": "eval"])
        #expect(fields.promptBytes == "[{\"role\":\"user\",\"content\":\"hi\"}]".utf8.count)
        #expect(fields.controls.map(\.control) == [.serviceTier, .background])
    }

    @Test(arguments: [
        "{\"model\":\"m\",\"stream\":null,\"n\":null,\"max_tokens\":null,\"service_tier\":null,\"metadata\":null,\"background\":null,\"background_options\":null}",
        "{\"model\":\"m\"}",
    ])
    func nullIsAsIfTheFieldWereNotThere(_ body: String) throws {
        let fields = try self.fields(body)
        #expect(!fields.isStream && fields.choices == 1 && fields.maxTokens == nil && fields.serviceTier == nil && fields.metadata.isEmpty)
        #expect(!fields.isBackground && fields.completionWindow == nil)
    }

    @Test(arguments: [
        "{\"model\":\"a\",\"model\":\"b\"}", "{\"model\":\"a\",\"\\u006dodel\":\"b\"}", "{\"\\u006dodel\":\"a\",\"model\":\"b\"}",
        "{\"model\":\"a\",\"x\":1,\"stream\":true,\"x\":2}", "{\"model\":\"a\",\"é\":1,\"\\u00e9\":2}",
        "{\"model\":\"a\"," + (0..<40).map { "\"k\($0)\":1" }.joined(separator: ",") + ",\"k3\":2}",
        "{\"model\":\"a\"," + (0..<40).map { "\"k\($0)\":1" }.joined(separator: ",") + ",\"k39\":2}",
    ])
    func refusesNamesThatStandTwice(_ body: String) throws {
        let refusal = try #require(self.refusal(body))
        #expect(refusal.status == 400 && refusal.message.contains("stands twice"))
    }

    @Test func manyMembersAreNoDuplicates() throws {
        let body = "{\"model\":\"a\"," + (0..<5000).map { "\"k\($0)\":1" }.joined(separator: ",") + "}"
        #expect(try self.fields(body).members.count == 5001)
    }

    @Test(arguments: [
        ("{\"messages\":[]}", "model"), ("{\"model\":7}", "model"), ("{\"model\":[\"a\"]}", "model"), ("{\"model\":null}", "model"),
        ("{\"model\":\"\"}", "model"),
        ("{\"model\":\"a\\u0000\"}", "model"), ("{\"model\":\"a\\nb\"}", "model"), ("{\"model\":\"a\",\"stream\":\"true\"}", "stream"),
        ("{\"model\":\"a\",\"stream\":1}", "stream"),
        ("{\"model\":\"a\",\"stream_options\":7}", "stream_options"), ("{\"model\":\"a\",\"max_tokens\":-1}", "max_tokens"),
        ("{\"model\":\"a\",\"max_tokens\":1.5}", "max_tokens"),
        ("{\"model\":\"a\",\"max_tokens\":1000000000000000000}", "max_tokens"), ("{\"model\":\"a\",\"max_completion_tokens\":\"9\"}", "max_completion_tokens"),
        ("{\"model\":\"a\",\"n\":1.5}", "n"), ("{\"model\":\"a\",\"metadata\":[1]}", "metadata"), ("{\"model\":\"a\",\"service_tier\":1}", "service_tier"),
        ("{\"model\":\"a\",\"background\":\"yes\"}", "background"),
    ])
    func wrongTypesNameTheField(_ body: String, _ field: String) throws {
        let refusal = try #require(self.refusal(body))
        #expect(refusal.status == 400 && refusal.code == .invalidRequest && refusal.param == field)
    }

    @Test func aNameAsLongAsABodyIsNotAModel() {
        #expect(self.refusal("{\"model\":\"\(String(repeating: "m", count: 1 << 20))\"}")?.param == "model")
    }

    @Test(arguments: [
        "", "   ", "[]", "\"a\"", "7", "{", "{\"model\":\"a\",}", "{\"model\":\"a\"}{}", "\u{FEFF}{\"model\":\"a\"}", "{\"model\":\"a\",\"t\":NaN}",
    ])
    func refusesWhatIsNoObject(_ body: String) {
        #expect(self.refusal(body)?.status == 400)
    }

    @Test func brokenJSONMattersMoreThanAWrongField() {
        #expect(self.refusal("{\"model\":7,\"x\":}")?.message.hasPrefix("the body is no valid JSON") == true)
    }

    @Test func aMessageNeverRepeatsWhatItIsNotMeantTo() throws {
        let name = String(repeating: "secret", count: 40)
        let refusal = try #require(self.refusal("{\"model\":\"a\",\"\(name)\":1,\"\(name)\":2}"))
        #expect(refusal.param == nil && refusal.message.utf8.count < 120)
    }

    @Test func escapedSlashesInAModelWork() throws {
        #expect(try self.fields("{\"model\":\"meta-llama\\/Llama-3\"}").model == "meta-llama/Llama-3")
    }

    @Test(arguments: [Endpoint.embeddings, .countTokens])
    func endpointsWithoutStreamsReadNone(_ endpoint: Endpoint) throws {
        #expect(try !self.fields("{\"model\":\"m\",\"stream\":true}", endpoint).isStream)
    }

    @Test func readsTheWindowOfBackgroundWork() throws {
        let fields = try self.fields("{\"model\":\"m\",\"background_options\":{\"x\":[],\"completion_window\":\"2h\"}}", .responses)
        #expect(fields.completionWindow == "2h")
    }
}
