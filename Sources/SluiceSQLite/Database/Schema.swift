import GRDB

/// The tables, one migration per change; a migration that was released is never edited again. A new one also changes `Schema.now`.
enum Schema {
    /// The number of the last migration, as `user_version` says it.
    static let version = 12

    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 boots, keys", foreignKeyChecks: .immediate) { db in try db.execute(sql: self.boots) }
        migrator.registerMigration("2 ledger", foreignKeyChecks: .immediate) { db in
            try db.execute(sql: self.ledger)
            try db.execute(sql: self.rollups)
        }
        migrator.registerMigration("3 jobs", foreignKeyChecks: .immediate) { db in try db.execute(sql: self.jobs) }
        migrator.registerMigration("4 files, batches, answers, webhooks") { db in
            try db.execute(sql: self.files)
            try db.execute(sql: self.batches)
            try db.execute(sql: self.lines)
            try db.execute(sql: self.answers)
            try db.execute(sql: self.webhooks)
        }
        migrator.registerMigration("5 retention", foreignKeyChecks: .immediate) { db in try db.execute(sql: self.retention) }
        migrator.registerMigration("6 bundles", foreignKeyChecks: .immediate) { db in try db.execute(sql: self.bundles) }
        migrator.registerMigration("7 verifications", foreignKeyChecks: .immediate) { db in try db.execute(sql: self.verifications) }
        migrator.registerMigration("8 results, output files", foreignKeyChecks: .immediate) { db in try db.execute(sql: self.results) }
        migrator.registerMigration("9 connections, tries", foreignKeyChecks: .immediate) { db in try db.execute(sql: self.connections) }
        // Nothing to change, but an earlier version cannot read what this one writes.
        migrator.registerMigration("10 short lines", foreignKeyChecks: .immediate) { db in try db.execute(sql: "PRAGMA user_version = 10") }
        migrator.registerMigration("11 intents without a line", foreignKeyChecks: .immediate) { db in try db.execute(sql: self.intents) }
        migrator.registerMigration("12 intents in the rows of ends", foreignKeyChecks: .immediate) { db in try db.execute(sql: self.begun) }
        return migrator
    }
}
