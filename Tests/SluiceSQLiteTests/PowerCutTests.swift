import SluiceCore
import SluiceSQLite
import SluiceTesting
import Testing

/// What a report must say of the moments for which nobody can speak.
@Suite struct PowerCutTests {
    /// Starts on a folder, writes, and leaves what a killed process would.
    private func crash(_ folder: TemporaryFolder, at now: Timestamp, machineStarted: Timestamp) throws -> TemporaryFolder {
        let store = try TemporaryStore(at: now, folder: folder, machineStarted: machineStarted)
        store.ledger.append([SealedEntry(Sample.settled(Sample.subject("req_\(now.milliseconds)"), at: now))]) { _ in }
        return try store.crashImage()
    }

    private func cuts(_ folder: TemporaryFolder, since: Timestamp? = nil) throws -> [Timestamp] {
        try Report(of: SQLiteLedger(reading: StoreReader(file: DataFolder(folder.path).database)), since: since, until: nil, by: []).powerCuts
    }

    @Test func aKilledProcessLosesNothing() throws {
        let yesterday = Sample.now - .seconds(86_400)
        let folder = try self.crash(
            self.crash(TemporaryFolder(), at: Sample.now, machineStarted: yesterday), at: Sample.now + .seconds(9), machineStarted: yesterday)
        #expect(try self.cuts(folder).isEmpty)
    }

    @Test func aMachineThatWentDownIsNamedWhenSluiceWasBack() throws {
        let back = Sample.now + .seconds(60)
        var folder = try self.crash(TemporaryFolder(), at: Sample.now, machineStarted: Sample.now - .seconds(86_400))
        folder = try self.crash(folder, at: back, machineStarted: back - .seconds(20))
        #expect(try self.cuts(folder) == [back])
        #expect(try self.cuts(folder, since: back + .seconds(1)).isEmpty)
        folder = try self.crash(folder, at: back + .seconds(5), machineStarted: back - .seconds(20))
        #expect(try self.cuts(folder) == [back])
    }

    @Test func aMachineThatWasStoppedInOrderIsNoGap() throws {
        let folder = TemporaryFolder()
        try TemporaryStore(folder: folder, machineStarted: Sample.now - .seconds(86_400)).database.close(at: Sample.now)
        try TemporaryStore(at: Sample.now + .seconds(60), folder: folder, machineStarted: Sample.now + .seconds(30)).database.close(
            at: Sample.now + .seconds(70))
        #expect(try self.cuts(folder).isEmpty)
    }
}
