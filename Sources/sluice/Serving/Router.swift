import class Foundation.NSTimeZone
import Hummingbird
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import SluiceBatch
import SluiceCore
import SluiceDispatch
import SluicePolicy
import SluiceSQLite
import SluiceServer
import SluiceTransfer
import Synchronization

/// Nobody but this machine is served without a key.
struct KeylessListener: Error, CustomStringConvertible {
    let data: String

    var description: String {
        "`listen` is open to other machines and there is no API key yet; make one with `sluice keys new NAME --data \(self.data)`"
    }
}

/// The running program: built from its parts here and nowhere else.
///
/// What it is made of is listed by ``build(_:)`` from the disk upwards: store, journal, policy, dispatch, queue, listeners.
struct Router {
    struct Options {
        var source: PolicySource
        var folder: DataFolder
        var clock = SluiceClock.system()
        var threads: Int
        var drain = Duration.seconds(60)
        var secrets: Secrets
        var adminToken: String?
        /// In place of the policy's own listeners.
        var listen: ServerSettings.Address?
        var admin: ServerSettings.Address?
        var logger: Logger
        /// Called once both listeners are up.
        var onReady: @Sendable (ServerFile) -> Void = { _ in }
    }

    private let options: Options
    private let database: SQLiteDatabase
    private let ledger: SQLiteLedger
    private let jobs: SQLiteJobStore
    private let keys: KeyAccess
    private let journal: IntentJournal
    private let policy: PolicyInForce
    private let fleet: BackendFleet
    private let budgets: Budgets
    private let group: MultiThreadedEventLoopGroup
    private let sideGroup: MultiThreadedEventLoopGroup
    private let transports: (live: TransportSet, deferred: TransportSet)
    private let curls: [CurlTransport]
    private let signals = JobSignals()
    private let state = ServerState()

    /// Opens the store, makes up for what earlier processes left, and prepares everything; nothing listens yet.
    init(_ options: Options) throws {
        self.options = options
        let now = options.clock.now.wall
        let state = self.state
        var opening = SQLiteDatabase.Opening(folder: options.folder)
        if case .sqlite(let path?) = options.source.policy.server.database { opening.path = path }
        opening.onFailure = { error in state.fail(error) }
        self.database = try SQLiteDatabase(opening, at: now)
        self.ledger = SQLiteLedger(self.database)
        self.jobs = SQLiteJobStore(self.database)
        self.keys = try KeyAccess(self.database)
        let listen = options.listen ?? options.source.policy.server.listen
        guard listen.isLoopback || !self.keys.ring.isEmpty else { throw KeylessListener(data: options.folder.path) }
        self.journal = try IntentJournal(folder: options.folder.journal)
        self.fleet = BackendFleet(clock: options.clock)
        self.budgets = Budgets(logger: options.logger)
        self.policy = PolicyInForce(try LivePolicy(options.source.policy, fleet: self.fleet, budgets: self.budgets, secrets: options.secrets))
        self.group = MultiThreadedEventLoopGroup(numberOfThreads: options.threads)
        self.sideGroup = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let curl = CurlTransport.Configuration(environment: options.secrets.environment)
        let curls = [CurlTransport(group: self.group, configuration: curl), CurlTransport(group: self.sideGroup, configuration: curl)]
        self.curls = curls
        self.transports = (
            TransportSet(plain: PlainTransport(group: self.group), secure: curls[0], simulated: SimulatedTransport(clock: options.clock)),
            TransportSet(plain: PlainTransport(group: self.sideGroup), secure: curls[1], simulated: SimulatedTransport(clock: options.clock))
        )
    }

    /// Ends ``run()`` as a signal would.
    func stop() { self.state.stop() }

    /// Serves until it is told to stop, then drains.
    func run() async throws {
        // No date of the server's is in the machine's zone, which Foundation would look up in its tables for the first header with a date.
        NSTimeZone.default = .gmt
        try await self.makeUpForTheLastProcess()
        try self.sumBudgets()
        let sideLoop = self.sideGroup.next()
        let worker = try await sideLoop.submit {
            DeferredWorker(
                dispatcher: self.dispatcher(on: sideLoop, self.transports.deferred), store: self.jobs, signals: self.signals, policy: self.policy,
                clock: self.options.clock, logger: self.options.logger)
        }.get()
        let hardware = try await sideLoop.submit { self.hardware(on: sideLoop) }.get()
        let deferral = self.deferral(of: worker)
        let desk = IdempotencyDesk(answers: deferral.answers)
        let loads = EngineLoads()
        let bundles = BundleKeeper(
            store: SQLiteBundleStore(self.database), worker: worker, transports: self.transports.deferred, files: deferral.files, logger: self.options.logger)
        let loops = try await self.serverLoops(deferral, desk)
        let listeners = try Listeners(router: self, deferral: deferral, desk: desk, loops: loops)
        let drain = ServerDrain(limit: self.options.drain, loops: loops, eventLoops: Array(self.group.makeIterator()), worker: worker, state: self.state)
        let services = ServiceGroup(
            configuration: .init(
                // With a name each, or the library prints the whole service to have one.
                services: [
                    .init(service: listeners.admin, serviceName: "admin"),
                    .init(service: PolicyWatch(self.options.source) { [clock = self.options.clock] in clock.now.wall }, serviceName: "policy watch"),
                    .init(service: self.follower, serviceName: "policy follower"), .init(service: hardware, serviceName: "hardware"),
                    .init(
                        service: EngineWatch(loads: loads, worker: worker, transports: self.transports.deferred, logger: self.options.logger),
                        serviceName: "engine watch"),
                    .init(
                        service: RetentionSweep(deferral: deferral, ledger: self.ledger, policy: self.policy, clock: self.options.clock),
                        serviceName: "retention"),
                    // The end comes from the last one up: nothing more is leased, then the drain, and only then the listener closes.
                    .init(service: listeners.api, serviceName: "api"), .init(service: drain, serviceName: "drain"),
                    .init(
                        service: WebhookSender(
                            deferral: deferral, transports: self.transports.deferred, loop: sideLoop, policy: self.policy, clock: self.options.clock,
                            logger: self.options.logger), serviceName: "webhooks"),
                    .init(service: bundles, serviceName: "bundles"),
                    .init(
                        service: BatchIntake(deferral: deferral, policy: self.policy, clock: self.options.clock, logger: self.options.logger),
                        serviceName: "batch intake"),
                    .init(
                        service: BatchScheduler(
                            worker: worker, deferral: deferral, ledger: self.ledger, loads: loads, bundles: bundles, logger: self.options.logger),
                        serviceName: "batch scheduler"),
                ], logger: self.options.logger))
        try await withLogger(self.options.logger) { _ in
            try await self.run(services)
        }
        try await self.close()
        if let failure = self.state.failure { throw failure }
    }

    /// The first signal drains, a second one stops at once.
    private func run(_ services: ServiceGroup) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await StopSignals(state: self.state).run(services) }
            defer { group.cancelAll() }
            try await services.run()
        }
    }

    private func makeUpForTheLastProcess() async throws {
        let now = self.options.clock.now.wall
        let inDoubt = try await withCheckedThrowingContinuation { waiting in self.jobs.recover(at: now) { waiting.resume(with: $0) } }
        let ledger = self.ledger
        let replay = try self.journal.replay(at: now) { id, attempt throws(StoreError) in try ledger.isClosed(request: id, attempt: attempt) }
        try await withCheckedThrowingContinuation { waiting in
            ledger.append(replay.entries) { waiting.resume(with: $0) }
            ledger.flush { _ in }
        }
        self.journal.forgetLeftovers()
        guard inDoubt + replay.inDoubt + replay.damaged > 0 else { return }
        self.options.logger.warning(
            "calls of the last process have no known end",
            metadata: ["live": "\(replay.inDoubt)", "deferred": "\(inDoubt)", "unreadable": "\(replay.damaged)"])
    }

    private func hardware(on loop: any EventLoop) -> HardwareService {
        let rentals = RentalSwitch(
            loop: loop, policy: self.policy, transports: self.transports.deferred, clock: self.options.clock, logger: self.options.logger)
        let health = HealthWatch(
            loop: loop, policy: self.policy, transports: self.transports.deferred, clock: self.options.clock, logger: self.options.logger)
        return HardwareService(
            hours: HardwareHours(ledger: self.ledger, policy: self.policy), rentals: NIOLoopBound(rentals, eventLoop: loop),
            health: NIOLoopBound(health, eventLoop: loop), loop: loop, ledger: self.ledger, clock: self.options.clock)
    }

    private var follower: PolicyFollower {
        PolicyFollower(
            source: self.options.source, policy: self.policy, fleet: self.fleet, budgets: self.budgets, ledger: self.ledger, secrets: self.options.secrets,
            clock: self.options.clock)
    }

    /// What budgets have spent of their periods; nothing is served before they know.
    private func sumBudgets() throws {
        let policy = self.policy.live.policy
        for gap in self.budgets.adopt(policy, at: self.options.clock.now.wall, isFirst: true) {
            self.budgets.fill(gap, with: try gap.spent(in: self.ledger, currency: policy.currency))
        }
    }

    private func dispatcher(on loop: any EventLoop, _ transports: TransportSet) -> Dispatcher {
        Dispatcher(loop: loop, fleet: self.fleet, transports: transports, clock: self.options.clock, logger: self.options.logger)
    }

    private func deferral(of worker: DeferredWorker) -> Deferral {
        Deferral(
            store: self.jobs, batches: SQLiteBatchStore(self.database), files: SQLiteFileStore(self.database), answers: SQLiteAnswerStore(self.database),
            webhooks: SQLiteWebhookStore(self.database), verifications: SQLiteVerificationStore(self.database), signals: self.signals,
            drop: { worker.drop($0) }, promote: { worker.promote($0, then: $1) })
    }

    private func serverLoops(_ deferral: Deferral, _ desk: IdempotencyDesk) async throws -> ServerLoops {
        let calls = CallsInFlight()
        let share = ConnectionShare()
        var servers: [NIOLoopBound<ServerLoop>] = []
        for loop in self.group.makeIterator() {
            servers.append(
                try await loop.submit {
                    NIOLoopBound(
                        ServerLoop(
                            loop: loop, dispatcher: self.dispatcher(on: loop, self.transports.live), policy: self.policy, keys: self.keys.ring,
                            ledger: LiveLedger(journal: self.journal, ledger: self.ledger, policy: self.policy), deferral: deferral, desk: desk, calls: calls,
                            clock: self.options.clock, limits: ServerLoop.Limits(),
                            keepsHalfClosed: self.options.source.policy.server.halfClose == .keep, share: share, logger: self.options.logger), eventLoop: loop)
                }.get())
        }
        return ServerLoops(servers, loops: Array(self.group.makeIterator()))
    }

    /// After the last answer: the rows go to disk, the files are closed.
    private func close() async throws {
        let ledger = self.ledger
        _ = try? await withCheckedThrowingContinuation { waiting in ledger.flush { waiting.resume(with: $0) } }
        for curl in self.curls { curl.shutDown() }
        try await self.group.shutdownGracefully()
        try await self.sideGroup.shutdownGracefully()
        ServerFile.remove(self.options.folder)
        self.journal.close()
        try self.database.close(at: self.options.clock.now.wall)
    }

    /// The two listeners; the admin one answers as long as the process does.
    private struct Listeners {
        let api: any Service
        let admin: any Service

        init(router: Router, deferral: Deferral, desk: IdempotencyDesk, loops: ServerLoops) throws {
            let (options, state) = (router.options, router.state)
            let settings = options.source.policy.server
            let routes = APIRoutes(policy: router.policy, keys: router.keys.ring, deferral: deferral, desk: desk, clock: options.clock)
            self.api = routes.application(
                at: options.listen ?? settings.listen, on: router.group, loops: loops, tls: try settings.tls.map { try ListenerTLS($0) }, logger: options.logger
            ) {
                channel in
                state.listens(.api, at: channel, options)
            }
            let reload = PolicyReload(source: options.source, policy: router.policy, deferral: deferral, clock: options.clock)
            let api = AdminAPI(
                policy: router.policy, deferral: deferral, ledger: router.ledger, clock: options.clock,
                actions: router.keys.actions(
                    source: options.source, ledger: router.ledger, budgets: router.budgets, clock: options.clock, reload: reload.run))
            let health = ServerHealth { state.checks(ledger: router.ledger, source: options.source) }
            self.admin = try AdminRoutes(health: health, api: api, token: options.adminToken)
                .application(
                    at: options.admin ?? settings.admin, on: router.sideGroup, tls: try settings.adminTLS.map { try ListenerTLS($0) }, logger: options.logger
                ) { channel in
                    state.listens(.admin, at: channel, options)
                }
        }
    }
}
