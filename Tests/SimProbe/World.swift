import Logging
import NIOConcurrencyHelpers
import NIOCore
import NIOEmbedded
import SluiceCore
import SluiceTesting
import SluiceDispatch
import SluiceTransfer
import SluiceWire

/// One seed: a policy, backends and clients drawn by chance around the real dispatcher, in virtual time on one thread.
final class World {
    let seed: UInt64
    let mutant: Mutant?
    let loop = EmbeddedEventLoop()
    let policy: SimulatedPolicy
    var chance: SeededGenerator
    private(set) var oracle: Oracle
    private var live: LivePolicy
    private var fleet: BackendFleet
    private let budgets: Budgets
    private let time: VirtualTime
    private var tempers: [Temper] = []
    private var clients: [SimulatedClient] = []
    private var calls: [SimulatedCall] = []
    private var intent: (key: AttemptKey, backend: Int)?
    private var dispatcher: Dispatcher?

    init(seed: UInt64, mutant: Mutant?) {
        self.seed = seed
        self.mutant = mutant
        var chance = SeededGenerator(seed: seed)
        self.policy = SimulatedPolicy(&chance, mutant: mutant)
        self.tempers = self.policy.truth.backends.map { _ in Temper(&chance) }
        // Now and then nobody is well.
        if chance.fires(0.15) { for index in self.tempers.indices { self.tempers[index].fails = 1 } }
        self.chance = chance
        self.oracle = Oracle(self.policy.truth)
        self.time = VirtualTime(self.loop, isStopped: mutant == .stoppedClock)
        self.budgets = Budgets(logger: Logger(label: "sim") { _ in SwiftLogNoOpLogHandler() })
        let fleet = World.fleet(self.time, seed: seed)
        self.fleet = fleet
        self.live = World.live(self.policy.used, fleet, self.budgets)
        _ = self.budgets.adopt(self.policy.used, at: self.time.now.wall, isFirst: true)
    }

    private static func fleet(_ time: VirtualTime, seed: UInt64) -> BackendFleet {
        BackendFleet(clock: SluiceClock { time.now }, chance: { 0.5 })
    }

    private static func live(_ policy: PolicySet, _ fleet: BackendFleet, _ budgets: Budgets) -> LivePolicy {
        LivePolicy(
            policy: policy, fleet: fleet, budgets: budgets,
            upstreams: policy.backends.compactMap { backend in
                BackendURL("http://10.0.0.\(backend.index + 1)/v1").map {
                    LivePolicy.Upstream(backend: backend, url: $0, dialect: OpenAIDialect(api: .openai), fields: ByteBuffer(), kind: .plain, secrets: [])
                }
            })
    }

    var elapsed: Duration { .nanoseconds(Int64(self.loop.now.uptimeNanoseconds)) }

    /// Plays the seed to its end, and gives what was found.
    func run() throws -> [String] {
        defer { self.end() }
        let net = SimulatedNet(self)
        let dispatcher = Dispatcher(
            loop: self.loop, fleet: self.fleet, transports: TransportSet(plain: net, secure: net, simulated: net), clock: SluiceClock { [time] in time.now },
            logger: Logger(label: "sim") { _ in SwiftLogNoOpLogHandler() })
        self.dispatcher = dispatcher
        if self.mutant == .leaksSlot {
            _ = self.live.slots[0].admit(tokens: 1, isLater: false, isLastResort: false, at: self.time.now.monotonic)
        }
        if self.mutant == .leaksTenant { _ = self.live.tenants["default"]?.admit(tokens: 1, isLater: false, at: self.time.now.monotonic) }
        let bound = NIOLoopBound(self, eventLoop: self.loop)
        let count = Int.random(in: 5...(self.chance.fires(0.3) ? 200 : 60), using: &self.chance)
        let rush = Int64.random(in: 1...400, using: &self.chance)
        var arrives = Int64(0)
        for index in 0..<count {
            arrives += Int64.random(in: 0...rush, using: &self.chance)
            self.loop.scheduleTask(in: .milliseconds(arrives)) { bound.value.arrive(index) }
        }
        if self.chance.fires(0.3) {
            let jump = Int64.random(in: -3_600_000...3_600_000, using: &self.chance)
            self.loop.scheduleTask(in: .milliseconds(arrives / 2)) { bound.value.time.jump(by: jump) }
        }
        self.loop.advanceTime(by: .seconds(900))
        let now = self.time.now.monotonic
        self.oracle.judge(
            clients: self.clients, inFlight: self.live.slots.map { $0.condition(isLater: false, at: now).inFlight },
            tenants: self.live.tenants.values.map(\.inFlight), standing: self.budgets.standing, alive: self.calls.filter(\.isAlive).map(\.key))
        return self.oracle.faults
    }

    /// Takes apart what holds each other, so that a million worlds fit into memory one after the other.
    private func end() {
        try? self.loop.syncShutdownGracefully()
        for client in self.clients { client.run = nil }
        for call in self.calls { call.forget() }
        self.dispatcher = nil
    }

    // MARK: Clients

    private func arrive(_ index: Int) {
        guard let dispatcher = self.dispatcher else { return }
        if self.mutant == .freeRetries { for _ in 0..<20 { self.fleet.noteFirstAttempt() } }
        if self.mutant == .forgetsBreakers, index % 7 == 6 {
            let open = self.live.slots.map { $0.condition(isLater: false, at: self.time.now.monotonic).inFlight }
            if open.allSatisfy({ $0 == 0 }) {
                self.fleet = World.fleet(self.time, seed: self.seed)
                self.live = World.live(self.policy.used, self.fleet, self.budgets)
            }
        }
        let client = SimulatedClient(index, trafficClass: self.chance.fires(0.7) ? 0 : 1, world: self)
        self.clients.append(client)
        do {
            let call = try client.call(self.live, at: self.time.now, isLate: self.mutant == .lateDeadline)
            self.oracle.arrived(client, at: self.elapsed)
            client.run = dispatcher.dispatch(call, to: client, recorder: client)
        } catch {
            self.oracle.fault("request \(index) could not be made: \(error)")
        }
        let bound = NIOLoopBound(client, eventLoop: self.loop)
        // Nobody waits for ever.
        self.loop.scheduleTask(in: .seconds(300)) { [world = NIOLoopBound(self, eventLoop: self.loop)] in world.value.giveUp(bound.value) }
        if self.chance.fires(0.15) {
            self.loop.scheduleTask(in: .milliseconds(Int64.random(in: 0...8000, using: &self.chance))) { bound.value.leave() }
        }
        if self.chance.fires(0.1) {
            self.loop.scheduleTask(in: .milliseconds(Int64.random(in: 0...2000, using: &self.chance))) { bound.value.becomesWritable(false) }
            self.loop.scheduleTask(in: .milliseconds(Int64.random(in: 2000...9000, using: &self.chance))) { bound.value.becomesWritable(true) }
        }
    }

    /// The client's patience is over. Only a backend that says nothing may be at fault, not a request that was forgotten.
    private func giveUp(_ client: SimulatedClient) {
        if client.ends == 0, !client.hasLeft, !self.calls.contains(where: { $0.key.request == client.index && $0.isAlive }) {
            self.oracle.fault("request \(client.index) waits for nothing")
        }
        client.leave()
    }

    // MARK: Attempts

    func begin(_ intent: AttemptIntent, _ client: SimulatedClient) {
        let key = AttemptKey(request: client.index, attempt: intent.entry.attempt ?? 0)
        let backend = self.policy.truth.backends.first { $0.name == intent.entry.target?.backend }?.index ?? 0
        self.intent = (key, backend)
        self.oracle.begins(key, at: backend, of: client, now: self.elapsed, standing: self.budgets.standing)
    }

    func end(_ entry: LedgerEntry, _ client: SimulatedClient) {
        if self.mutant == .forgetsWaste, entry.kind == .waste { return }
        for _ in 0..<(self.mutant == .booksTwice && self.chance.fires(0.1) ? 2 : 1) { self.oracle.ends(entry, of: client, now: self.elapsed) }
    }

    func start(_ receiver: any UpstreamReceiver) -> SimulatedCall {
        guard let (key, backend) = self.intent else { preconditionFailure("a call without an intent") }
        self.intent = nil
        let client = self.clients[key.request]
        let call = SimulatedCall(backend: backend, key: key, prompt: client.promptTokens, most: client.maxTokens, world: self, receiver: receiver)
        self.calls.append(call)
        self.oracle.started(call)
        call.play(self.tempers[backend].fate(isStream: client.isStream, prompt: client.promptTokens, most: client.maxTokens, &self.chance))
        return call
    }

    func ended(_ call: SimulatedCall) { self.oracle.ended(call, now: self.elapsed) }
}

/// The clocks of the simulation: that of the loop, and a wall clock that jumps.
final class VirtualTime: Sendable {
    private let loop: EmbeddedEventLoop
    private let isStopped: Bool
    private let jumped = NIOLockedValueBox<Int64>(0)

    init(_ loop: EmbeddedEventLoop, isStopped: Bool) {
        self.loop = loop
        self.isStopped = isStopped
    }

    func jump(by milliseconds: Int64) { self.jumped.withLockedValue { $0 += milliseconds } }

    var now: Now {
        let elapsed = Int64(self.loop.now.uptimeNanoseconds)
        let wall = 1_795_003_200_000 + elapsed / 1_000_000 + self.jumped.withLockedValue { $0 }
        return Now(wall: Timestamp(milliseconds: wall), monotonic: MonotonicInstant(nanoseconds: 1_000_000_000_000 + (self.isStopped ? 0 : elapsed)))
    }
}
