import SluiceCore
import Testing

@testable import SluicePolicy

@Suite struct PolicyLoaderTests {
    @Test func theSampleLoadsWithoutAWord() {
        let loaded = Sample.load(Sample.whole)
        #expect(loaded.diagnostics.isEmpty, "\(loaded.diagnostics)")
        #expect(loaded.policy != nil)
    }

    @Test func everyBackendIsAPoolOfOneBehindTheNamedPools() throws {
        let policy = try #require(Sample.load(Sample.whole).policy)
        #expect(policy.pools.map(\.name) == ["both", "first", "other"])
        #expect(policy.classes.map(\.pools) == [[0], [2]])
        #expect(policy.pools.map(\.index) == [0, 1, 2])
    }

    @Test func theDefaultTenantIsAlwaysThereAndLast() throws {
        #expect(try #require(Sample.load(Sample.whole).policy).tenants.map(\.name) == ["default"])
        let text = Sample.whole + "tenants:\n  default: { classes: [realtime] }\n  web: { keys: [web-*], classes: \"*\" }\n"
        let policy = try #require(Sample.load(text).policy)
        #expect(policy.tenants.map(\.name) == ["web", "default"])
        #expect(policy.tenants.map(\.index) == [0, 1])
        #expect(policy.tenants[0].terms.classes == nil)
        #expect(policy.tenants[1].terms.classes == [0])
    }

    @Test func aTenantsRetentionLeavesTheRestToTheServer() throws {
        let text = Sample.whole + "server: { retention: { requests: 90d, results: 60d } }\ntenants: { web: { retention: { prompts: 0d } } }\n"
        let loaded = Sample.load(text)
        let policy = try #require(loaded.policy)
        #expect(loaded.notYet.isEmpty && policy.tenants[1].terms.retention == nil)
        #expect(policy.tenants[0].terms.retention?.prompts == .zero && policy.tenants[0].terms.retention?.results == .seconds(60 * 86_400))
        #expect(policy.server.retention.requests == .seconds(90 * 86_400) && policy.server.retention.rollups == nil)
    }

    @Test func entriesAndSumsAreKeptForAllTenantsAlike() {
        let loaded = Sample.load(Sample.whole + "tenants: { web: { retention: { requests: 90d } } }\n")
        #expect(loaded.policy == nil && loaded.diagnostics.map(\.code) == [.unknownKey])
    }

    @Test func yamlWordsStayNames() throws {
        let names = ["no", "on", "1.10", "010", "22:30", "null", "~", "2026-11-01", "1e3"]
        let text =
            "version: 1\nbackends:\n  off: { url: https://a.example.com, price: { input: 1, cached: 1, output: 1 } }\nmodels:\n"
            + names.map { "  \($0): { off: \($0) }\n" }.joined()
            + "classes:\n  yes: { use: [off] }\nroutes:\n  - { class: yes }\nbaseline: { backend: off }\n"
        let policy = try #require(Sample.load(text).policy)
        #expect(policy.models.map(\.name) == names)
        #expect(policy.models.map { $0.offers[0]?.name } == names)
        #expect(policy.classes.map(\.name) == ["yes"])
    }

    @Test func aScalarMayStandForAList() throws {
        let text = Sample.replace("use: [both]", with: "use: both")
        #expect(try #require(Sample.load(text).policy).classes[0].pools == [0])
    }

    @Test func extensionKeysAreIgnoredEverywhere() {
        let text = Sample.replace("windows:", with: "x-top: { a: [1] }\nwindows:\n  x-parked: { b: 1 }").replacingFirst(
            "serve: now,", with: "x-note: why, serve: now,")
        #expect(Sample.load(text).diagnostics.isEmpty)
    }

    @Test func headersMayBeginWithX() throws {
        let text = Sample.replace("match: { async: true }", with: "match: { async: true, header: { x-surface: voice } }")
        #expect(try #require(Sample.load(text).policy).matchedHeaders == ["x-surface"])
    }

    @Test func aModelOfXAIIsNoExtension() throws {
        let text = Sample.replace("chat: { first: m, other: n }", with: "x-ai/grok-4: { first: x-ai/grok-4 }")
        #expect(try #require(Sample.load(text).policy).models.map(\.name) == ["x-ai/grok-4"])
    }

    @Test func filesAreMergedBySection() throws {
        let policy = try #require(
            Sample.load(
                "version: 1\nbackends:\n  a: { url: https://a.example.com, price: { input: 1, cached: 1, output: 1 } }\nroutes:\n  - { match: { stream: true }, class: c }\n",
                "version: 1\nbackends:\n  b: { url: https://b.example.com, price: { input: 1, cached: 1, output: 1 } }\nmodels: { m: { a: x, b: y } }\nclasses: { c: { use: [a, b] } }\n",
                "version: 1\nroutes:\n  - { class: c }\nbaseline: { backend: a }\n"
            ).policy)
        #expect(policy.backends.map(\.name) == ["a", "b"])
        #expect(policy.routes.map(\.place.file) == ["p1.yaml", "p3.yaml"])
    }

    @Test func filesCountInByteOrderOfTheirPaths() {
        let files = ["b.yaml", "B.yaml", "a/z.yaml"].map { PolicyFile(path: $0, text: "version: 1\n") }
        #expect(PolicyLoader(environment: PolicyEnvironment(), now: Sample.now).load(files).files == ["B.yaml", "a/z.yaml", "b.yaml"])
    }

    @Test func aNameInTwoFilesIsAnErrorWithBothPlaces() {
        let loaded = Sample.load(Sample.whole, "version: 1\nclasses:\n  realtime: { use: [first] }\n")
        #expect(loaded.findings == ["duplicate_name 3:3"])
        #expect(loaded.first(.duplicateName)?.hint == "the first one stands in p1.yaml:12:3")
    }

    @Test func singleValuesStandOnce() {
        let loaded = Sample.load("currency: USD\n" + Sample.whole, "version: 1\ncurrency: EUR\nbaseline: { backend: other }\n")
        #expect(loaded.findings == ["duplicate_key 2:11", "duplicate_key 3:11"])
    }

    @Test func eachFileWantsItsVersion() {
        #expect(Sample.load(Sample.whole, "windows: { day: { hours: 08:00-18:00 } }\n").findings == ["missing_key 1:1"])
        #expect(Sample.load(Sample.whole, "").findings == ["missing_key 1:1"])
        #expect(Sample.load(replacing: "version: 1", with: "version: 2").findings == ["version 1:10"])
    }

    @Test func allErrorsOfAllFilesComeAtOnceAndSorted() {
        let loaded = Sample.load(
            Sample.whole.replacingFirst("use: [both]", with: "use: [btoh]").replacingFirst("serve: now", with: "serve: nwo"),
            "version: 1\ntenants: { web: { kyes: [a] } }\nroutes: 5\n")
        #expect(loaded.findings == ["bad_value 12:22", "unknown_name 12:33", "unknown_key 2:19", "wrong_type 3:9"])
        #expect(loaded.policy == nil)
    }

    @Test func anErrorInAnAnchorIsReportedOnce() {
        let text =
            "x-base: &b { lmits: {} }\n"
            + Sample.whole.replacingFirst("first: { url", with: "first: { <<: *b, url").replacingFirst(
                "other: { url", with: "other: { <<: *b, url")
        #expect(Sample.load(text).findings.count == 2, "once per backend, whose name the message holds")
    }

    @Test func itemsOfListsAreCountedThroughAllFiles() {
        let loaded = Sample.load(
            "version: 1\nroutes:\n  - { match: { async: true }, class: patient }\n  - { match: { strem: true }, class: realtime }\n",
            "version: 1\nroutes:\n  - { clas: realtime }\n")
        #expect(
            loaded.diagnostics.filter { $0.code == .unknownKey }.map(\.message) == [
                "unknown key `strem` in `match` of routes[1]", "unknown key `clas` in routes[2]",
            ])
    }

    @Test func whatIsReadButNotActedOnIsListedWithItsPlace() throws {
        let loaded = Sample.load(replacing: "models:\n", with: "server:\n  database: \"postgresql://db.example.com/sluice\"\nmodels:\n")
        #expect(loaded.policy != nil)
        let item = try #require(loaded.notYet.first)
        #expect(item.path == "server.database")
        #expect("\(item.span.place.line):\(item.span.place.column)" == "6:3")
        #expect(loaded.findings == ["not_yet 6:3"])
    }

    @Test(arguments: [("10.0.0.0/8", true), ("fd00::/8", true), ("hooks.internal", true), ("300.1.1.1/8", false), ("10.0.0.0/33", false), ("hooks/8", false)])
    func aNetworkThatWebhooksMayReachIsOne(text: String, isGood: Bool) {
        let loaded = Sample.load(replacing: "models:\n", with: "server: { webhooks: { allow: [\"\(text)\"] } }\nmodels:\n")
        #expect((loaded.policy != nil) == isGood, "\(loaded.findings)")
    }

    @Test(arguments: ["health: none", "rented: none, owned: none"])
    func sayingNoneIsNotUsingAFeature(text: String) {
        let loaded = Sample.load(replacing: "first: {", with: "first: { \(text),")
        #expect(loaded.notYet.isEmpty)
    }
}

extension String {
    func replacingFirst(_ old: String, with new: String) -> String {
        guard let start = self.indices.first(where: { self[$0...].hasPrefix(old) }) else { return self }
        return self[..<start] + new + self[self.index(start, offsetBy: old.count)...]
    }
}
