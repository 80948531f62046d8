import GRDB
import SluiceCore

/// The request of a job as it lies on disk.
struct PackedCall: Sendable {
    var request: [UInt8]
    var clientRequestID: String?
    var fields: [UInt8]
    var body: [UInt8]

    static func find(_ job: Int64, in db: Database) throws -> PackedCall? {
        try RawStatement("SELECT request, client_request_id, fields, body FROM job_body WHERE job = ?", in: db).first(.integer(job)) { row in
            PackedCall(request: row.array(0), clientRequestID: row.textOrNil(1), fields: row.array(2), body: row.array(3))
        }
    }

    func unpacked() throws(LedgerLineError) -> StoredCall {
        StoredCall(request: try StoredRequest.read(self.request), fields: self.fields, body: self.body, clientRequestID: self.clientRequestID)
    }
}
