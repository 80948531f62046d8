import FoundationEssentials
import GRDB
import SluiceCore
import SluiceSQLite
import SluiceTesting

/// What a crash in the middle of a ``Story`` may not have done.
struct StoryCheck {
    /// Acknowledged, and not there.
    private(set) var lost: [String] = []
    /// Wrong in itself: pages, books, counts.
    private(set) var damaged: [String] = []

    var isWhole: Bool { self.lost.isEmpty && self.damaged.isEmpty }

    /// Opens the store as the next process does.
    init(_ folder: DataFolder, acknowledged lines: some Sequence<String>) {
        do {
            let database = try SQLiteDatabase(.init(folder: folder), at: Sample.now)
            let jobs = SQLiteJobStore(database)
            _ = try waiting { jobs.recover(at: Sample.now, then: $0) }
            for line in lines { try self.find(line, in: database) }
            if let bad = try SQLiteLedger(database).verify(wanted: nil).chain.firstBad { self.damaged.append("the chain at \(bad)") }
            try database.close(at: Sample.now)
            try self.checkTables(folder)
        } catch {
            self.damaged.append("\((error as? StoreError)?.message ?? "\(error)")")
        }
    }

    private mutating func find(_ line: String, in database: SQLiteDatabase) throws {
        let words = line.split(separator: " ")
        guard words.count == 2 else { return }
        let n = Int(words[1]) ?? 0
        let isThere =
            switch words[0] {
            case "JOB":
                try SQLiteJobStore(database).job("job_\(n)", tenant: nil) != nil && SQLiteAnswerStore(database).answer(to: Story.answer(n).key) != nil
            case "FILE":
                try SQLiteFileStore(database).file("file-\(n)", tenant: nil) != nil
                    && SQLiteFileStore(database).read("file-\(n)", at: 0, length: 1 << 20) == Story.bytes(ofFile: n)
            case "BATCH": try SQLiteBatchStore(database).batch("batch_\(n)", tenant: nil) != nil
            case "LINES": try SQLiteBatchStore(database).batch("batch_\(n)", tenant: nil)?.lines.total == 3
            case "DONE":
                try SQLiteJobStore(database).job(String(words[1]), tenant: nil)?.state == .done
                    && SQLiteJobStore(database).result(of: String(words[1]), tenant: nil)?.body == Story.answerBody(of: String(words[1]))
            case "CANCEL": try SQLiteBatchStore(database).batch("batch_\(n)", tenant: nil).map { $0.times.cancelling != nil || $0.status.isTerminal } ?? false
            default: true
            }
        if !isThere { self.lost.append(line) }
    }

    private mutating func checkTables(_ folder: DataFolder) throws {
        var configuration = Configuration()
        configuration.readonly = true
        let found = try DatabaseQueue(path: folder.database, configuration: configuration).read { db in
            try String.fetchAll(db, sql: "PRAGMA integrity_check") + String.fetchAll(db, sql: StoryCheck.miscounted)
        }
        self.damaged += found.filter { $0 != "ok" }
    }

    /// Batches whose counters are not those of their lines, lines with no result or two, and attempts that nobody answers for.
    private static let miscounted = """
        SELECT 'counts of ' || pub FROM batch WHERE
          done <> (SELECT count(*) FROM job WHERE batch = batch.id AND state = 4) OR failed <> (SELECT count(*) FROM job WHERE batch = batch.id AND state = 5)
          OR expired <> (SELECT count(*) FROM job WHERE batch = batch.id AND state = 6)
          OR cancelled <> (SELECT count(*) FROM job WHERE batch = batch.id AND state = 7)
          OR stored <> (SELECT count(*) FROM job WHERE batch = batch.id)
          OR done + failed + expired + cancelled <> (SELECT count(*) FROM batch_result WHERE batch = batch.id)
          OR (status > 2) <> (total > 0 AND done + failed + expired + cancelled = total)
        UNION ALL SELECT 'attempt of ' || job FROM attempt
        UNION ALL SELECT 'request ' || request_id || ' has ' || count(*) || ' ends' FROM ledger WHERE part = 1 GROUP BY request_id, attempt HAVING count(*) > 1
        UNION ALL SELECT 'the call of ' || request_id || ' has no end' FROM ledger AS begun WHERE part = 0 AND NOT EXISTS (
          SELECT 1 FROM ledger WHERE request_id = begun.request_id AND attempt = begun.attempt AND part = 1)
        """
}
