import FoundationEssentials
import GRDB
import SluiceCore

/// A row of the table `job_result`.
enum JobResultRow {
    static let written = "job, status, content_type, body, lines, code, message"
    static let columns = "job_result.status, job_result.content_type, job_result.body, job_result.lines, job_result.code, job_result.message"

    /// - Parameter first: Where ``columns`` begin.
    static func read(_ row: Row, from first: Int = 0) -> JobResult? {
        guard let status = row[first] as Int? else { return nil }
        var result = JobResult(status: status, contentType: row[first + 1], body: [UInt8](row[first + 2] as Data))
        result.lines = [UInt8](row[first + 3] as Data)
        if let code = (row[first + 4] as String?).flatMap(Refusal.Code.init(rawValue:)) { result.refusal = .init(code: code, message: row[first + 5] ?? "") }
        return result
    }
}
