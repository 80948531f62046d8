/// Finds the first route that takes a request without looking at each of them.
///
/// A rule that wants one of some plain names (of a tenant, key or model, or the value of a header or of metadata) is filed under these names, and a request
/// is shown only what is filed under its own. Where a rule has several such conditions, the one whose names the fewest other rules want parts it best.
/// Rules of which none is plain (patterns, sizes, endpoints) are shown to every request, as are all rules while there are few.
package struct RouteIndex: Sendable {
    /// Up to so many rules are looked through faster than a name is looked up.
    private static let few = 2

    /// What a rule wants, where it is looked at in place: a copy costs more than the look.
    private final class Wanted: Sendable {
        private let match: RouteMatch

        init(_ match: RouteMatch) {
            self.match = match
        }

        func takes(_ request: InferenceRequest) -> Bool { self.match.mismatch(request) == nil }
    }

    /// Of each rule, in file order.
    private let wanted: [Wanted]
    /// By name, the places of the rules in file order.
    private var tenants: [String: [Int]] = [:]
    private var keys: [String: [Int]] = [:]
    private var models: [String: [Int]] = [:]
    /// By the field's name, then by its value.
    private var headers: [String: [String: [Int]]] = [:]
    private var metadata: [String: [String: [Int]]] = [:]
    private var unfiled: [Int] = []

    package init(_ rules: [RouteRule]) {
        self.wanted = rules.map { Wanted($0.match) }
        let counts = rules.count > RouteIndex.few ? RouteIndex.count(rules) : [:]
        for (place, rule) in rules.enumerated() {
            let best = rule.match.plainConditions.min { RouteIndex.most($0, in: counts) < RouteIndex.most($1, in: counts) }
            if let best, !counts.isEmpty { self.file(place, under: best) } else { self.unfiled.append(place) }
        }
    }

    /// The place of the first rule in file order that takes the request; nil where none does.
    package func first(taking request: InferenceRequest) -> Int? {
        // Each list is in order and is left at the best place so far, so that nothing needs to be merged.
        var best = self.wanted.count
        if !self.tenants.isEmpty { self.lower(&best, to: self.tenants[request.tenant], request) }
        if !self.keys.isEmpty, let key = request.key { self.lower(&best, to: self.keys[key], request) }
        if !self.models.isEmpty { self.lower(&best, to: self.models[request.model], request) }
        if !self.headers.isEmpty {
            for (name, value) in request.headers { self.lower(&best, to: self.headers[name]?[value], request) }
        }
        if !self.metadata.isEmpty {
            for (name, value) in request.tags { self.lower(&best, to: self.metadata[name]?[value], request) }
        }
        self.lower(&best, to: self.unfiled, request)
        return best < self.wanted.count ? best : nil
    }

    // Not in place: what it looks through is long, and asked for six times.
    @inline(never)
    private func lower(_ best: inout Int, to places: [Int]?, _ request: InferenceRequest) {
        guard let places else { return }
        for place in places {
            guard place < best else { return }
            guard self.wanted[place].takes(request) else { continue }
            best = place
            return
        }
    }

    private mutating func file(_ place: Int, under condition: RouteMatch.PlainCondition) {
        // A rule may want the same name twice.
        for value in Set(condition.values) {
            switch condition.of {
            case .tenant: self.tenants[value, default: []].append(place)
            case .key: self.keys[value, default: []].append(place)
            case .model: self.models[value, default: []].append(place)
            case .header(let name): self.headers[name, default: [:]][value, default: []].append(place)
            case .metadata(let name): self.metadata[name, default: [:]][value, default: []].append(place)
            }
        }
    }

    /// How many rules want each name.
    private static func count(_ rules: [RouteRule]) -> [RouteMatch.PlainCondition.Of: [String: Int]] {
        var result: [RouteMatch.PlainCondition.Of: [String: Int]] = [:]
        for condition in rules.flatMap(\.match.plainConditions) {
            for value in condition.values { result[condition.of, default: [:]][value, default: 0] += 1 }
        }
        return result
    }

    private static func most(_ condition: RouteMatch.PlainCondition, in wanted: [RouteMatch.PlainCondition.Of: [String: Int]]) -> Int {
        condition.values.lazy.map { wanted[condition.of]?[$0] ?? 0 }.max() ?? 0
    }
}

extension RouteMatch {
    /// A condition that holds for some plain names and nothing else.
    fileprivate struct PlainCondition {
        enum Of: Hashable {
            case tenant, key, model
            case header(String)
            case metadata(String)
        }

        let of: Of
        let values: [String]

        init?(_ of: Of, _ globs: [Glob]) {
            guard !globs.isEmpty, globs.allSatisfy(\.isLiteral) else { return nil }
            self.of = of
            self.values = globs.map(\.pattern)
        }
    }

    fileprivate var plainConditions: [PlainCondition] {
        ([PlainCondition(.tenant, self.tenants), PlainCondition(.key, self.keys), PlainCondition(.model, self.models)]
            + self.headers.map { PlainCondition(.header($0.name), $0.values) } + self.metadata.map { PlainCondition(.metadata($0.name), $0.values) })
            .compactMap { $0 }
    }
}
