import NIOCore
import SluiceCore
import SluiceDispatch
import SluiceTesting
import Testing

/// Second attempts beside slow ones, over the real transports.
@Suite(.serialized) struct HedgingTests {
    private var answer: ScriptedAnswer {
        var answer = ScriptedAnswer()
        answer.promptTokens = 10
        answer.outputTokens = 5
        return answer
    }

    /// Two backends, the first of which is known to answer within a second.
    private func stage(_ first: @escaping UpstreamBehaviour, _ second: @escaping UpstreamBehaviour, isStream: Bool = true, share: Int64 = 1_000_000)
        async throws
        -> (Stage, [ScriptedUpstream])
    {
        let upstreams = [try await ScriptedUpstream.start(first), try await ScriptedUpstream.start(second)]
        let policy = TestPolicy.make(backends: 2) {
            $0.classes[0].hedge = TrafficClass.Hedge(afterQuantile: 0.95, budget: PriceFactor(millionths: share))
        }
        let stage = try await Stage(policy, at: upstreams.map { Optional($0.url) })
        let now = stage.clock.now.monotonic
        for _ in 0..<40 {
            stage.live.slots[0].noteFirstToken(after: .milliseconds(900), at: now)
            _ = stage.live.slots[0].admit(tokens: 1, isLater: false, isLastResort: false, at: now)
            stage.live.slots[0].release(.success, isLater: false, held: .milliseconds(900), at: now)
        }
        return (stage, upstreams)
    }

    private let silent: UpstreamBehaviour = { _ in UpstreamPlan([.stall]) }

    @Test(arguments: [true, false])
    func aSlowBackendIsHelpedOutAndItsAttemptIsWaste(isStream: Bool) async throws {
        let (stage, upstreams) = try await self.stage(self.silent, self.answer.chat)
        let performance = try await stage.start(Stage.chat(stream: isStream))
        try await upstreams[0].truth.wait(for: "the first attempt") { !$0.requests.isEmpty }
        #expect(upstreams[1].requests.isEmpty)
        stage.clock.step(.milliseconds(1100))
        let answer = try await performance.end()
        #expect(answer.status == 200 && answer.faults == 0 && answer.header("sluice-route")?.contains("backend=b1;attempt=2") == true, "\(answer)")
        try await upstreams[0].truth.wait(for: "the end of the loser") { $0.requests[0].state == .clientGone }
        let ends = performance.book.ends
        #expect(ends.map(\.kind) == [.waste, .settled] && ends.map(\.attempt) == [1, 2])
        let loser = try #require(ends[0].settlement)
        #expect(loser.outcome == .superseded && loser.baseline == nil && loser.costLow == .zero && loser.cost == nil)
        #expect((loser.costHigh ?? .zero) > .zero)
        #expect(ends[1].settlement?.usage == TokenUsage(input: 10, output: 5))
        let now = stage.clock.now.monotonic
        #expect(stage.live.slots.map { $0.condition(isLater: false, at: now).inFlight } == [0, 0])
    }

    @Test func theFirstAttemptMayStillWin() async throws {
        let gate = Signal()
        let chat = self.answer.chat
        let (stage, upstreams) = try await self.stage({ call in UpstreamPlan([.wait(gate)] + chat(call).steps) }, self.silent)
        let performance = try await stage.start(Stage.chat(stream: true))
        try await upstreams[0].truth.wait(for: "the first attempt") { !$0.requests.isEmpty }
        stage.clock.step(.milliseconds(1100))
        try await upstreams[1].truth.wait(for: "the second attempt") { !$0.requests.isEmpty }
        gate.fire()
        let answer = try await performance.end()
        #expect(answer.status == 200 && answer.header("sluice-route")?.contains("backend=b0;attempt=1") == true)
        #expect(performance.book.ends.map(\.kind) == [.waste, .settled] && performance.book.ends.map(\.attempt) == [2, 1])
        try await upstreams[1].truth.wait(for: "the end of the loser") { $0.requests[0].state == .clientGone }
    }

    @Test func aClientThatLeavesEndsBoth() async throws {
        let (stage, upstreams) = try await self.stage(self.silent, self.silent)
        let performance = try await stage.start(Stage.chat(stream: true))
        try await upstreams[0].truth.wait(for: "the first attempt") { !$0.requests.isEmpty }
        stage.clock.step(.milliseconds(1100))
        try await upstreams[1].truth.wait(for: "the second attempt") { !$0.requests.isEmpty }
        try await performance.cancel()
        for upstream in upstreams { try await upstream.truth.wait(for: "the end") { $0.requests[0].state == .clientGone } }
        #expect(performance.book.outcomes == [.clientGone, .clientGone])
    }

    @Test func withoutABudgetNothingIsHedged() async throws {
        let (stage, upstreams) = try await self.stage(self.silent, self.answer.chat, share: 50_000)
        let performance = try await stage.start(Stage.chat(stream: true))
        try await upstreams[0].truth.wait(for: "the first attempt") { !$0.requests.isEmpty }
        stage.clock.step(.milliseconds(1100))
        try await stage.loop.scheduleTask(in: .milliseconds(200)) {}.futureResult.get()
        #expect(upstreams[1].requests.isEmpty)
        try await performance.cancel()
    }

    @Test func aSecondAttemptThatFailsLeavesTheFirst() async throws {
        let gate = Signal()
        let chat = self.answer.chat
        let (stage, upstreams) = try await self.stage(
            { call in UpstreamPlan([.wait(gate)] + chat(call).steps) }, { _ in UpstreamPlan.json("{\"error\":{}}", status: 503) })
        let performance = try await stage.start(Stage.chat(stream: true))
        try await upstreams[0].truth.wait(for: "the first attempt") { !$0.requests.isEmpty }
        stage.clock.step(.milliseconds(1100))
        try await performance.book.log.wait(for: "the end of the second") { $0.contains { $0.attempt == 2 && $0.kind.isEnd } }
        gate.fire()
        #expect(try await performance.end().status == 200)
        #expect(performance.book.outcomes == [.refused, .ok])
    }

    @Test func whatIsSlowAfterItsFirstTokenIsLeftAlone() async throws {
        let (stage, upstreams) = try await self.stage(UpstreamFaults.cut(self.answer.chat, after: 3, with: .stall), self.answer.chat)
        let performance = try await stage.start(Stage.chat(stream: true))
        try await performance.answer.wait(for: "a token") { $0.body.contains("tok ") }
        stage.clock.step(.milliseconds(1100))
        try await stage.loop.scheduleTask(in: .milliseconds(200)) {}.futureResult.get()
        #expect(upstreams[1].requests.isEmpty)
        try await performance.cancel()
    }
}
