import GRDB
package import SluiceCore

/// Stored files and the output and error files of batches in one list, by when they were made: a batch's files are as old as the batch.
extension SQLiteFileStore {
    package func files(tenant: String?, purpose: StoredFile.Purpose?, page: PageRequest) throws(StoreError) -> Page<StoredFile>? {
        try self.reader.read { db in
            let shown = SQLiteFileStore.shown(to: tenant)
            guard let place = try FilePlace(page, among: shown, in: db) else { return nil }
            var which = place.condition
            if let purpose { which += " AND purpose = \(purpose.rawValue)" }
            let rows = try Row.fetchAll(
                db.cachedStatement(literal: "SELECT \(sql: StoredFileRow.columns) FROM (\(shown)) WHERE \(which) \(place.order)"))
            return try place.page(of: rows, StoredFileRow.read)
        }
    }

    /// Everything that is shown, in the columns of ``StoredFileRow``.
    private static func shown(to tenant: String?) -> SQL {
        let own: SQL = tenant.map { "tenant = \($0)" } ?? "true"
        let hidden = StoredFile.Purpose.messageBatch.rawValue
        let output = StoredFile.Purpose.batchOutput.rawValue
        let isShown: SQL = "\(own) AND wire = \(Batch.Wire.openAI.rawValue) AND erased_ms IS NULL"
        return """
            SELECT \(sql: StoredFileRow.columns) FROM file WHERE \(own) AND deleted_ms IS NULL AND purpose <> \(hidden)
            UNION ALL
            SELECT output_file, tenant, \(output), pub || '_output.jsonl', output_bytes, zeroblob(0), created_ms, ended_ms + output_life_ms
            FROM batch WHERE \(isShown) AND done > 0 AND is_output_deleted = 0
            UNION ALL
            SELECT error_file, tenant, \(output), pub || '_error.jsonl', error_bytes, zeroblob(0), created_ms, ended_ms + output_life_ms
            FROM batch WHERE \(isShown) AND failed + expired + cancelled > 0 AND is_error_deleted = 0
            """
    }
}

/// Where a page of files begins: behind or before a file, by time and id.
private struct FilePlace {
    private let start: (created: Int64, id: String)?
    private let isAscending: Bool
    private let isReversed: Bool
    private let limit: Int

    /// nil where the cursor names none of the files.
    init?(_ page: PageRequest, among shown: SQL, in db: Database) throws {
        let isOldestFirst = page.order == .oldestFirst
        self.limit = page.limit
        switch page.cursor {
        case .first: (self.start, self.isAscending, self.isReversed) = (nil, isOldestFirst, false)
        case .after(let id), .before(let id):
            let created = try Int64.fetchOne(db.cachedStatement(literal: "SELECT created_ms FROM (\(shown)) WHERE pub = \(id)"))
            guard let created else { return nil }
            let isBackwards = if case .before = page.cursor { true } else { false }
            (self.start, self.isAscending, self.isReversed) = ((created, id), isOldestFirst != isBackwards, isBackwards)
        }
    }

    var condition: SQL {
        guard let start else { return "true" }
        return self.isAscending ? "(created_ms, pub) > (\(start.created), \(start.id))" : "(created_ms, pub) < (\(start.created), \(start.id))"
    }

    var order: SQL {
        self.isAscending ? "ORDER BY created_ms, pub LIMIT \(self.limit + 1)" : "ORDER BY created_ms DESC, pub DESC LIMIT \(self.limit + 1)"
    }

    func page<Element: Sendable>(of rows: [Row], _ element: (Row) throws -> Element) rethrows -> Page<Element> {
        let data = try rows.prefix(self.limit).map(element)
        return Page(data: self.isReversed ? data.reversed() : data, hasMore: rows.count > self.limit)
    }
}
