import FoundationEssentials
import Glibc
package import SluiceCore

/// The folder in which a router keeps everything that must survive it.
package struct DataFolder: Sendable {
    package let path: String

    package init(_ path: String) {
        self.path = path
    }

    package var database: String { self.path + "/sluice.db" }
    /// The database that is there: the folder's own, or the only other one, where `server: database` gave it another name.
    package var databaseFile: String? {
        if access(self.database, F_OK) == 0 { return self.database }
        let others = (try? FileManager.default.contentsOfDirectory(atPath: self.path))?.map { self.path + "/" + $0 }.filter(DataFolder.isDatabase) ?? []
        return others.count == 1 ? others.first : nil
    }

    private static func isDatabase(_ path: String) -> Bool {
        // To open a pipe would wait for its writer.
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG, let file = fopen(path, "r") else { return false }
        defer { fclose(file) }
        var start = [UInt8](repeating: 0, count: 16)
        return fread(&start, 1, 16, file) == 16 && start == Array("SQLite format 3\0".utf8)
    }

    package var journal: String { self.path + "/journal" }
    /// What clients uploaded.
    package var files: String { self.path + "/files" }
    /// Written by `serve` while it runs, so that commands find its listeners.
    package var server: String { self.path + "/server.json" }

    /// Makes the folder where it is missing, for its owner alone, with the folders above it.
    package func create() throws(StoreError) {
        umask(0o077)
        var problem = self.make()
        if problem == ENOENT, let slash = self.path.lastIndex(of: "/"), slash > self.path.startIndex {
            try DataFolder(String(self.path[..<slash])).create()
            // Once more, and no oftener: `/proc` is there and takes no folder.
            problem = self.make()
        }
        guard problem == 0 else { throw StoreError(.other, "cannot make the data folder \(self.path): \(String(cString: strerror(problem)))") }
    }

    /// 0 where the folder is there now, else the system's error.
    private func make() -> Int32 { mkdir(self.path, 0o700) == 0 || errno == EEXIST ? 0 : errno }
}
