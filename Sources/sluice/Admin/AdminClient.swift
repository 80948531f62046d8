import FoundationEssentials
import SluiceCore
import SluiceSQLite

/// Asks the admin listener of the server that runs on a data folder.
struct AdminClient {
    private let client: LoopbackClient
    private let headers: [(String, String)]

    /// nil where no server runs on the folder.
    init?(_ folder: DataFolder) {
        guard let file = ServerFile.read(folder) else { return nil }
        self.client = LoopbackClient(file.admin)
        let token = ProcessInfo.processInfo.environment["SLUICE_ADMIN_TOKEN"].flatMap { $0.isEmpty ? nil : $0 }
        self.headers = token.map { [("authorization", "Bearer \($0)")] } ?? []
    }

    /// - Throws: Where there is no answer, or one that refuses.
    func send(_ method: String, _ path: String, query: [(String, String)] = [], body: [UInt8] = []) throws(StoreError) -> [UInt8] {
        let target = path + (query.isEmpty ? "" : "?" + query.map { "\($0)=\(AdminClient.escaped($1))" }.joined(separator: "&"))
        let answer: LoopbackClient.Answer
        do {
            answer = try self.client.send(method, target, headers: self.headers, body: body)
        } catch {
            throw StoreError(.other, "the server's admin listener: \(error)")
        }
        guard (200..<300).contains(answer.status) else {
            let problem = try? JSONDecoder().decode(Problem.self, from: Data(answer.body))
            throw StoreError(answer.status == 404 ? .other : .busy, problem?.detail ?? "the server answered \(answer.status)")
        }
        return answer.body
    }

    private struct Problem: Decodable {
        var detail: String
    }

    /// For a part of a path or a query.
    static func escaped(_ text: String) -> String {
        text.utf8.map { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
                UInt8(ascii: "_"), UInt8(ascii: "."):
                String(UnicodeScalar(byte))
            default: "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }.joined()
    }
}
