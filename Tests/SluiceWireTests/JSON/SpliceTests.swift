import FoundationEssentials
import NIOCore
import SluiceCore
import SluiceWire
import Testing

@Suite struct SpliceTests {
    /// What a backend gets.
    private func spliced(_ body: String, model: String = "own", asksUsage: Bool = true, keep: Set<RequestFields.Control> = []) throws -> String {
        try Array(body.utf8).withUnsafeBytes { bytes in
            let splices = try RequestFields(bytes, endpoint: .chat).splices(model: model, asksUsage: asksUsage, keep: keep)
            var buffer = ByteBuffer()
            buffer.write(bytes, with: splices)
            #expect(buffer.readableBytes == bytes.count + splices.growth)
            return String(buffer: buffer)
        }
    }

    @Test func nothingIsTouchedThatNeedsNoEdit() throws {
        let body = "{ \"model\" : \"own\" ,\n\"x\":1.50, \"stream\":false}"
        #expect(try self.spliced(body) == body)
    }

    @Test(arguments: [
        ("{\"model\":\"chat\"}", "{\"model\":\"own\"}"),
        ("{ \"x\":[1.0], \"model\" :\"chat\"  , \"y\":\"\\u00e9\"}", "{ \"x\":[1.0], \"model\" :\"own\"  , \"y\":\"\\u00e9\"}"),
        ("{\"model\":\"chat\",\"stream\":true}", "{\"stream_options\":{\"include_usage\":true},\"model\":\"own\",\"stream\":true}"),
        ("{\"stream_options\":null,\"model\":\"chat\",\"stream\":true}", "{\"stream_options\":{\"include_usage\":true},\"model\":\"own\",\"stream\":true}"),
        ("{\"model\":\"chat\",\"stream\":true,\"stream_options\":{}}", "{\"model\":\"own\",\"stream\":true,\"stream_options\":{\"include_usage\":true}}"),
        (
            "{\"model\":\"chat\",\"stream\":true,\"stream_options\":{ \"x\":1}}",
            "{\"model\":\"own\",\"stream\":true,\"stream_options\":{\"include_usage\":true, \"x\":1}}"
        ),
        (
            "{\"model\":\"chat\",\"stream\":true,\"stream_options\":{\"include_usage\":false}}",
            "{\"model\":\"own\",\"stream\":true,\"stream_options\":{\"include_usage\":true}}"
        ),
        (
            "{\"model\":\"chat\",\"stream\":true,\"stream_options\":{\"include_usage\":null}}",
            "{\"model\":\"own\",\"stream\":true,\"stream_options\":{\"include_usage\":true}}"
        ),
        (
            "{\"model\":\"chat\",\"stream\":true,\"stream_options\":{\"include_usage\":true}}",
            "{\"model\":\"own\",\"stream\":true,\"stream_options\":{\"include_usage\":true}}"
        ),
        ("{\"api_key\":\"k\",\"model\":\"chat\"}", "{\"model\":\"own\"}"),
        ("{\"model\":\"chat\",\"api_key\":\"k\"}", "{\"model\":\"own\"}"),
        ("{\"model\":\"chat\",\"api_key\":\"k\",\"x\":1}", "{\"model\":\"own\",\"x\":1}"),
        ("{\"priority\":1,\"background\":true,\"model\":\"chat\",\"sluice\":{},\"base_url\":\"u\"}", "{\"model\":\"own\"}"),
        ("{\"priority\":1,\"model\":\"chat\",\"service_tier\":\"flex\",\"x\":1,\"api_base\":2}", "{\"model\":\"own\",\"x\":1}"),
        ("{\"api_key\":\"k\",\"model\":\"chat\",\"stream\":true}", "{\"stream_options\":{\"include_usage\":true},\"model\":\"own\",\"stream\":true}"),
    ])
    func editsAreSplicedIn(_ body: String, _ expected: String) throws {
        #expect(try self.spliced(body) == expected)
    }

    @Test func controlsThatABackendKnowsStay() throws {
        let body = "{\"model\":\"own\",\"priority\":1,\"service_tier\":\"flex\"}"
        #expect(try self.spliced(body, keep: [.priority]) == "{\"model\":\"own\",\"priority\":1}")
    }

    @Test func aModelIsQuotedForJSON() throws {
        #expect(try self.spliced("{\"model\":\"chat\"}", model: "a\"b\\c") == "{\"model\":\"a\\\"b\\\\c\"}")
    }

    /// Every order and choice of members gives JSON that holds exactly what it should.
    @Test func whateverStandsWhereTheRestSurvives() throws {
        let members = [
            ("model", "\"chat\""), ("stream", "true"), ("stream_options", "{}"), ("api_key", "\"k\""), ("priority", "1"), ("x", "[1,{}]"),
        ]
        for subset in 0..<(1 << members.count) where subset & 1 == 1 {
            let present = members.indices.filter { subset >> $0 & 1 == 1 }.map { members[$0] }
            for turn in present.indices {
                let order = present[turn...] + present[..<turn]
                let body = "{" + order.map { "\"\($0.0)\": \($0.1)" }.joined(separator: " ,") + "}"
                let result = try self.spliced(body)
                var names = Set(present.map(\.0)).subtracting(["api_key", "priority"])
                if names.contains("stream") { names.insert("stream_options") }
                #expect(try self.names(in: result) == names, "\(body) -> \(result)")
            }
        }
    }

    private func names(in json: String) throws -> Set<String> {
        struct Anything: Decodable {
            init(from decoder: any Decoder) throws {}
        }
        return try Set(JSONDecoder().decode([String: Anything].self, from: Data(json.utf8)).keys)
    }
}
