import FoundationEssentials
import GRDB
package import SluiceCore

/// Files in a folder beside the store's own, with their rows in it.
package struct SQLiteFileStore: FileStore {
    private static let filesPerSweep = 500

    let reader: StoreReader
    private let writer: StoreWriter?
    private let shelf: FileShelf

    package init(_ database: SQLiteDatabase) {
        self.reader = database.reader
        self.writer = database.writer
        self.shelf = database.shelf
    }

    /// For reading alone: every write is refused.
    package init(reading reader: StoreReader, folder: DataFolder) {
        self.reader = reader
        self.writer = nil
        self.shelf = FileShelf(folder: folder.files)
    }

    private func submit<Value: Sendable>(_ work: @escaping @Sendable (inout WriteTransaction) throws -> Value, then: @escaping Completion<Value>) {
        guard let writer else { return then(.failure(.readOnly)) }
        writer.submit(WriteOperation(work, then: then))
    }

    // MARK: In

    package func receive(_ id: String) throws(StoreError) -> any FileReceipt {
        guard self.writer != nil else { throw .readOnly }
        return try self.shelf.receive(id)
    }

    package func add(_ file: StoredFile, _ receipt: any FileReceipt, then: @escaping Completion<Void>) {
        guard let receipt = receipt as? FileReceiptOnDisk else { preconditionFailure("a receipt of another store") }
        self.shelf.put(receipt, as: file.id) { result in
            do throws(StoreError) {
                try result.get()
                self.insert(file, then: then)
            } catch {
                self.giveUp(file.id, receipt)
                if error.code == .ioFailure { self.writer?.stop(error) }
                then(.failure(error))
            }
        }
    }

    private func insert(_ file: StoredFile, then: @escaping Completion<Void>) {
        self.submit({ transaction in
            try transaction.db.cachedStatement(
                literal: """
                    INSERT INTO file(pub, tenant, purpose, name, bytes, sha256, created_ms, expires_ms)
                    VALUES (\(file.id), \(file.tenant), \(file.purpose.rawValue), \(file.name), \(file.bytes), \(Data(file.sha256)),
                      \(file.created.milliseconds), \(file.expires?.milliseconds))
                    """
            ).execute()
        }) { result in
            // Without a row the bytes are a stray, and the next sweep takes them.
            self.shelf.hasArrived(file.id)
            then(result)
        }
    }

    private func giveUp(_ id: String, _ receipt: FileReceiptOnDisk) {
        receipt.discard()
        try? self.shelf.remove(id)
    }

    // MARK: Away

    package func deleteFile(_ id: String, tenant: String?, at now: Timestamp, then: @escaping Completion<Bool>) {
        self.submit({ transaction in
            try transaction.db.cachedStatement(
                literal: """
                    UPDATE file SET deleted_ms = \(now.milliseconds)
                    WHERE pub = \(id) AND (\(tenant) IS NULL OR tenant = \(tenant)) AND deleted_ms IS NULL
                    """
            ).execute()
            guard transaction.db.changesCount == 1 else { return false }
            try transaction.forgetAnswers(about: id)
            return true
        }) { result in
            guard case .success(true) = result else { return then(result) }
            self.shelf.later {
                // What cannot be erased now is erased by the next sweep; deleted it is.
                _ = try? self.eraseDeleted([id])
                then(result)
            }
        }
    }

    package func sweepFiles(at now: Timestamp, then: @escaping Completion<Int>) {
        self.submit({ transaction in
            try transaction.db.cachedStatement(
                literal: """
                    UPDATE file SET deleted_ms = \(now.milliseconds) WHERE id IN (
                      SELECT id FROM file WHERE deleted_ms IS NULL AND expires_ms IS NOT NULL AND expires_ms <= \(now.milliseconds)
                      ORDER BY expires_ms LIMIT \(SQLiteFileStore.filesPerSweep))
                    """
            ).execute()
            try transaction.db.cachedStatement(
                literal: "DELETE FROM kept_answer WHERE job IN (SELECT pub FROM file WHERE deleted_ms IS NOT NULL)"
            ).execute()
            if transaction.db.changesCount > 0 { transaction.hasErased = true }
            try transaction.db.cachedStatement(
                literal: """
                    UPDATE batch SET is_output_deleted = 1, is_error_deleted = 1, is_erasing = 1
                    WHERE output_life_ms IS NOT NULL AND is_output_deleted + is_error_deleted < 2 AND ended_ms + output_life_ms <= \(now.milliseconds)
                    """
            ).execute()
            return try String.fetchAll(transaction.db.cachedStatement(sql: "SELECT pub FROM file WHERE deleted_ms IS NOT NULL ORDER BY id"))
        }) { result in
            self.shelf.later {
                then(
                    result.flatMap { deleted in
                        Result { () throws(StoreError) in try self.eraseDeleted(deleted) + self.removeStrays() }
                    })
            }
        }
    }

    /// Erases what nobody waits for of files that are deleted, and forgets those of which that is all. Gives how many are gone.
    private func eraseDeleted(_ ids: [String]) throws(StoreError) -> Int {
        var gone: [String] = []
        for id in ids {
            let needed = try self.reader.read { db in try StoredFileRow.neededRanges(of: id, in: db) }
            if needed.isEmpty {
                try self.shelf.remove(id)
                gone.append(id)
            } else {
                try self.shelf.eraseAll(of: id, but: needed)
            }
        }
        guard !gone.isEmpty else { return 0 }
        try FileShelf.sync(self.shelf.folder)
        let removed = gone
        // Its failure leaves rows of files that are gone, which the next sweep tries again.
        self.submit({ transaction in
            for id in removed { try transaction.db.cachedStatement(literal: "DELETE FROM file WHERE pub = \(id) AND deleted_ms IS NOT NULL").execute() }
        }) { _ in }
        return gone.count
    }

    private func removeStrays() throws(StoreError) -> Int {
        let strays = try self.reader.read { db in
            try self.shelf.strays { id in
                try Bool.fetchOne(db.cachedStatement(literal: "SELECT EXISTS (SELECT 1 FROM file WHERE pub = \(id))")) ?? false
            }
        }
        for name in strays { self.shelf.removeStray(name) }
        return strays.count
    }

    // MARK: Reading

    package func file(_ id: String, tenant: String?) throws(StoreError) -> StoredFile? {
        try self.reader.read { db in
            try Row.fetchOne(
                db.cachedStatement(
                    literal: """
                        SELECT \(sql: StoredFileRow.columns) FROM file
                        WHERE pub = \(id) AND (\(tenant) IS NULL OR tenant = \(tenant)) AND deleted_ms IS NULL
                        """)
            ).map(StoredFileRow.read)
        }
    }

    package func read(_ id: String, at offset: Int, length: Int) throws(StoreError) -> [UInt8]? {
        try self.shelf.read(id, at: offset, length: length)
    }
}
