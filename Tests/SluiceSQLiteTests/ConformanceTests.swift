import SluiceCore
import SluiceSQLite
import SluiceTesting
import Testing

@Suite struct ConformanceTests {
    @Test(arguments: JobStoreConformance.cases) func keepsJobs(_ promise: StoreCase) async throws {
        let store = try TemporaryStore()
        try await promise.run(against: store.subject)
    }

    @Test(arguments: LedgerConformance.cases) func keepsTheLedger(_ promise: StoreCase) async throws {
        let store = try TemporaryStore()
        try await promise.run(against: store.subject)
    }

    @Test(arguments: BatchStoreConformance.cases) func keepsBatches(_ promise: StoreCase) async throws {
        let store = try TemporaryStore()
        try await promise.run(against: store.subject)
    }

    @Test(arguments: FileStoreConformance.cases) func keepsFiles(_ promise: StoreCase) async throws {
        let store = try TemporaryStore()
        try await promise.run(against: store.subject)
    }

    @Test(arguments: AnswerStoreConformance.cases) func keepsAnswers(_ promise: StoreCase) async throws {
        let store = try TemporaryStore()
        try await promise.run(against: store.subject)
    }

    @Test(arguments: BundleStoreConformance.cases) func keepsBundles(_ promise: StoreCase) async throws {
        let store = try TemporaryStore()
        try await promise.run(against: store.subject)
    }

    @Test(arguments: VerificationStoreConformance.cases) func keepsVerifications(_ promise: StoreCase) async throws {
        let store = try TemporaryStore()
        try await promise.run(against: store.subject)
    }

    @Test(arguments: WebhookStoreConformance.cases) func keepsWebhooks(_ promise: StoreCase) async throws {
        let store = try TemporaryStore()
        try await promise.run(against: store.subject)
    }
}

extension TemporaryStore {
    var subject: StoreSubject {
        StoreSubject(
            jobs: self.jobs, ledger: self.ledger, batches: self.batches, files: self.files, answers: self.answers, webhooks: self.webhooks,
            bundles: SQLiteBundleStore(self.database), verifications: SQLiteVerificationStore(self.database)
        ) {
            let next = try TemporaryStore(folder: try self.crashImage())
            _ = try await stored { next.jobs.recover(at: Sample.now, then: $0) }
            return next.subject
        }
    }
}
