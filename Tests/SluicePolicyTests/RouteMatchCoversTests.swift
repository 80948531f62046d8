import SluiceCore
import Testing

@testable import SluicePolicy

@Suite struct RouteMatchCoversTests {
    /// The match of a route written so.
    private func match(_ text: String) throws -> RouteMatch {
        let sample = Sample.whole + "tenants: { web: { keys: [a] }, app: { keys: [b] } }\n"
        let loaded = Sample.load(
            sample.replacingFirst("match: { async: true }", with: "match: { \(text) }").replacingFirst(
                "class: patient", with: "class: realtime"))
        return try #require(loaded.policy, "\(loaded.findings)").routes[0].match
    }

    @Test(arguments: [
        ("async: true", "async: true"), ("async: true", "async: true, model: chat"), ("model: \"*\"", "model: chat"),
        ("key: \"scan-*\"", "key: scan-1"), ("key: [a, b]", "key: b"),
        ("tenant: [web, app]", "tenant: [app, web]"), ("metadata: { job: \"*\" }", "metadata: { job: etl, team: x }"),
        ("header: { X-A: b }", "header: { x-a: b }"),
        ("input_tokens: { min: 10 }", "input_tokens: { min: 10, max: 20 }"), ("endpoint: [chat, messages]", "endpoint: chat"),
        ("not: { stream: true }", "not: [{ stream: true }, { model: chat }]"),
        ("not: { stream: true, model: chat }", "not: { stream: true }"),
    ])
    func aWiderMatchCovers(wide: String, narrow: String) throws {
        let wide = try self.match(wide)
        let narrow = try self.match(narrow)
        #expect(wide.covers(narrow))
    }

    @Test(arguments: [
        ("async: true", "stream: true"), ("async: true", "async: false"), ("model: chat", "model: \"*\""),
        ("key: \"scan-*\"", "key: \"s*\""), ("key: [a, b]", "key: [b, c]"),
        ("metadata: { job: etl }", "metadata: { team: x }"), ("input_tokens: { min: 10 }", "input_tokens: { min: 9 }"),
        ("input_tokens: { max: 10 }", "input_tokens: { min: 1 }"),
        ("endpoint: chat", "stream: true"), ("not: { stream: true }", "model: chat"),
        ("not: { stream: true }", "not: { stream: true, model: chat }"),
    ])
    func anotherMatchDoesNot(one: String, other: String) throws {
        let one = try self.match(one)
        let other = try self.match(other)
        #expect(!one.covers(other))
    }

    @Test(arguments: [
        ("async: true", true), ("not: { async: false }", true), ("async: true, model: chat", true), ("stream: true", false),
        ("not: { async: false, model: chat }", false),
    ])
    func consentIsToldFromTheMatch(text: String, wantsConsent: Bool) throws {
        #expect(try self.match(text).wantsConsent == wantsConsent)
    }
}
