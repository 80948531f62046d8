import NIOCore
import SluiceCore
import SluiceDispatch
import SluiceTesting
import SluiceWire
import Testing

/// The road from a decision to an answer, over the real transports.
@Suite(.serialized) struct DispatcherTests {
    private func scripted(_ behaviours: UpstreamBehaviour...) async throws -> [ScriptedUpstream] {
        var upstreams: [ScriptedUpstream] = []
        for behaviour in behaviours { upstreams.append(try await ScriptedUpstream.start(behaviour)) }
        return upstreams
    }

    private func stage(
        _ upstreams: [ScriptedUpstream], api: Backend.API = .openai, secrets: [String] = [], _ change: (inout PolicySet.Parts) -> Void = { _ in }
    ) async throws -> Stage {
        try await Stage(TestPolicy.make(backends: upstreams.count, api: api, change), at: upstreams.map { Optional($0.url) }, secrets: secrets)
    }

    private var answer: ScriptedAnswer {
        var answer = ScriptedAnswer()
        answer.promptTokens = 10
        answer.outputTokens = 5
        return answer
    }

    // MARK: What goes well

    @Test func aWholeAnswerIsPassedOnAndBooked() async throws {
        let upstreams = try await self.scripted(self.answer.chat)
        let (answer, book) = try await self.stage(upstreams).answer()
        #expect(answer.status == 200 && answer.body.contains("tok tok tok tok tok") && answer.faults == 0, "\(answer)")
        #expect(answer.header("sluice-route") == "live;route=\"all\";pool=main;backend=b0;attempt=1;policy=\"\"")
        #expect(answer.header("sluice-cost") == "0.00002;currency=USD;basis=usage")
        let end = try #require(book.last?.settlement)
        #expect(book.map(\.kind) == [.intent, .settled] && end.outcome == .ok && end.usage == TokenUsage(input: 10, output: 5))
        #expect(upstreams[0].requests[0].text.contains("\"model\":\"own\""))
    }

    @Test(arguments: [Endpoint.chat, .completions, .embeddings, .responses])
    func everyEndpointIsMeteredAsTheBackendBills(_ endpoint: Endpoint) async throws {
        let upstreams = try await self.scripted(self.answer.any)
        let (answer, book) = try await self.stage(upstreams).answer(on: endpoint)
        #expect(answer.status == 200 && book.last?.settlement?.usage == upstreams[0].requests[0].billed)
    }

    @Test(arguments: [Endpoint.chat, .completions, .responses, .messages])
    func everyStreamIsMeteredAsTheBackendBills(_ endpoint: Endpoint) async throws {
        let upstreams = try await self.scripted(self.answer.any)
        let api: Backend.API = endpoint == .messages ? .anthropic : .openai
        let (answer, book) = try await self.stage(upstreams, api: api).answer(Stage.chat(stream: true), on: endpoint)
        #expect(answer.isStream && answer.isWhole && answer.body.components(of: "tok ") >= 5 && answer.faults == 0)
        #expect(book.last?.settlement?.usage == upstreams[0].requests[0].billed && book.last?.settlement?.outcome == .ok)
    }

    @Test func theSimulatedBackendIsOneLikeAnyOther() async throws {
        let policy = TestPolicy.make(backends: 1, api: .simulated) { parts in
            parts.backends[0].simulation = Backend.Simulation()
            parts.backends[0].simulation?.firstToken = .milliseconds(1)
            parts.backends[0].simulation?.perToken = .microseconds(10)
            parts.backends[0].simulation?.outputTokens = 4
        }
        let stage = try await Stage(policy, at: [nil])
        let (whole, _) = try await stage.answer()
        let (stream, book) = try await stage.answer(Stage.chat(stream: true, more: ",\"stream_options\":{\"include_usage\":true}"))
        #expect(whole.status == 200 && stream.body.hasSuffix("data: [DONE]\n\n"))
        #expect(stream.body.contains("\"sluice\":{\"cost\":") && book.last?.settlement?.usage?.output == 4)
    }

    // MARK: Failover (P17, P19)

    @Test(arguments: [429, 500, 502, 503, 504, 529, 401, 402, 403])
    func aRefusalGoesToTheNextBackendUnseen(_ status: Int) async throws {
        let upstreams = try await self.scripted(UpstreamFaults.fail(status), self.answer.chat)
        for isStream in [false, true] {
            let (answer, book) = try await self.stage(upstreams).answer(Stage.chat(stream: isStream))
            #expect(answer.status == 200 && answer.header("sluice-route")?.contains("backend=b1;attempt=2") == true)
            #expect(book.count { $0.kind == .intent } == 2 && book.count { $0.kind.isEnd } == 2)
        }
    }

    @Test func aBackendThatIsNotThereCostsNothing() async throws {
        let upstreams = try await self.scripted(self.answer.chat, self.answer.chat)
        let stage = try await self.stage(upstreams)
        try await upstreams[0].close()
        let (answer, book) = try await stage.answer()
        #expect(answer.status == 200)
        let first = try #require(book.first { $0.kind.isEnd }?.settlement)
        #expect(first.outcome == .notSent && first.cost == .zero)
    }

    @Test(arguments: [
        "data: {\"error\":{\"message\":\"busy\",\"type\":\"overloaded_error\"}}\n\n", ": ping\n\ndata: {\"error\":{\"message\":\"busy\"}}\n\n",
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\ndata: {\"error\":{\"code\":429,\"message\":\"busy\"}}\n\n",
    ])
    func aFirstEventThatIsAnErrorIsNeverSeen(_ events: String) async throws {
        let broken: UpstreamBehaviour = { _ in
            UpstreamPlan([.head(200, [("content-type", "text/event-stream"), ("transfer-encoding", "chunked")]), .bytes(events), .end])
        }
        let upstreams = try await self.scripted(broken, self.answer.chat)
        let (answer, book) = try await self.stage(upstreams).answer(Stage.chat(stream: true))
        #expect(answer.status == 200 && !answer.body.contains("busy") && answer.body.hasSuffix("data: [DONE]\n\n"))
        #expect(book.first { $0.kind.isEnd }?.settlement?.outcome == .refused)
    }

    @Test func aSuccessWithAnErrorInItGoesToTheNextToo() async throws {
        let upstreams = try await self.scripted(UpstreamFaults.fail(200, #"{"error":{"message":"busy","type":"overloaded_error"}}"#), self.answer.chat)
        #expect(try await self.stage(upstreams).answer().answer.body.contains("tok"))
    }

    @Test(arguments: [400, 404, 413, 422])
    func aRequestThatIsAtFaultIsAnsweredAsTheBackendDid(_ status: Int) async throws {
        let upstreams = try await self.scripted(UpstreamFaults.fail(status, "{\"error\":\"no\"}"), self.answer.chat)
        let (answer, _) = try await self.stage(upstreams).answer()
        #expect(answer.status == status && answer.body == "{\"error\":\"no\"}" && answer.header("sluice-error-source") == "upstream")
        #expect(upstreams[1].requests.isEmpty)
    }

    @Test func theLast429IsPassedOnWithItsTime() async throws {
        let upstreams = try await self.scripted(UpstreamFaults.fail(429, fields: [("retry-after", "7")]), UpstreamFaults.fail(503))
        let (answer, _) = try await self.stage(upstreams).answer()
        #expect(answer.status == 429 && answer.header("retry-after") == "7")
    }

    /// Where nobody can know what became of a request, it is not sent again.
    private static let ambiguous: [(String, UpstreamPlan)] = [
        ("a reset without an answer", UpstreamPlan([.rst])),
        ("half a head", UpstreamPlan([.raw("HTTP/1.1 200 O"), .fin])),
        ("no HTTP", UpstreamPlan([.raw("hello\r\n\r\n"), .fin])),
        ("half a body", UpstreamPlan([.head(200, [("content-type", "application/json"), ("content-length", "100")]), .bytes("{\"id\":"), .fin])),
        ("half a body, reset", UpstreamPlan([.head(200, [("content-type", "application/json"), ("content-length", "100")]), .bytes("{\"id\":"), .rst])),
        ("half a JSON", .json("{\"id\":")), ("an empty body", .json("")),
        ("a page", UpstreamPlan([.head(200, [("content-type", "text/html"), ("content-length", "6")]), .bytes("<html>")])),
        ("two lengths", UpstreamPlan([.raw("HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}"), .fin])),
        (
            "a body in a coding",
            UpstreamPlan([.head(200, [("content-type", "application/json"), ("content-encoding", "gzip"), ("content-length", "2")]), .bytes("{}")])
        ),
        ("half a chunk", UpstreamPlan([.raw("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\n{\"id"), .fin])),
    ]

    @Test(arguments: ambiguous.indices)
    func whatMayHaveBeenDoneIsNotDoneTwice(_ index: Int) async throws {
        let (what, plan) = Self.ambiguous[index]
        let upstreams = try await self.scripted({ _ in plan }, self.answer.chat)
        let (answer, book) = try await self.stage(upstreams).answer()
        #expect(answer.status == 502 && answer.refusal?.code == .upstreamFailed, "\(what)")
        #expect(upstreams[0].requests.count == 1 && upstreams[1].requests.isEmpty, "\(what)")
        let end = try #require(book.last?.settlement)
        #expect(book.last?.kind == .waste && end.cost == nil && end.costLow == .zero && (end.costHigh ?? .zero) > .zero, "\(what)")
    }

    /// As nginx would say 502 for it: one other backend is asked, and the first attempt's cost stays in doubt.
    @Test func aBackendThatHangsUpIsReplacedOnce() async throws {
        let hangUp: UpstreamBehaviour = { _ in UpstreamPlan([.fin]) }
        let upstreams = try await self.scripted(hangUp, self.answer.chat)
        let (answer, book) = try await self.stage(upstreams).answer()
        #expect(answer.status == 200)
        let lost = try #require(book.first { $0.kind == .waste }?.settlement)
        #expect(lost.cost == nil && lost.costLow == .zero && (lost.costHigh ?? .zero) > .zero && lost.evidence == .inDoubt)

        let all = try await self.scripted(hangUp, hangUp, hangUp)
        let (second, _) = try await self.stage(all).answer()
        #expect(second.status == 502 && all.map { $0.requests.count } == [1, 1, 0])
    }

    @Test(arguments: [301, 307, 204, 205])
    func aStatusThatIsNoAnswerIsABackendsError(_ status: Int) async throws {
        let odd: UpstreamBehaviour = { _ in UpstreamPlan([.head(status, [("location", "http://127.0.0.1:1/"), ("content-length", "0")])]) }
        let (answer, _) = try await self.stage(try await self.scripted(odd)).answer()
        #expect(answer.status == 502)
    }

    // MARK: Cuts (P16)

    @Test(arguments: [Endpoint.chat, .completions, .responses, .messages], [UpstreamPlan.Step.fin, .rst, .raw("zz\r\n")].indices)
    func aCutNeverLooksLikeSuccess(_ endpoint: Endpoint, _ ending: Int) async throws {
        let end = [UpstreamPlan.Step.fin, .rst, .raw("zz\r\n")][ending]
        let api: Backend.API = endpoint == .messages ? .anthropic : .openai
        let last = [Endpoint.chat: 8, .completions: 7, .responses: 7, .messages: 9][endpoint] ?? 0
        for pieces in 0...last {
            let upstreams = try await self.scripted(UpstreamFaults.cut(self.answer.any, after: pieces, with: end))
            let (answer, book) = try await self.stage(upstreams, api: api).answer(Stage.chat(stream: true), on: endpoint)
            if answer.isStream {
                #expect(
                    answer.body.contains("error") && !answer.body.contains("[DONE]") && !answer.body.contains("message_stop")
                        && !answer.body.contains("event: response.completed"), "\(endpoint) \(pieces)")
                #expect(answer.body.hasSuffix("\n\n") && !answer.isWhole)
            } else {
                #expect(answer.status == 502, "\(endpoint) \(pieces)")
            }
            #expect(book.last?.settlement?.outcome != .ok)
            #expect(upstreams[0].requests.count == 1)
        }
    }

    // MARK: The client leaves (P13, P15)

    @Test func leavingBeforeTheAnswerClosesTheCall() async throws {
        let upstreams = try await self.scripted({ _ in UpstreamPlan([.stall]) })
        let stage = try await self.stage(upstreams)
        let performance = try await stage.start()
        try await upstreams[0].truth.wait(for: "the request") { !$0.requests.isEmpty }
        try await performance.cancel()
        try await upstreams[0].truth.wait(for: "the caller's leaving", within: .milliseconds(500)) { $0.requests[0].state == .clientGone }
        let end = try #require(performance.book.ends.first?.settlement)
        #expect(end.outcome == .clientGone && end.costLow == .zero && (end.costHigh ?? .zero) > .zero)
        #expect(try await stage.runsUnderWay() == 0)
    }

    @Test func leavingInTheMiddleIsBookedWithWhatWasRelayed() async throws {
        let upstreams = try await self.scripted(UpstreamFaults.cut(self.answer.chat, after: 4, with: .stall))
        let stage = try await self.stage(upstreams)
        let performance = try await stage.start(Stage.chat(stream: true))
        try await performance.answer.wait(for: "three tokens") { $0.body.components(of: "tok ") == 3 }
        try await performance.cancel()
        try await upstreams[0].truth.wait(for: "the caller's leaving", within: .milliseconds(500)) { $0.requests[0].state == .clientGone }
        let end = try #require(performance.book.ends.first)
        #expect(end.settlement?.outcome == .clientGone)
        // Three tokens of two dollars a million.
        #expect((end.settlement?.costLow ?? .zero) >= Money(pico: 6_000_000))
    }

    // MARK: Room

    @Test func waitsForRoomAndGetsIt() async throws {
        let gate = Signal()
        let upstreams = try await self.scripted(
            UpstreamFaults.sequence({ _ in UpstreamPlan([.wait(gate)] + UpstreamPlan.json("{\"id\":\"a\"}").steps) }, self.answer.chat))
        let stage = try await self.stage(upstreams) { $0.backends[0].limits.concurrent = 1 }
        let first = try await stage.start()
        try await upstreams[0].truth.wait(for: "the first request") { $0.requests.count == 1 }
        let second = try await stage.start()
        #expect(upstreams[0].requests.count == 1)
        gate.fire()
        #expect(try await first.end().status == 200)
        #expect(try await second.end().status == 200)
    }

    /// One is full, the other will not be back in time: whoever asked both in circles kept the event loop for ever.
    @Test func waitsForRoomWhileAnotherBackendIsLeftAlone() async throws {
        let gate = Signal()
        let upstreams = try await self.scripted(
            UpstreamFaults.sequence({ _ in UpstreamPlan([.wait(gate)] + UpstreamPlan.json("{\"id\":\"a\"}").steps) }, self.answer.chat),
            self.answer.chat)
        let stage = try await self.stage(upstreams) { $0.backends[0].limits.concurrent = 1 }
        stage.live.slots[1].park(until: stage.clock.now.monotonic + .seconds(3600))
        let first = try await stage.start()
        try await upstreams[0].truth.wait(for: "the first request") { $0.requests.count == 1 }
        let second = try await stage.start()
        gate.fire()
        #expect(try await first.end().status == 200)
        #expect(try await second.end().status == 200)
        #expect(upstreams[1].requests.isEmpty)
    }

    @Test func whoHasWaitedLongEnoughIsToldWhenToComeAgain() async throws {
        let upstreams = try await self.scripted({ _ in UpstreamPlan([.stall]) })
        let stage = try await self.stage(upstreams) { $0.backends[0].limits.concurrent = 1 }
        let first = try await stage.start()
        let second = try await stage.start()
        stage.clock.step(.seconds(10))
        let answer = try await second.end()
        #expect(answer.status == 429 && answer.refusal?.code == .overloaded && answer.refusal?.retryAfter != nil)
        #expect(second.book.entries.isEmpty)
        try await first.cancel()
    }

    @Test func theSlotOfAWaiterThatLeftGoesToTheNext() async throws {
        let gate = Signal()
        let upstreams = try await self.scripted(
            UpstreamFaults.sequence({ _ in UpstreamPlan([.wait(gate)] + UpstreamPlan.json("{\"id\":\"a\"}").steps) }, self.answer.chat))
        let stage = try await self.stage(upstreams) { $0.backends[0].limits.concurrent = 1 }
        let first = try await stage.start()
        let gone = try await stage.start()
        let last = try await stage.start()
        try await gone.cancel()
        gate.fire()
        #expect(try await first.end().status == 200)
        #expect(try await last.end().status == 200)
        #expect(gone.book.entries.isEmpty)
    }

    @Test func aLineThatIsTooLongIsToldAtOnce() async throws {
        let upstreams = try await self.scripted({ _ in UpstreamPlan([.stall]) })
        let stage = try await self.stage(upstreams) { $0.backends[0].limits.concurrent = 1 }
        let now = stage.clock.now.monotonic
        for _ in 0..<5 {
            _ = stage.live.slots[0].admit(tokens: 1, isLater: false, isLastResort: false, at: now)
            stage.live.slots[0].release(.success, isLater: false, held: .seconds(4), at: now)
        }
        var waiting: [Performance] = []
        for _ in 0..<3 { waiting.append(try await stage.start()) }
        let answer = try await stage.start().end()
        #expect(answer.status == 429 && answer.refusal?.code == .overloaded && (10...20).contains(answer.refusal?.retryAfterSeconds ?? 0), "\(answer)")
        #expect(waiting.allSatisfy { !$0.answer.value.isOver })
        for performance in waiting { try await performance.cancel() }
    }

    @Test func aTenantAtItsLimitIsRefusedAndGetsItsPlaceBack() async throws {
        let gate = Signal()
        let upstreams = try await self.scripted({ [answer = self.answer.chat] call in UpstreamPlan([.wait(gate)] + answer(call).steps) })
        let stage = try await self.stage(upstreams) {
            var terms = Tenant.Terms()
            terms.limits.concurrent = 1
            $0.tenants = [Tenant(index: 0, name: "default", terms: terms)]
        }
        let first = try await stage.start()
        let (refused, book) = try await stage.answer()
        #expect(refused.status == 429 && refused.refusal?.code == .rateLimited && refused.refusal?.retryAfterSeconds == 1 && book.isEmpty)
        gate.fire()
        #expect(try await first.end().status == 200)
        let (next, _) = try await stage.answer()
        #expect(next.status == 200)
    }

    // MARK: Time (P24)

    @Test func theTotalBudgetEndsEverything() async throws {
        let upstreams = try await self.scripted({ _ in UpstreamPlan([.stall]) }, self.answer.chat)
        let stage = try await self.stage(upstreams) { $0.classes[0].latency.total = .seconds(5) }
        let performance = try await stage.start()
        try await upstreams[0].truth.wait(for: "the request") { !$0.requests.isEmpty }
        stage.clock.step(.seconds(5))
        let answer = try await performance.end()
        #expect(answer.status == 504 && answer.refusal?.code == .latencyBudgetExceeded && upstreams[1].requests.isEmpty)
        try await upstreams[0].truth.wait(for: "the end of the call") { $0.requests[0].state == .clientGone }
    }

    @Test func withoutAFirstTokenInTimeTheAttemptIsOver() async throws {
        let upstreams = try await self.scripted({ _ in UpstreamPlan([.stall]) }, self.answer.chat)
        let stage = try await self.stage(upstreams) { $0.classes[0].firstTokenTimeout = .seconds(3) }
        let performance = try await stage.start()
        try await upstreams[0].truth.wait(for: "the request") { !$0.requests.isEmpty }
        stage.clock.step(.seconds(3))
        #expect(try await performance.end().status == 504)
        #expect(performance.book.outcomes == [.timeout] && upstreams[1].requests.isEmpty)
    }

    @Test func aClassThatAllowsItAsksAnotherAfterATimeout() async throws {
        let upstreams = try await self.scripted({ _ in UpstreamPlan([.stall]) }, self.answer.chat)
        let stage = try await self.stage(upstreams) {
            $0.classes[0].firstTokenTimeout = .seconds(3)
            $0.classes[0].retryAmbiguous = 1
        }
        let performance = try await stage.start()
        try await upstreams[0].truth.wait(for: "the request") { !$0.requests.isEmpty }
        stage.clock.step(.seconds(3))
        #expect(try await performance.end().status == 200)
        #expect(performance.book.outcomes == [.timeout, .ok])
    }

    @Test func aStreamThatFallsSilentEndsWithAnError() async throws {
        let upstreams = try await self.scripted(UpstreamFaults.cut(self.answer.chat, after: 3, with: .stall))
        let stage = try await self.stage(upstreams) { $0.classes[0].idleTimeout = .seconds(30) }
        let performance = try await stage.start(Stage.chat(stream: true))
        try await performance.answer.wait(for: "two tokens") { $0.body.components(of: "tok ") == 2 }
        try await stage.stepThroughSilence(.seconds(30))
        let answer = try await performance.end()
        #expect(answer.body.contains("\"error\"") && !answer.body.contains("[DONE]") && performance.book.outcomes == [.timeout])
    }

    // MARK: Back-pressure

    @Test func aSinkThatTakesNoMoreHoldsTheBackendBack() async throws {
        var long = self.answer
        long.outputTokens = 40
        long.text = String(repeating: "x", count: 30_000)
        let upstreams = try await self.scripted(long.chat)
        let stage = try await self.stage(upstreams)
        let performance = try await stage.start(Stage.chat(stream: true))
        try await performance.becomesWritable(false)
        try await stage.turns(200)
        // What was read before the pause, and never all of it: the rest is in the sockets.
        #expect(performance.answer.value.body.utf8.count < 900_000 && !performance.answer.value.isOver)
        try await performance.becomesWritable(true)
        let answer = try await performance.end()
        #expect(answer.body.utf8.count > 1_200_000 && answer.body.hasSuffix("data: [DONE]\n\n"))
    }

    // MARK: Secrets and books

    @Test func anErrorThatEchoesOurKeyIsMasked() async throws {
        let secret = "sk-very-secret-key"
        for isStream in [false, true] {
            for plan in [
                UpstreamPlan.json("{\"error\":\"bad key \(secret)\"}", status: 400), UpstreamPlan.json("{\"error\":{\"message\":\"bad key \(secret)\"}}"),
                UpstreamPlan([
                    .head(200, [("content-type", "text/event-stream"), ("transfer-encoding", "chunked")]),
                    .bytes("data: {\"error\":{\"message\":\"bad key \(secret)\"}}\n\n"), .end,
                ]),
                UpstreamPlan([
                    .head(200, [("content-type", "text/event-stream"), ("transfer-encoding", "chunked")]),
                    .bytes("data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\ndata: {\"error\":{\"message\":\"bad key \(secret)\"}}\n\n"), .end,
                ]),
            ] {
                let upstreams = try await self.scripted({ _ in plan })
                let (answer, _) = try await self.stage(upstreams, secrets: [secret]).answer(Stage.chat(stream: isStream))
                let said = answer.body + answer.lines + (answer.refusal?.message ?? "")
                #expect(!said.contains(secret))
            }
        }
    }

    @Test func nothingLeavesThatIsNotWrittenDown() async throws {
        let upstreams = try await self.scripted(self.answer.chat)
        let stage = try await self.stage(upstreams)
        let performance = try await stage.start(book: AttemptBook(failure: StoreError(.full, "no room")))
        let answer = try await performance.end()
        #expect(answer.status == 503 && answer.refusal?.code == .storageError && upstreams[0].requests.isEmpty)
        #expect(stage.live.slots[0].condition(isLater: false, at: stage.clock.now.monotonic).inFlight == 0)
    }
}

extension String {
    /// How often the text stands in it.
    fileprivate func components(of text: String) -> Int { self.ranges(of: text).count }
}

extension Stage {
    /// Steps the clock until a silent stream is given up, one look of the dispatcher after the other.
    fileprivate func stepThroughSilence(_ duration: Duration) async throws {
        for _ in 0..<3 {
            try await self.turns(60)
            self.clock.step(duration)
        }
    }

    /// Lets the loop run for so many milliseconds.
    fileprivate func turns(_ milliseconds: Int64) async throws {
        try await self.loop.scheduleTask(in: .milliseconds(milliseconds)) {}.futureResult.get()
    }
}
