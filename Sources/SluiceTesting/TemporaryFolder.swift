import FoundationEssentials

/// A folder of a test's own, which goes with it.
package final class TemporaryFolder: Sendable {
    package let path: String

    package init() {
        var parent = FileManager.default.temporaryDirectory.path
        // Two slashes name the same place, but SQLite calls it by another name then.
        while parent.hasSuffix("/") { parent.removeLast() }
        self.path = parent + "/sluice-\(String(UInt64.random(in: 0 ... .max), radix: 36))"
        try? FileManager.default.createDirectory(atPath: self.path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: self.path) }
}
