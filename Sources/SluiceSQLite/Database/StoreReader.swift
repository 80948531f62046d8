import GRDB
package import SluiceCore

/// Reads the store: one consistent snapshot at a time, on the calling thread.
package struct StoreReader: Sendable {
    private enum Source {
        case pool(DatabasePool)
        case file(DatabaseFile)
    }

    private let source: Source

    init(_ pool: DatabasePool) {
        self.source = .pool(pool)
    }

    /// Opens the file of a store for reading alone, whether or not a server writes to it at the same time, in place or in a copied folder.
    ///
    /// - Throws: ``StoreError/Code/incompatible`` where it is none of ours.
    package init(file path: String) throws(StoreError) {
        self.source = .file(try DatabaseFile(path))
    }

    func read<T>(_ value: (Database) throws -> T) throws(StoreError) -> T {
        do {
            switch self.source {
            case .pool(let pool): return try pool.read(value)
            case .file(let file): return try file.read(value)
            }
        } catch {
            throw StoreError.translating(error)
        }
    }
}
