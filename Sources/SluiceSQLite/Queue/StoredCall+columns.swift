import FoundationEssentials
import GRDB
import SluiceCore

extension StoredCall {
    /// The request as it stands in `job_body`.
    var requestText: String {
        get throws { String(decoding: try JSONEncoder().encode(StoredRequest(self.request)), as: UTF8.self) }
    }

    static func find(_ job: Int64, in db: Database) throws -> StoredCall? {
        let statement = try db.cachedStatement(
            literal: "SELECT request, client_request_id, fields, body FROM job_body WHERE job = \(job)")
        guard let row = try Row.fetchOne(statement) else { return nil }
        let stored = try JSONDecoder().decode(StoredRequest.self, from: Data((row[0] as String).utf8))
        guard let request = stored.request else {
            throw StoreError(.incompatible, "job \(job) goes to an endpoint that this Sluice does not know")
        }
        return StoredCall(request: request, fields: [UInt8](row[2] as Data), body: [UInt8](row[3] as Data), clientRequestID: row[1])
    }
}
