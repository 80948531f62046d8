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
    func reader() throws(StoreError) -> StoreReader { try self.folder().reader() }
}

extension DataFolder {
    func reader() throws(StoreError) -> StoreReader {
        guard let path = self.databaseFile else {
            throw StoreError(.other, "there is no store in \(self.path): no router has run there; name its folder with --data")
        }
        return try StoreReader(file: path)
    }
}
