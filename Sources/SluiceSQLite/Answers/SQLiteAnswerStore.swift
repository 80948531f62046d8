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
                    if let earlier = try SQLiteAnswerStore.find(answer.key, in: transaction.db) {
                        guard earlier.subject != nil, earlier.subject == answer.subject, (earlier.status, earlier.body) != (answer.status, answer.body) else {
                            return
                        }
                        try transaction.db.execute(literal: "DELETE FROM kept_answer WHERE scope = \(answer.key.scope) AND key = \(answer.key.key)")
                    }
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

    fileprivate static func find(_ key: KeptAnswer.Key, in db: Database) throws -> KeptAnswer? {
        try RawStatement("SELECT fingerprint, at_ms, status, lines, body, job FROM kept_answer WHERE scope = ? AND key = ?", in: db)
            .first(.text(key.scope), .text(key.key)) { row in
                KeptAnswer(
                    key: key, fingerprint: row.array(0), at: Timestamp(milliseconds: row.long(1)), status: row.int(2), lines: row.array(3), body: row.array(4),
                    subject: row.textOrNil(5))
            }
    }
}

extension WriteTransaction {
    /// To be called before anything is changed.
    ///
    /// - Throws: Where the key has an answer: then what it answers must not be done a second time.
    func checkIsFree(_ key: KeptAnswer.Key) throws {
        guard try SQLiteAnswerStore.find(key, in: self.db) == nil else {
            throw Unchanged(StoreError(.other, "the idempotency key has an answer already"))
        }
    }

    /// Erases what is kept of a job, file or batch that is erased.
    mutating func forgetAnswers(about subject: String) throws {
        try self.db.cachedStatement(literal: "DELETE FROM kept_answer WHERE job = \(subject)").execute()
        if self.db.changesCount > 0 { self.hasErased = true }
    }

    mutating func keep(_ answer: KeptAnswer) throws {
        try RawStatement("INSERT INTO kept_answer(scope, key, fingerprint, at_ms, status, lines, body, job) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", in: self.db).run(
            .text(answer.key.scope), .text(answer.key.key), .bytes(answer.fingerprint), .integer(answer.at.milliseconds), .integer(answer.status),
            .bytes(answer.lines), .bytes(answer.body), .text(answer.subject))
    }
}
