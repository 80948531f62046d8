import SluiceCore
import SluiceTesting
import Testing

@Suite struct RouteIndexTests {
    private func rules(_ matches: [RouteMatch]) -> [RouteRule] {
        matches.enumerated().map { index, match in
            RouteRule(index: index, name: nil, match: match, trafficClass: 0, place: SourcePlace(file: "policy.yaml", line: index + 1, column: 1))
        }
    }

    private func match(_ change: (inout RouteMatch) -> Void = { _ in }) -> RouteMatch {
        var match = RouteMatch()
        change(&match)
        return match
    }

    private func request(_ change: (inout InferenceRequest) -> Void = { _ in }) -> InferenceRequest {
        var request = InferenceRequest(endpoint: .chat, tenant: "default", model: "chat")
        change(&request)
        return request
    }

    /// The rule of the policy itself: one after the other.
    private func linear(_ rules: [RouteRule], _ request: InferenceRequest) -> Int? { rules.firstIndex { $0.match.mismatch(request) == nil } }

    @Test(arguments: [1, 2, 3, UInt64.random(in: 4...UInt64.max)])
    func findsWhatLookingThroughThemFinds(seed: UInt64) {
        var chance = RandomRoutes(seed: seed)
        for round in 0..<60 {
            let rules = self.rules((0..<[0, 1, 8, 9, 40, 200][round % 6]).map { _ in chance.match() })
            let index = RouteIndex(rules)
            for _ in 0..<200 {
                let request = chance.request()
                #expect(index.first(taking: request) == self.linear(rules, request), "seed \(seed), round \(round): \(request)")
            }
        }
    }

    @Test func aRuleThatCannotBeFiledKeepsItsTurn() {
        var matches = (0..<20).map { number in self.match { $0.models = [Glob("m\(number)")] } }
        matches.insert(self.match { $0.minInputTokens = 1000 }, at: 10)
        let index = RouteIndex(self.rules(matches))
        #expect(index.first(taking: self.request { ($0.model, $0.inputTokens) = ("m3", 5000) }) == 3)
        #expect(index.first(taking: self.request { ($0.model, $0.inputTokens) = ("m15", 5000) }) == 10)
        #expect(index.first(taking: self.request { $0.model = "m15" }) == 16)
        #expect(index.first(taking: self.request()) == nil)
    }

    /// Each of a thousand wants the same model and another value of something else.
    @Test(arguments: ["tenant", "key", "model", "header", "metadata"])
    func aThousandRoutesCostHardlyMoreThanTen(_ field: String) {
        func cost(of count: Int) -> Duration {
            let rules = self.rules(
                (0..<count).map { number in
                    self.match {
                        if field != "model" { $0.models = [Glob("chat")] }
                        switch field {
                        case "tenant": $0.tenants = [Glob("n\(number)")]
                        case "key": $0.keys = [Glob("n\(number)")]
                        case "model": $0.models = [Glob("n\(number)")]
                        case "header": $0.headers = [RouteMatch.Field(name: "x-team", values: [Glob("n\(number)")])]
                        default: $0.metadata = [RouteMatch.Field(name: "n\(number % 20)", values: [Glob("n\(number)")])]
                        }
                    }
                } + [self.match()])
            let index = RouteIndex(rules)
            let request = self.request {
                $0.key = "k"
                $0.headers = ["x-team": "other"]
                $0.tags = ["n1": "other", "team": "other"]
            }
            let clock = ContinuousClock()
            return (0..<20).map { _ in clock.measure { for _ in 0..<50 where index.first(taking: request) != count { Issue.record("another route") } } }.min()
                ?? .zero
        }
        let (few, many) = (cost(of: 10), cost(of: 1000))
        #expect(many < few * 5, "\(few) for ten, \(many) for a thousand, 50 times")
    }
}

/// Matches and requests by chance, over few enough names that they often meet.
private struct RandomRoutes {
    private var chance: SeededGenerator

    init(seed: UInt64) {
        self.chance = SeededGenerator(seed: seed)
    }

    private mutating func isOne(in number: Int) -> Bool { Int.random(in: 0..<number, using: &self.chance) == 0 }
    private mutating func name() -> String {
        ["a", "b", "ab", "é", "e\u{301}", "", "n\(Int.random(in: 0..<40, using: &self.chance))"].randomElement(using: &self.chance) ?? ""
    }
    private mutating func globs() -> [Glob] {
        (0..<Int.random(in: 1...3, using: &self.chance)).map { _ in Glob(self.isOne(in: 6) ? "\(self.name())*" : self.name()) }
    }
    private mutating func field() -> String { ["x", "y", "é", "e\u{301}", "team"].randomElement(using: &self.chance) ?? "x" }

    mutating func match() -> RouteMatch {
        var match = RouteMatch()
        if self.isOne(in: 3) { match.tenants = self.globs() }
        if self.isOne(in: 4) { match.keys = self.globs() }
        if self.isOne(in: 3) { match.models = self.globs() }
        if self.isOne(in: 8) { match.endpoints = [.chat] }
        if self.isOne(in: 4) { match.headers = [RouteMatch.Field(name: self.field(), values: self.globs())] }
        if self.isOne(in: 2) { match.metadata = (0..<2).map { _ in RouteMatch.Field(name: self.field(), values: self.globs()) } }
        if self.isOne(in: 8) { match.minInputTokens = Int.random(in: 0..<100, using: &self.chance) }
        if self.isOne(in: 8) { match.stream = self.isOne(in: 2) }
        if self.isOne(in: 8) { match.not = [self.match()] }
        return match
    }

    mutating func request() -> InferenceRequest {
        var request = InferenceRequest(endpoint: self.isOne(in: 2) ? .chat : .messages, tenant: self.name(), model: self.name())
        if !self.isOne(in: 4) { request.key = self.name() }
        for _ in 0..<2 { request.headers[self.field()] = self.name() }
        for _ in 0..<3 { request.tags[self.field()] = self.name() }
        request.inputTokens = Int.random(in: 0..<100, using: &self.chance)
        request.isStream = self.isOne(in: 2)
        return request
    }
}
