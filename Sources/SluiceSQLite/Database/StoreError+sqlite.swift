package import GRDB
package import SluiceCore

extension StoreError {
    /// What an error of SQLite's means to a caller.
    package init(_ error: DatabaseError) {
        let code: Code
        switch error.resultCode {
        case .SQLITE_FULL: code = .full
        // Nothing that this process would write from now on could be trusted to stay.
        case .SQLITE_IOERR, .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_READONLY, .SQLITE_CANTOPEN: code = .ioFailure
        case .SQLITE_BUSY, .SQLITE_LOCKED: code = .busy
        default: code = .other
        }
        let tellsDamage = error.resultCode == .SQLITE_CORRUPT || error.resultCode == .SQLITE_NOTADB
        self.init(code, "SQLite: \(error.message ?? "no message") (\(error.extendedResultCode))", tellsDamage: tellsDamage)
    }

    static func translating(_ error: any Error) -> StoreError {
        switch error {
        case let error as StoreError: error
        case let error as DatabaseError: StoreError(error)
        default: StoreError(.other, String(describing: error))
        }
    }
}
