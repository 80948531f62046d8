import Logging
import NIOCore
import SluiceCore
import SluiceDispatch

/// One bundle on its way: does what its ``BundleCourse`` says, and tells it what came of that.
struct BundleRun {
    /// How soon it notices that nobody waits for it any more.
    private static let longestSleep = Duration.seconds(1)
    private static let mostPages = 20

    let id: Int64
    let keeper: BundleKeeper
    private let name: String
    var course: BundleCourse
    /// What is sent, until it was.
    private var requests: ByteBuffer?
    var stay = Stay()

    /// A bundle that this process has made.
    init(_ bundle: Bundle, keeper: BundleKeeper, requests: ByteBuffer) {
        self.init(bundle, keeper: keeper, recoveredAt: nil)
        self.requests = requests
    }

    /// - Parameter recoveredAt: When it was found on disk.
    init(_ bundle: Bundle, keeper: BundleKeeper, recoveredAt: Timestamp?) {
        self.id = bundle.id
        self.keeper = keeper
        self.name = bundle.token
        let live = keeper.worker.policy.live
        let dialect = live.policy.backend(named: bundle.backend).flatMap { live.upstreams[$0.index].batches }
        self.course = BundleCourse(usesFiles: dialect?.usesFiles ?? (bundle.file != nil), recoveredAt: recoveredAt)
    }

    var chance: Double { Double.random(in: 0..<1) }
    var now: Timestamp { self.keeper.worker.clock.now.wall }

    mutating func run() async {
        while !Task.isCancelled {
            do {
                guard let bundle = try await self.keeper.read({ [id] store throws(StoreError) in try store.bundle(id) }) else { return }
                if try await self.callsBack(bundle) { continue }
                let step = self.course.next(bundle, at: self.now)
                if step == .done { return }
                try await self.perform(step, of: bundle)
            } catch is CancellationError {
                return
            } catch {
                // What the store could not take is done again: every step may be.
                let reason = (error as? StoreError)?.message ?? "\(error)"
                self.keeper.logger.error("a step of a bundle could not be stored", metadata: ["bundle": "\(self.name)", "reason": "\(reason)"])
                try? await Task.sleep(for: .seconds(1))
            }
        }
    }

    private mutating func perform(_ step: BundleCourse.Step, of bundle: Bundle) async throws {
        switch step {
        case .wait(let until): return try await Task.sleep(for: min(max(until - self.now, .milliseconds(10)), BundleRun.longestSleep))
        case .hedge: return try await self.hedge(bundle)
        case .withdraw: return try await self.withdraw(bundle)
        case .giveUp: return try await self.giveUp(bundle)
        case .done: return
        case .upload, .findFile, .create, .findBatch, .poll, .askCancel, .deleteFiles: break
        }
        let live = self.keeper.worker.policy.live
        guard let backend = live.policy.backend(named: bundle.backend), let dialect = live.upstreams[backend.index].batches else {
            // A reload may bring it back; its jobs go on in time.
            self.course.failed(.notSent, isNew: false, chance: 1, at: self.now)
            return
        }
        var provider = Provider(calls: self.keeper.calls, upstream: live.upstreams[backend.index], dialect: dialect)
        // No call may outlast the time at which the jobs must go elsewhere.
        if let hedge = bundle.hedgeAt, hedge > self.now {
            let left = max(hedge - self.now, .seconds(2))
            (provider.short, provider.longest) = (min(provider.short, left), min(provider.longest, left))
        }
        switch step {
        case .upload: try await self.upload(bundle, provider)
        case .findFile: try await self.findFile(bundle, provider)
        case .create: try await self.create(bundle, provider)
        case .findBatch: try await self.findBatch(bundle, provider)
        case .poll: try await self.poll(bundle, provider)
        case .askCancel: try await self.askCancel(bundle, provider)
        case .deleteFiles: try await self.deleteFiles(bundle, provider)
        case .wait, .hedge, .withdraw, .giveUp, .done: break
        }
    }

    /// Whom a bundle is with.
    struct Provider {
        let calls: ProviderCalls
        let upstream: LivePolicy.Upstream
        let dialect: any BatchDialect
        /// How long a call may take, and one with all requests or results.
        var short = Duration.seconds(30)
        var longest = Duration.seconds(900)

        func perform(_ call: BatchCall, isLarge: Bool = false) async -> ProviderAnswer {
            await self.calls.perform(call, at: self.upstream, within: isLarge ? self.longest : self.short)
        }
    }

    /// Takes in a call that did not do what it was made for.
    ///
    /// - Returns: false where it would fail for ever.
    mutating func failed(_ answer: ProviderAnswer, isNew: Bool, _ provider: Provider, _ bundle: Bundle) async throws -> Bool {
        let words = provider.upstream.masked(answer.words)
        if words != bundle.lastError { try await self.keeper.stored { self.keeper.store.note(words, of: self.id, then: $0) } }
        self.keeper.logger.warning(
            "a call for a bundle failed", metadata: ["backend.name": "\(bundle.backend)", "bundle": "\(self.name)", "reason": "\(words)"])
        guard let failure = answer.failure else { return false }
        self.course.failed(failure, isNew: isNew, chance: self.chance, at: self.now)
        // An account that refuses us is left alone by all until it is tried again.
        if failure == .account { self.park(bundle, for: self.course.nextTry - self.now) }
        return true
    }

    func park(_ bundle: Bundle, for pause: Duration) {
        let live = self.keeper.worker.policy.live
        guard let backend = live.policy.backend(named: bundle.backend) else { return }
        live.slots[backend.index].park(until: self.keeper.worker.clock.now.monotonic + pause)
    }

    // MARK: Getting it there

    private mutating func upload(_ bundle: Bundle, _ provider: Provider) async throws {
        let requests = try await self.content(of: bundle, provider)
        let answer = await provider.perform(provider.dialect.upload(requests, of: bundle), isLarge: true)
        guard let file = answer.success.flatMap({ provider.dialect.readFile($0) }) else { return try await self.refused(answer, bundle, provider) }
        try await self.keep(file: file)
    }

    private mutating func keep(file: String) async throws {
        try await self.keeper.stored { self.keeper.store.keep(file: file, of: self.id, then: $0) }
        self.course.succeeded()
    }

    private mutating func create(_ bundle: Bundle, _ provider: Provider) async throws {
        let requests = provider.dialect.usesFiles ? ByteBuffer() : try await self.content(of: bundle, provider)
        let answer = await provider.perform(provider.dialect.create(bundle, requests: requests), isLarge: true)
        guard let batch = answer.success.flatMap({ provider.dialect.readBatch($0) }) else { return try await self.refused(answer, bundle, provider) }
        try await self.accept(batch)
    }

    private mutating func accept(_ batch: UpstreamBatch) async throws {
        _ = try await self.keeper.stored { self.keeper.store.accept(self.id, as: batch.id, then: $0) }
        self.requests = nil
        self.course.succeeded()
        self.course.askedCancel(at: self.now)
    }

    private mutating func refused(_ answer: ProviderAnswer, _ bundle: Bundle, _ provider: Provider) async throws {
        guard try await !self.failed(answer, isNew: true, provider, bundle) else { return }
        // One line may have spoilt it for all: each goes on by itself.
        try await self.endOpenLines(of: bundle, LineReturn("the provider refused its batch", isOffLanes: true)) { meter, now in
            meter.free(.refused, status: answer.status, at: now)
        }
        _ = try await self.close(bundle, by: .refused, leftovers: provider.dialect.leftovers(of: nil, bundle))
    }

    /// What is sent: after a restart made anew from the jobs.
    private mutating func content(of bundle: Bundle, _ provider: Provider) async throws -> ByteBuffer {
        if let requests { return requests }
        let lines = try await self.keeper.read { [id] store throws(StoreError) in try store.lines(of: id) }
        let (live, now) = (self.keeper.worker.policy.live, self.keeper.worker.clock.now)
        var requests = ByteBuffer()
        for line in lines where line.isCurrent {
            guard let leased = line.leased.map({ self.keeper.files.withCall($0) }), let backend = live.policy.backend(named: bundle.backend) else { continue }
            guard let call = try? BundledCall(leased.dispatchCall(by: live, at: now), to: backend.index) else { continue }
            provider.dialect.append(call.body, customID: bundle.customID(of: line.job), endpoint: bundle.endpoint, to: &requests)
        }
        self.requests = requests
        return requests
    }

    // MARK: Looking for it

    private mutating func findFile(_ bundle: Bundle, _ provider: Provider) async throws {
        var after: String?
        for _ in 0..<BundleRun.mostPages {
            let answer = await provider.perform(provider.dialect.listFiles(after: after))
            guard let page = answer.success.flatMap({ provider.dialect.readFiles($0) }) else {
                // A second file costs nothing; where there is no list it need not be found.
                if try await !self.failed(answer, isNew: false, provider, bundle) { self.course.succeeded() }
                return
            }
            if let file = page.data.first(where: { $0.name == bundle.fileName }) { return try await self.keep(file: file.id) }
            guard let next = page.next, page.data.last?.created.map({ $0 > bundle.created - .seconds(3600) }) ?? true else { break }
            after = next
        }
        self.course.didNotFind(at: self.now)
    }

    private mutating func findBatch(_ bundle: Bundle, _ provider: Provider) async throws {
        let others = try await self.keeper.read { store throws(StoreError) in Set(try store.openBundles().compactMap(\.batch)) }
        var after: String?
        for _ in 0..<BundleRun.mostPages {
            let answer = await provider.perform(provider.dialect.listBatches(after: after))
            guard let page = answer.success.flatMap({ provider.dialect.readBatches($0) }) else {
                if try await !self.failed(answer, isNew: false, provider, bundle) { try await self.giveUp(bundle) }
                return
            }
            if let batch = page.data.first(where: { $0.isLikely(bundle, usesFiles: provider.dialect.usesFiles) && !others.contains($0.id) }) {
                return try await self.accept(batch)
            }
            guard let next = page.next, page.data.last?.created.map({ $0 > bundle.created - .seconds(3600) }) ?? true else { break }
            after = next
        }
        self.course.didNotFind(at: self.now)
    }
}

extension UpstreamBatch {
    /// By the name that it was given; where the provider keeps none, by its time and size, which its results confirm or refute.
    fileprivate func isLikely(_ bundle: Bundle, usesFiles: Bool) -> Bool {
        if usesFiles { return self.token == bundle.token }
        guard let created, let submitted = bundle.submitted else { return false }
        return self.requests == bundle.lines && created >= submitted - .seconds(60)
    }
}
