import GRDB
import SluiceCore

extension StoredCall {
    static func find(_ job: Int64, in db: Database) throws -> StoredCall? {
        try RawStatement("SELECT request, client_request_id, fields, body FROM job_body WHERE job = ?", in: db).first(.integer(job)) { row in
            do throws(LedgerLineError) {
                return StoredCall(request: try StoredRequest.read(row.array(0)), fields: row.array(2), body: row.array(3), clientRequestID: row.textOrNil(1))
            } catch {
                throw StoreError(.incompatible, "the request of job \(job) cannot be read: \(error.message)")
            }
        }
    }
}
