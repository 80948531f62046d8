import FoundationEssentials
import Glibc
import SluiceCore
import SluiceDispatch
import SluiceTesting

/// What one record of the journal costs.
struct JournalBenchmark {
    private let records = 1_000_000

    func run() throws {
        let folder = "/tmp/sluice-journal-\(getpid())"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let journal = try IntentJournal(folder: folder)
        let line = ShortLine(Sample.settled(Sample.subject("req_1"))).bytes
        for round in 1...3 {
            var tickets: [IntentJournal.Ticket] = []
            tickets.reserveCapacity(1000)
            let before = CPUTime.process
            for _ in 0..<self.records / 2 {
                let ticket = try journal.append(intent: line.span.bytes, bound: Money(pico: 1))
                tickets.append(try journal.append(end: line.span.bytes, closing: ticket))
                if tickets.count == 1000 {
                    journal.committed(tickets)
                    tickets.removeAll(keepingCapacity: true)
                }
            }
            print("journal, round \(round): \((CPUTime.process - before) / Double(self.records) * 1e6) µs CPU a record of \(line.count) bytes")
        }
    }
}
