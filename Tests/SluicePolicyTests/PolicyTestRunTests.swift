import SluiceCore
import Testing

@testable import SluicePolicy

/// The tests that policies carry.
@Suite struct PolicyTestRunTests {
    private func why(_ request: String, _ expect: String, at: String = "2026-11-23T15:30:00Z") throws -> String? {
        let policy = try #require(
            Sample.load(
                Sample.whole + "tests:\n  - { name: t, at: \"\(at)\", request: { model: chat, \(request) }, expect: { \(expect) } }\n"
            ).policy)
        return policy.runTests(at: Sample.now).first?.why
    }

    @Test(arguments: [
        ("stream: true", "class: realtime, serve: now, route: \"routes[1]\", model: chat, pool: both, backend: first"),
        (
            "async: true",
            "class: patient, serve: later, not_before: 2026-11-23T22:00:00Z, deadline: 2026-11-24T15:30:00Z, backend: other, pool: other"
        ),
        ("class: patient", "class: patient"),
        ("async: true, deadline: 12h", "deadline: 2026-11-24T03:30:00Z"),
    ])
    func whatIsSoPasses(request: String, expect: String) throws {
        #expect(try self.why(request, expect) == nil)
    }

    @Test(arguments: [
        ("stream: true", "class: patient", "class is realtime, expected patient"),
        ("stream: true", "backend: other", "backend is first, expected other"),
        ("async: true", "serve: now", "serve is later, expected now"),
        ("async: true", "not_before: 2026-11-23T21:00:00Z", "not_before is 2026-11-23T22:00:00.000Z, expected 2026-11-23T21:00:00.000Z"),
        ("stream: true", "deadline: 2026-11-23T21:00:00Z", "deadline is none, expected 2026-11-23T21:00:00.000Z"),
    ])
    func whatIsNotSoSaysWhy(request: String, expect: String, why: String) throws {
        #expect(try self.why(request, expect) == why)
    }

    @Test func aRefusalIsWhatHappened() throws {
        let text =
            Sample.whole
            + "tenants:\n  web: { keys: [web], models: [none-such*] }\ntests:\n  - { name: t, request: { model: chat, key: web }, expect: { class: realtime } }\n"
        let policy = try #require(Sample.load(text).policy)
        #expect(policy.runTests(at: Sample.now).first?.why?.hasPrefix("refused with 403 model_not_allowed") == true)
    }
}
