import FoundationEssentials

/// A folder of a test's own, which goes with it.
package final class TemporaryFolder: Sendable {
    package let path: String

    package init() {
        self.path = FileManager.default.temporaryDirectory.path + "/sluice-\(String(UInt64.random(in: 0 ... .max), radix: 36))"
        try? FileManager.default.createDirectory(atPath: self.path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: self.path) }
}
