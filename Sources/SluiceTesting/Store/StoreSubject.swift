package import SluiceCore

/// A store to test: empty when it is made.
package struct StoreSubject: Sendable {
    package let jobs: any JobStore
    package let ledger: any Ledger
    package let batches: any BatchStore
    package let files: any FileStore
    package let answers: any AnswerStore
    package let webhooks: any WebhookStore
    package let bundles: any BundleStore
    package let verifications: any VerificationStore
    /// The store as the next process finds it when this one is killed at this moment, after its recovery.
    package let afterKill: @Sendable () async throws -> StoreSubject

    package init(
        jobs: any JobStore, ledger: any Ledger, batches: any BatchStore, files: any FileStore, answers: any AnswerStore, webhooks: any WebhookStore,
        bundles: any BundleStore, verifications: any VerificationStore, afterKill: @escaping @Sendable () async throws -> StoreSubject
    ) {
        self.jobs = jobs
        self.ledger = ledger
        self.batches = batches
        self.files = files
        self.answers = answers
        self.webhooks = webhooks
        self.bundles = bundles
        self.verifications = verifications
        self.afterKill = afterKill
    }
}

/// One thing that every store must do.
package struct StoreCase: Sendable, CustomStringConvertible {
    /// A promise that was not kept.
    package struct Unmet: Error, CustomStringConvertible {
        package let description: String
    }

    package let description: String
    private let check: @Sendable (StoreSubject) async throws -> Void

    init(_ description: String, _ check: @escaping @Sendable (StoreSubject) async throws -> Void) {
        self.description = description
        self.check = check
    }

    /// - Throws: What the store did wrong.
    package func run(against subject: StoreSubject) async throws { try await self.check(subject) }
}

func expect(_ condition: Bool, _ what: @autoclosure () throws -> String) throws {
    guard condition else { throw StoreCase.Unmet(description: try what()) }
}

func require<T>(_ value: T?, _ what: @autoclosure () -> String) throws -> T {
    guard let value else { throw StoreCase.Unmet(description: what()) }
    return value
}
