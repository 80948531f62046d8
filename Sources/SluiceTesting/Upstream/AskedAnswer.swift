import FoundationEssentials
import NIOCore

/// What a request asks for, as far as a scripted answer depends on it.
struct AskedAnswer: Decodable {
    private struct StreamOptions: Decodable {
        var include_usage: Bool?
    }

    private var model: String?
    private var stream: Bool?
    private var stream_options: StreamOptions?

    init(_ record: UpstreamRecord) {
        let bytes = Data(record.body.readableBytesView)
        self = (try? JSONDecoder().decode(AskedAnswer.self, from: bytes)) ?? AskedAnswer()
    }

    private init() {}

    var modelName: String { self.model ?? "m" }
    var isStreamed: Bool { self.stream ?? false }
    var wantsUsage: Bool { self.stream_options?.include_usage ?? false }
}

/// JSON as scripted answers write it.
enum ScriptedJSON {
    static func string(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            case "\r": out += "\\r"
            case "\t": out += "\\t"
            case _ where scalar.value < 0x20: out += "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out + "\""
    }
}

extension UpstreamPlan {
    static let eventStream = [("content-type", "text/event-stream"), ("transfer-encoding", "chunked")]

    /// A JSON body with its length.
    package static func json(_ body: String, status: Int = 200, fields: [(String, String)] = []) -> UpstreamPlan {
        UpstreamPlan([
            .head(status, [("content-type", "application/json"), ("content-length", "\(body.utf8.count)")] + fields), .bytes(body),
        ])
    }
}
