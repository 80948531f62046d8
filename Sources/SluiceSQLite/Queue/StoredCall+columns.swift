import FoundationEssentials
import GRDB
import SluiceCore

extension StoredCall {
    static func find(_ job: Int64, in db: Database) throws -> StoredCall? {
        let statement = try db.cachedStatement(sql: "SELECT request, client_request_id, fields, body FROM job_body WHERE job = ?")
        guard let row = try Row.fetchOne(statement, arguments: [job]) else { return nil }
        do {
            return StoredCall(
                request: try StoredRequest.read(Array((row[0] as String).utf8)), fields: [UInt8](row[2] as Data), body: [UInt8](row[3] as Data),
                clientRequestID: row[1])
        } catch {
            throw StoreError(.incompatible, "the request of job \(job) cannot be read: \(error.message)")
        }
    }
}
