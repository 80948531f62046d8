import Dispatch
import SluiceCore
import SluiceSQLite
import Synchronization

/// Changes the store of a folder: through the server that runs on it, else by opening it.
struct StoreAccess {
    let folder: DataFolder

    /// - Parameters:
    ///   - served: The call to a running server.
    ///   - alone: The same change where none runs.
    func change(
        served: (AdminClient) throws(StoreError) -> [UInt8], alone: (SQLiteDatabase) throws(StoreError) -> [UInt8]
    ) throws(StoreError) -> [UInt8] {
        if let client = AdminClient(self.folder) { return try served(client) }
        var opening = SQLiteDatabase.Opening(folder: self.folder)
        opening.path = self.folder.databaseFile
        let database = try SQLiteDatabase(opening, at: .now)
        let result: Result<[UInt8], StoreError>
        do throws(StoreError) { result = .success(try alone(database)) } catch { result = .failure(error) }
        try database.close(at: .now)
        return try result.get()
    }
}

/// Waits for a callback of the store; for commands, which have nothing else to do.
func awaiting<Value: Sendable>(_ body: (@escaping @Sendable (Result<Value, StoreError>) -> Void) -> Void) throws(StoreError) -> Value {
    let isDone = DispatchSemaphore(value: 0)
    let result = Mutex<Result<Value, StoreError>?>(nil)
    body { value in
        result.withLock { $0 = value }
        isDone.signal()
    }
    isDone.wait()
    guard let result = result.withLock({ $0 }) else { throw StoreError(.other, "the store did not answer") }
    return try result.get()
}
