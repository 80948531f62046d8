import GRDB
package import SluiceCore

/// Bundles in the store's file, beside the jobs in them.
package struct SQLiteBundleStore: BundleStore {
    let jobs: SQLiteJobStore

    package init(_ database: SQLiteDatabase) {
        self.jobs = SQLiteJobStore(database)
    }

    /// For reading alone: every write is refused.
    package init(reading reader: StoreReader) {
        self.jobs = SQLiteJobStore(reading: reader)
    }

    // MARK: Small steps

    package func keep(file: String, of bundle: Int64, then: @escaping Completion<Void>) {
        self.jobs.submit(
            { transaction in
                try RawStatement("UPDATE bundle SET up_file = ? WHERE id = ?", in: transaction.db).run(.text(file), .integer(bundle))
                return ()
            }, then: then)
    }

    package func accept(_ bundle: Int64, as batch: String, then: @escaping Completion<Bool>) {
        self.jobs.submit(
            { transaction in
                let sql = """
                    UPDATE bundle SET state = \(BundleState.target(of: .accepted).rawValue), up_batch = ?, last_error = NULL
                    WHERE id = ? AND \(BundleState.allows(.accepted))
                    """
                return try RawStatement(sql, in: transaction.db).run(.text(batch), .integer(bundle)) == 1
            }, then: then)
    }

    package func askedCancel(_ bundle: Int64, then: @escaping Completion<Bool>) {
        self.jobs.submit(
            { transaction in
                let sql = """
                    UPDATE bundle SET state = \(BundleState.target(of: .cancelAsked).rawValue) WHERE id = ? AND \(BundleState.allows(.cancelAsked))
                    """
                return try RawStatement(sql, in: transaction.db).run(.integer(bundle)) == 1
            }, then: then)
    }

    package func recall(_ bundle: Int64, at pull: Timestamp, hedge: Timestamp, then: @escaping Completion<Void>) {
        self.jobs.submit(
            { transaction in
                try RawStatement("UPDATE bundle SET pull_ms = ?, hedge_ms = ? WHERE id = ?", in: transaction.db)
                    .run(.integer(pull.milliseconds), .integer(hedge.milliseconds), .integer(bundle))
                return ()
            }, then: then)
    }

    package func note(_ error: String, of bundle: Int64, then: @escaping Completion<Void>) {
        self.jobs.submit(
            { transaction in
                try RawStatement("UPDATE bundle SET last_error = ? WHERE id = ?", in: transaction.db).run(.text(error), .integer(bundle))
                return ()
            }, then: then)
    }

    package func close(_ bundle: Int64, by event: BundleState.Event, leftovers: [String], at now: Timestamp, then: @escaping Completion<Bool>) {
        let sql = """
            UPDATE bundle SET state = \(BundleState.target(of: event).rawValue), ended_ms = ?, leftovers = ?
            WHERE id = ? AND \(BundleState.allows(event)) AND NOT EXISTS (SELECT 1 FROM bundle_line WHERE bundle_line.bundle = bundle.id)
            """
        self.jobs.submit(
            { transaction in
                try RawStatement(sql, in: transaction.db)
                    .run(.integer(now.milliseconds), .text(leftovers.joined(separator: "\n")), .integer(bundle)) == 1
            }, then: then)
    }

    package func forgetLeftovers(of bundle: Int64, then: @escaping Completion<Void>) {
        self.jobs.submit(
            { transaction in
                try RawStatement("UPDATE bundle SET leftovers = '' WHERE id = ?", in: transaction.db).run(.integer(bundle))
                return ()
            }, then: then)
    }

    // MARK: Reading

    package func bundle(_ id: Int64) throws(StoreError) -> Bundle? {
        try self.jobs.reader.read { db in try RawStatement(BundleRow.byID, in: db).first(.integer(id), read: BundleRow.read) }
    }

    package func laneTimes() throws(StoreError) -> [LaneTime] {
        let sql = """
            SELECT backend, submitted_ms, ended_ms - submitted_ms FROM bundle
            WHERE state = \(BundleState.ingested.rawValue) AND up_batch IS NOT NULL AND submitted_ms IS NOT NULL AND ended_ms < ifnull(pull_ms, ended_ms + 1)
            ORDER BY id DESC LIMIT 20000
            """
        let latest = try self.jobs.reader.read { db in
            try RawStatement(sql, in: db).all { row in
                LaneTime(backend: row.text(0), begun: Timestamp(milliseconds: row.long(1)), took: .milliseconds(row.long(2)))
            }
        }
        return latest.reversed()
    }

    package func openBundles() throws(StoreError) -> [Bundle] {
        try self.jobs.reader.read { db in try RawStatement(BundleRow.open, in: db).all(read: BundleRow.read) }
    }
}
