import FoundationEssentials
import Glibc
import SluiceCore
import SluiceSQLite

/// `server.json` in the data folder: where a running server listens, for the commands (`outputs.md`, Rules).
struct ServerFile: Codable {
    var pid: Int32
    var api: String
    var admin: String

    /// nil where no server runs on the folder; a stale file counts as none.
    static func read(_ folder: DataFolder) -> ServerFile? {
        guard let data = FileManager.default.contents(atPath: folder.server), let file = try? JSONDecoder().decode(ServerFile.self, from: data),
            kill(file.pid, 0) == 0 || errno == EPERM
        else { return nil }
        return file
    }

    func write(_ folder: DataFolder) throws(StoreError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(self),
            FileManager.default.createFile(atPath: folder.server, contents: data, attributes: [.posixPermissions: 0o600])
        else { throw StoreError(.ioFailure, "cannot write \(folder.server)") }
    }

    static func remove(_ folder: DataFolder) { unlink(folder.server) }
}
