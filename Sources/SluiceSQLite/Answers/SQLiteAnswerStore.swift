import FoundationEssentials
import GRDB
package import SluiceCore

/// Answers under idempotency keys in the store's file.
package struct SQLiteAnswerStore: AnswerStore {
    private static let answersPerSweep = 1000

    private let reader: StoreReader
    private let writer: StoreWriter

    package init(_ database: SQLiteDatabase) {
        self.reader = database.reader
        self.writer = database.writer
    }

    package func keep(_ answer: KeptAnswer, then: @escaping Completion<Void>) {
        self.writer.submit(
            WriteOperation(
                { transaction in
                    guard try SQLiteAnswerStore.find(answer.key, in: transaction.db) == nil else { return }
                    try transaction.keep(answer)
                }, then: then))
    }

    package func forgetAnswers(before limit: Timestamp, then: @escaping Completion<Int>) {
        self.writer.submit(
            WriteOperation(
                { transaction in
                    try transaction.db.execute(
                        literal: """
                            DELETE FROM kept_answer WHERE id IN (
                              SELECT id FROM kept_answer WHERE at_ms < \(limit.milliseconds) ORDER BY at_ms LIMIT \(SQLiteAnswerStore.answersPerSweep))
                            """)
                    if transaction.db.changesCount > 0 { transaction.hasErased = true }
                    return transaction.db.changesCount
                }, then: then))
    }

    package func answer(to key: KeptAnswer.Key) throws(StoreError) -> KeptAnswer? {
        try self.reader.read { db in try SQLiteAnswerStore.find(key, in: db) }
    }

    private static func find(_ key: KeptAnswer.Key, in db: Database) throws -> KeptAnswer? {
        let statement = try db.cachedStatement(sql: "SELECT fingerprint, at_ms, status, lines, body FROM kept_answer WHERE scope = ? AND key = ?")
        return try Row.fetchOne(statement, arguments: [key.scope, key.key]).map { row in
            KeptAnswer(
                key: key, fingerprint: [UInt8](row[0] as Data), at: Timestamp(milliseconds: row[1]), status: row[2], lines: [UInt8](row[3] as Data),
                body: [UInt8](row[4] as Data))
        }
    }
}

extension WriteTransaction {
    /// Keeps an answer.
    ///
    /// - Throws: Where its key has one already: then what it answers must not be done a second time.
    mutating func keep(_ answer: KeptAnswer) throws {
        try self.db.cachedStatement(sql: "INSERT INTO kept_answer(scope, key, fingerprint, at_ms, status, lines, body) VALUES (?, ?, ?, ?, ?, ?, ?)").execute(
            arguments: [
                answer.key.scope, answer.key.key, Data(answer.fingerprint), answer.at.milliseconds, answer.status, Data(answer.lines), Data(answer.body),
            ])
    }
}
