import ArgumentParser
import SluiceCore
import SluiceSQLite

extension Console {
    /// Runs what reads or writes the store; a failure is told as commands tell it, and ends the command with 2.
    func failing<T>(as format: OutputFormat, _ body: () throws(StoreError) -> T) throws -> T {
        do throws(StoreError) {
            return try body()
        } catch {
            throw CommandFailure(message: error.message).report(as: format, on: self)
        }
    }
}

extension DataOptions {
    /// The store of the folder for reading, whether or not a server runs on it.
    func reader() throws(StoreError) -> StoreReader {
        let folder = self.folder()
        guard let path = folder.databaseFile else {
            throw StoreError(.other, "there is no store in \(folder.path): no router has run there; name its folder with --data")
        }
        return try StoreReader(file: path)
    }
}
