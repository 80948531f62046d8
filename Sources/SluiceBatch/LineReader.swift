import SluiceCore
import SluiceWire

/// Fetches the requests of batch lines from the files in which they stand.
struct LineReader {
    private let files: any FileStore

    init(_ files: any FileStore) {
        self.files = files
    }

    /// A leased job with its request. One whose request is gone or cannot be read is given back without.
    ///
    /// Blocks for a read of the file.
    func withCall(_ leased: LeasedJob) -> LeasedJob {
        guard leased.call == nil, leased.job.source != nil else { return leased }
        var leased = leased
        leased.call = self.call(of: leased.job)
        return leased
    }

    /// What a line asks for; nil where it is gone or cannot be read. Blocks, too.
    func call(of job: Job) -> StoredCall? {
        guard let source = job.source else { return nil }
        let bytes = (try? self.files.read(source.file, at: source.offset, length: source.length)) ?? nil
        return bytes.flatMap { LineReader.call(in: $0, of: job) }
    }

    /// What a line asks for: its `body`, or `params` in a message batch.
    private static func call(in line: [UInt8], of job: Job) -> StoredCall? {
        line.withUnsafeBytes { bytes in
            var range: Range<Int>?
            var cursor = JSONCursor(bytes)
            do throws(JSONFault) {
                try cursor.members { key, cursor throws(JSONFault) in
                    let value = try cursor.value()
                    if key.decoded == "body" || key.decoded == "params" { range = value }
                }
            } catch {
                return nil
            }
            guard let range, let fields = try? RequestFields(UnsafeRawBufferPointer(rebasing: bytes[range]), endpoint: job.endpoint) else { return nil }
            var request = InferenceRequest(fields, endpoint: job.endpoint, tenant: job.tenant)
            request.key = job.key
            request.model = job.model
            request.consent = .batch
            // A line without a class has no limit of its job yet.
            request.wishes.maxCost = job.maxCost ?? fields.maxCost
            return StoredCall(request: request, fields: [], body: Array(bytes[range]), clientRequestID: nil)
        }
    }
}
