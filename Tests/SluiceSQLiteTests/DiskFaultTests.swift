import Glibc
import SluiceCore
import SluiceSQLite
import SluiceTesting
import Testing

/// A disk that has no room, and one that fails (`promises.md` P10).
@Suite struct DiskFaultTests {
    @Test func p10AFullDiskRefusesJobsAndKeepsRowsUntilThereIsRoom() async throws {
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

    /// Uploads and batches on a disk of 3 MB: refused with `.full`, nothing acknowledged is lost, and all goes on once there is room.
    @Test func p10AFullDiskRefusesFilesAndLines() async throws {
        guard let disk = SmallDisk(bytes: 3 << 20) else { return SmallDisk.isMissing() }
        let store = try TemporaryStore(folder: disk.folder)
        let batch = Sample.batch()
        try await stored { store.batches.create(batch, answer: nil, then: $0) }
        _ = try await stored { store.batches.begin(batch.id, total: 100_000, quote: nil, at: Sample.now, then: $0) }
        var kept: [String] = []
        var refusals: [StoreError] = []
        for n in 0..<200 where refusals.isEmpty {
            do throws(StoreError) {
                try await self.upload("file-\(n)", [UInt8](repeating: UInt8(n), count: 60_000), in: store)
                kept.append("file-\(n)")
            } catch {
                refusals.append(error)
            }
        }
        var lines = 0
        while refusals.count < 2, lines < 50_000 {
            do throws(StoreError) {
                try await self.add(lines + 1...lines + 500, to: batch, in: store)
                lines += 500
            } catch {
                refusals.append(error)
            }
        }
        #expect(refusals.count == 2 && refusals.allSatisfy { $0.code == .full }, "\(refusals)")
        for (n, id) in kept.enumerated() { #expect(try store.files.read(id, at: 59_999, length: 9) == [UInt8(n)], "\(id) was acknowledged and is lost") }
        #expect(store.jobs.backlog().flatMap(\.buckets).reduce(0) { $0 + $1.ready.jobs } == lines)
        disk.makeRoom()
        try await self.upload("file-more", [1, 2, 3], in: store)
        try await self.add(lines + 1...lines + 500, to: batch, in: store)
        let next = try TemporaryStore(folder: try store.crashImage())
        #expect(next.jobs.backlog().flatMap(\.buckets).reduce(0) { $0 + $1.ready.jobs } == lines + 500)
        #expect(try next.files.files(tenant: nil, purpose: nil, page: PageRequest(limit: 1000))?.data.count == kept.count + 1)
    }

    private func upload(_ id: String, _ bytes: [UInt8], in store: TemporaryStore) async throws(StoreError) {
        let receipt = try store.files.receive(id)
        let result = Result { () throws(StoreError) in try receipt.take(bytes) }
        guard case .success = result else {
            receipt.discard()
            return try result.get()
        }
        let file = Sample.file(id, bytes: receipt.bytes, sha256: receipt.sha256)
        let added: Result<Void, StoreError> = await withCheckedContinuation { waiting in store.files.add(file, receipt) { waiting.resume(returning: $0) } }
        try added.get()
    }

    private func add(_ range: ClosedRange<Int>, to batch: Batch, in store: TemporaryStore) async throws(StoreError) {
        let lines = range.map { Sample.line($0, of: batch) }
        let result: Result<Bool, StoreError> = await withCheckedContinuation { waiting in
            store.batches.add(lines, to: batch.id, at: Sample.now) { waiting.resume(returning: $0) }
        }
        _ = try result.get()
    }

    /// A sync that fails says that nothing from now on is safe: no acknowledgement, and the next start has all that was acknowledged before.
    @Test func p10AFailedSyncStopsTheStoreAndLosesNothing() throws {
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

extension FileReceipt {
    fileprivate func take(_ bytes: [UInt8]) throws(StoreError) {
        let result: Result<Void, StoreError> = bytes.withUnsafeBytes { bytes in
            do throws(StoreError) { return .success(try self.append(bytes)) } catch { return .failure(error) }
        }
        try result.get()
    }
}
