import Glibc
import SluiceCore
import SluiceSQLite
import SluiceTesting
import Testing

/// A disk that has no room, and one that fails (`promises.md` P10).
@Suite struct DiskFaultTests {
    @Test func aFullDiskRefusesJobsAndKeepsRowsUntilThereIsRoom() async throws {
        guard let disk = SmallDisk(bytes: 6 << 20) else { return SmallDisk.isMissing() }
        let store = try TemporaryStore(folder: disk.folder)
        let rowsWritten = Observed(0)
        func append(_ numbers: Range<Int>) {
            store.ledger.append(numbers.map { SealedEntry(Sample.settled(Sample.subject("req_\($0)"))) }) { result in
                if case .success = result { rowsWritten.update { $0 += numbers.count } }
            }
        }
        var accepted: [String] = []
        var refusal: StoreError?
        while refusal == nil {
            let id = "job_\(accepted.count)"
            do throws(StoreError) {
                try await self.enqueue(Sample.job(id), String(repeating: "x", count: 100_000), in: store)
                accepted.append(id)
            } catch {
                refusal = error
            }
        }
        #expect(refusal?.code == .full && accepted.count > 10, "\(String(describing: refusal))")
        // What is left is filled with rows, until they have to wait.
        var appended = 0
        while store.ledger.backlogBytes == 0 {
            append(appended..<appended + 200)
            appended += 200
            try? await self.flush(store.ledger)
        }
        for id in accepted { #expect(try store.jobs.job(id, tenant: nil) != nil, "\(id) was acknowledged and is lost") }
        // Reading goes on; a small change may fit or not, but nothing is half done.
        _ = try? await self.cancel(store.jobs, accepted[0])
        disk.makeRoom()
        for id in accepted.prefix(5) { _ = try? await self.cancel(store.jobs, id) }
        let wanted = appended
        try await rowsWritten.wait(for: "the rows are written") { $0 == wanted }
        #expect(store.ledger.backlogBytes == 0)
        let found = try store.ledger.verify(wanted: nil)
        #expect(found.chain.firstBad == nil && found.chain.entries == appended)
        let order = try store.ledger.lines(LedgerFilter(), after: 0, limit: 100_000).map { try LedgerLine.read($0.line).entry.subject?.requestID }
        #expect(order == (0..<appended).map { "req_\($0)" }, "the rows are out of order")
        try await self.enqueue(Sample.job("job_more"), "small", in: store)
    }

    private func enqueue(_ job: Job, _ text: String, in store: TemporaryStore) async throws(StoreError) {
        let result: Result<Void, StoreError> = await withCheckedContinuation { waiting in
            store.jobs.enqueue(job, call: Sample.call(text), answer: nil) { waiting.resume(returning: $0) }
        }
        try result.get()
    }

    private func cancel(_ jobs: SQLiteJobStore, _ id: String) async throws {
        _ = try await stored { jobs.cancel(id, tenant: nil, at: Sample.now, then: $0) }
    }

    private func flush(_ ledger: SQLiteLedger) async throws { try await stored { ledger.flush(then: $0) } }

    /// A sync that fails says that nothing from now on is safe: no acknowledgement, and the next start has all that was acknowledged before.
    @Test func aFailedSyncStopsTheStoreAndLosesNothing() throws {
        let strace = "/usr/bin/strace"
        guard access(strace, X_OK) == 0 else { return Skipped.note("no strace, so no sync can be made to fail") }
        let folder = TemporaryFolder()
        let probe = try ChildProcess.product("sluice-store-probe")
        let writer = try ChildProcess([
            strace, "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO:when=60+", probe, "write", folder.path, "0",
        ])
        let lines = writer.rest()
        #expect(writer.wait() == 3 && lines.last == "failure ioFailure", "\(lines.suffix(3))")
        let stored = lines.filter { $0.hasPrefix("ACK ") }.map { "job_" + $0.dropFirst(4) }
        #expect(stored.count > 5)
        let next = try TemporaryStore(folder: folder)
        for id in stored { #expect(try next.jobs.job(id, tenant: nil) != nil, "\(id) was acknowledged and is lost") }
        #expect(try next.ledger.verify(wanted: nil).chain.firstBad == nil)
    }
}

/// A file system of a few megabytes, which goes with the test.
private final class SmallDisk: Sendable {
    let folder: TemporaryFolder

    /// nil where this process may not mount one.
    init?(bytes: Int) {
        let folder = TemporaryFolder()
        guard mount("tmpfs", folder.path, "tmpfs", 0, "size=\(bytes)") == 0 else { return nil }
        self.folder = folder
    }

    deinit { umount2(self.folder.path, Int32(MNT_DETACH)) }

    func makeRoom() { mount("tmpfs", self.folder.path, "tmpfs", UInt(MS_REMOUNT), "size=64m") }

    static func isMissing() { Skipped.note("no tmpfs may be mounted here, so no disk can be filled") }
}

/// A test that cannot run on this machine: said aloud, and a failure where everything must run.
enum Skipped {
    static func note(_ why: String) {
        print("skipped: \(why)")
        if getenv("CI") != nil { Issue.record("\(why)") }
    }
}
