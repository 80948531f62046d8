import NIOCore
import SluiceCore
import SluiceDispatch
import SluiceTesting
import Testing

/// `promises.md` P20 to P23: how much failing backends are asked, and when they are left alone.
@Suite(.serialized) struct HealthTests {
    private func stage(_ behaviours: UpstreamBehaviour...) async throws -> (Stage, [ScriptedUpstream]) {
        var upstreams: [ScriptedUpstream] = []
        for behaviour in behaviours { upstreams.append(try await ScriptedUpstream.start(behaviour)) }
        return (try await Stage(TestPolicy.make(backends: upstreams.count), at: upstreams.map { Optional($0.url) }), upstreams)
    }

    private func condition(_ stage: Stage, _ backend: Int) -> BackendCondition {
        stage.live.slots[backend].condition(isLater: false, at: stage.clock.now.monotonic)
    }

    @Test(arguments: [2, 5, 10])
    func retriesAddAFifthOfTheLoadAtMost(_ everyNth: Int) async throws {
        // One backend, so that each failing request could be tried on each of three: every call but every n-th fails.
        let fail: UpstreamBehaviour = {
            $0.number % everyNth == 0 ? .json("{\"id\":\"x\",\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1}}") : .json("{}", status: 500)
        }
        let (stage, upstreams) = try await self.stage(fail, fail, fail)
        for _ in 0..<200 {
            _ = try await stage.answer()
            // Past every breaker's pause.
            stage.clock.step(.seconds(120))
        }
        let calls = upstreams.reduce(0) { $0 + $1.requests.count }
        #expect(calls <= 200 * 12 / 10 + 10 && calls >= 200)
    }

    @Test func aBackendThatFailsFiveTimesIsLeftAlone() async throws {
        let (stage, upstreams) = try await self.stage(UpstreamFaults.fail(503), ScriptedAnswer().chat)
        for _ in 0..<20 { #expect(try await stage.answer().answer.status == 200) }
        #expect(upstreams[0].requests.count == 5 && upstreams[1].requests.count == 20)
        stage.clock.step(.seconds(2))
        for _ in 0..<20 { #expect(try await stage.answer().answer.status == 200) }
        #expect(upstreams[0].requests.count == 6, "one probe after the pause")
    }

    @Test func theLastOnesAreStillAskedOnceASecond() async throws {
        let (stage, upstreams) = try await self.stage(UpstreamFaults.fail(500), UpstreamFaults.fail(500))
        for _ in 0..<20 { _ = try await stage.answer() }
        let before = upstreams.map(\.requests.count).reduce(0, +)
        for _ in 0..<10 {
            stage.clock.step(.seconds(1))
            for _ in 0..<5 {
                let (answer, _) = try await stage.answer()
                #expect(answer.status == 502 || answer.status == 503)
            }
        }
        let asked = upstreams.map(\.requests.count).reduce(0, +) - before
        #expect((10...40).contains(asked), "\(asked) calls in 10 s")
    }

    @Test(arguments: [400, 404, 413, 422, 429])
    func whatIsNoFailureOfTheBackendOpensNoBreaker(_ status: Int) async throws {
        let (stage, upstreams) = try await self.stage(UpstreamFaults.fail(status, fields: [("retry-after", "0")]))
        for _ in 0..<12 { _ = try await stage.answer() }
        #expect(upstreams[0].requests.count == 12 && self.condition(stage, 0).availability == .up)
    }

    @Test(
        arguments: [
            (429, [("retry-after", "7")], 7000), (429, [("retry-after-ms", "250")], 250), (503, [("retry-after", "7")], 7000),
            (529, [("retry-after", "1.5")], 1500), (429, [("retry-after", "soon")], 1000),
            (429, [], 1000), (503, [], nil), (429, [("retry-after", "1000000000")], 3_600_000),
        ] as [(Int, [(String, String)], Int64?)])
    func aBackendThatNamesItsTimeIsLeftAloneUntilThen(_ status: Int, _ fields: [(String, String)], _ milliseconds: Int64?) async throws {
        let (stage, _) = try await self.stage(UpstreamFaults.fail(status, fields: fields), ScriptedAnswer().chat)
        #expect(try await stage.answer().answer.status == 200)
        guard let milliseconds else {
            #expect(self.condition(stage, 0).availability == .up)
            return
        }
        #expect(self.condition(stage, 0).availability == .down(until: stage.clock.now.monotonic + .milliseconds(milliseconds)))
    }

    @Test(arguments: ["insufficient_quota", "billing_hard_limit_reached"])
    func aSpendingLimitStopsTheBackendForAMinute(_ code: String) async throws {
        let (stage, _) = try await self.stage(UpstreamFaults.fail(429, "{\"error\":{\"code\":\"\(code)\"}}"), ScriptedAnswer().chat)
        _ = try await stage.answer()
        #expect(self.condition(stage, 0).availability == .down(until: stage.clock.now.monotonic + .seconds(60)))
    }

    @Test(arguments: [401, 402, 403])
    func aBackendThatRefusesOurKeyIsParked(_ status: Int) async throws {
        let (stage, _) = try await self.stage(UpstreamFaults.fail(status))
        #expect(try await stage.answer().answer.status == 502)
        #expect(self.condition(stage, 0).availability == .down(until: stage.clock.now.monotonic + .seconds(60)))
        #expect(try await stage.answer().answer.status == 503)
    }

    @Test func whenNobodyIsUsableItIsSaidAtOnceWithTheTime() async throws {
        let (stage, _) = try await self.stage(UpstreamFaults.fail(429, fields: [("retry-after", "30")]))
        _ = try await stage.answer()
        let (answer, book) = try await stage.answer()
        #expect(answer.refusal?.code == .noBackend && answer.refusal?.retryAfter == .seconds(30) && book.isEmpty)
    }
}
