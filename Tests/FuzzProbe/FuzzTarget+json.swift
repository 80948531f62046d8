import FoundationEssentials
import NIOCore
import SluiceCore
import SluiceTesting
import SluiceWire

extension FuzzTarget {
    static let jsonWords = [
        "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u0000", "\\ud800", "\\udc00", "\\u006d", "\\/", "null", "true", "false", "0", "-", "1e9", "1E+99", "0.5",
        "-0", "01", "1.", "NaN", "\u{FEFF}", " ", "\n", "\t", "é", "😀",
        "\"model\":", "\"own\"", "\"stream\":true", "\"stream_options\":{\"include_usage\":true}", "\"max_tokens\":7", "\"messages\":[]",
        "\"metadata\":{\"a\":\"b\"}", "\"n\":2", "\"api_key\":\"x\"", "\"service_tier\":\"flex\"", "{\"model\":\"own\"}",
        "[[[[[[[[[[[[[[[[", "]]]]]]]]]]]]]]]]", "{\"a\":{\"a\":{\"a\":{\"a\":",
    ]

    /// What the scanner takes Foundation takes, with the same values; what is spliced is still JSON with everything in it.
    static let json = FuzzTarget(
        name: "json", mutator: { Mutator(seeds: $0.files("bodies"), words: jsonWords) },
        check: { input, chance in
            // Every second text is one that nobody wrote.
            let input = Bool.random(using: &chance) ? input : RandomJSON.body(&chance)
            let endpoint = Endpoint.allCases[Int.random(in: 0..<Endpoint.allCases.count, using: &chance)]
            let body = ByteBuffer(bytes: input)
            guard let fields = try? body.withUnsafeReadableBytes({ try RequestFields($0, endpoint: endpoint) }) else { return }
            let read = try SeenByFoundation(input)
            guard read.model == fields.model else { throw Broken("the model is `\(fields.model)`, Foundation reads `\(read.model)`") }
            if endpoint == .chat, (read.stream ?? false) != fields.isStream { throw Broken("stream is \(fields.isStream)") }
            var spliced = ByteBuffer()
            body.withUnsafeReadableBytes { spliced.write($0, with: fields.splices(model: "an\"other", asksUsage: endpoint == .chat, keep: [])) }
            let after = try SeenByFoundation(Array(spliced.readableBytesView))
            guard after.model == "an\"other", after.stream == read.stream else { throw Broken("spliced into \(String(buffer: spliced).prefix(500))") }
            let kept = read.names.subtracting(["service_tier", "background", "background_options", "priority", "api_key", "base_url", "api_base", "sluice"])
            guard after.names.subtracting(["stream_options"]) == kept.subtracting(["stream_options"]) else { throw Broken("members were lost") }
        })

    /// What a full parser reads of a body.
    private struct SeenByFoundation: Decodable {
        let model: String
        let stream: Bool?
        let names: Set<String>

        private struct Name: CodingKey {
            let stringValue: String
            var intValue: Int? { nil }

            init(stringValue: String) { self.stringValue = stringValue }
            init?(intValue: Int) { nil }
        }

        init(from decoder: any Decoder) throws {
            let members = try decoder.container(keyedBy: Name.self)
            self.model = try members.decode(String.self, forKey: Name(stringValue: "model"))
            self.stream = try? members.decodeIfPresent(Bool.self, forKey: Name(stringValue: "stream"))
            self.names = Set(members.allKeys.map(\.stringValue))
        }

        init(_ bytes: [UInt8]) throws {
            do {
                self = try JSONDecoder().decode(Self.self, from: Data(bytes))
            } catch {
                throw Broken("Foundation refuses it: \(error)")
            }
        }
    }
}

/// Mutated JSON texts with the scanner's verdict, one a line in base 64, for another parser to check.
struct BodyListing {
    let corpus: FuzzCorpus
    let options: FuzzOptions

    func print() {
        let mutator = Mutator(seeds: self.corpus.files("bodies"), words: FuzzTarget.jsonWords)
        for round in 0..<self.options.rounds {
            var chance = SeededGenerator(seed: self.options.seed &+ UInt64(round) &* 0x9E37_79B9_7F4A_7C15)
            let text = Bool.random(using: &chance) ? mutator.input(&chance) : RandomJSON.body(&chance)
            Swift.print(self.isJSON(text) ? "1" : "0", Data(text).base64EncodedString())
        }
    }

    private func isJSON(_ text: [UInt8]) -> Bool {
        text.withUnsafeBytes { bytes in
            var cursor = JSONCursor(bytes)
            do {
                try cursor.value()
                try cursor.end()
                return true
            } catch {
                return false
            }
        }
    }
}
