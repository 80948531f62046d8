/// One policy file as it was read: its path in the user's words, and its bytes.
package struct PolicyFile: Hashable, Sendable {
    /// The most that a policy file may weigh.
    package static let byteLimit = 1 << 20

    package var path: String
    package var bytes: [UInt8]

    package init(path: String, bytes: [UInt8]) {
        self.path = path
        self.bytes = bytes
    }

    package init(path: String, text: String) {
        self.init(path: path, bytes: Array(text.utf8))
    }
}
