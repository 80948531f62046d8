/// A file that a client handed in, or in lists a view of a batch's results (``Batch/outputFile``).
package struct StoredFile: Sendable {
    package enum Purpose: String, Sendable {
        case batch
        case userData = "user_data"
        /// The entries of a message batch; belongs to that batch and is shown to nobody.
        case messageBatch = "message_batch"
        /// A view of a batch's results; it stands in lists and is never handed in.
        case batchOutput = "batch_output"

        /// Whether a client may hand in such a file.
        package var isForUpload: Bool {
            switch self {
            case .batch, .userData: true
            case .messageBatch, .batchOutput: false
            }
        }
    }

    /// How many seconds after a file was made a client may let it expire.
    package static let lives = 3600...2_592_000

    /// `file-…`.
    package var id: String
    package var tenant: String
    package var purpose: Purpose
    /// The last component of the path that the client named.
    package var name: String
    package var bytes: Int
    package var sha256: [UInt8]
    package var created: Timestamp
    package var expires: Timestamp?

    package init(
        id: String, tenant: String, purpose: Purpose, name: String, bytes: Int, sha256: [UInt8], created: Timestamp, expires: Timestamp?
    ) {
        self.id = id
        self.tenant = tenant
        self.purpose = purpose
        self.name = name
        self.bytes = bytes
        self.sha256 = sha256
        self.created = created
        self.expires = expires
    }
}
