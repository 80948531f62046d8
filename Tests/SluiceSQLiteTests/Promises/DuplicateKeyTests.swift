import SluiceCore
import SluiceSQLite
import SluiceTesting
import Testing

/// P8: one key, one job, whoever else comes with it at the same time.
@Suite struct DuplicateKeyTests {
    private static let keys = 200
    private static let duplicates = 50

    @Test func p8DuplicatesOfAKeyMakeOneJob() async throws {
        let store = try TemporaryStore()
        let made = await withTaskGroup(of: Int?.self, returning: [Int: Int].self) { group in
            for duplicate in 0..<DuplicateKeyTests.duplicates {
                for key in 0..<DuplicateKeyTests.keys {
                    group.addTask {
                        let job = Sample.job("job_\(key)_\(duplicate)")
                        let isMade = (try? await stored { store.jobs.enqueue(job, call: Sample.call(), answer: Sample.answer("k-\(key)"), then: $0) }) != nil
                        return isMade ? key : nil
                    }
                }
            }
            var made: [Int: Int] = [:]
            for await key in group { if let key { made[key, default: 0] += 1 } }
            return made
        }
        #expect(made.count == DuplicateKeyTests.keys && made.values.allSatisfy { $0 == 1 }, "\(made)")
        let waiting = store.jobs.backlog().flatMap(\.buckets).reduce(0) { $0 + $1.ready.jobs }
        #expect(waiting == DuplicateKeyTests.keys)
        let next = try TemporaryStore(folder: try store.crashImage())
        for key in 0..<DuplicateKeyTests.keys { #expect(try next.answers.answer(to: Sample.answer("k-\(key)").key) != nil) }
    }
}
