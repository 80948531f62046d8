/// The disjoint kinds of tokens that a provider meters; each token belongs to exactly one.
///
/// The order is that of the ledger's export (`usage`, `unit_prices`).
package enum TokenClass: Int, CaseIterable, Sendable {
    case input, cachedInput, cacheWrite5m, cacheWrite1h, output, reasoning, audioInput, audioOutput, imageInput

    /// The name in every output.
    package var name: String {
        switch self {
        case .input: "input"
        case .cachedInput: "cached_input"
        case .cacheWrite5m: "cache_write_5m"
        case .cacheWrite1h: "cache_write_1h"
        case .output: "output"
        case .reasoning: "reasoning"
        case .audioInput: "audio_input"
        case .audioOutput: "audio_output"
        case .imageInput: "image_input"
        }
    }

    package init?(name: some StringProtocol) {
        guard let match = TokenClass.allCases.first(where: { $0.name == name }) else { return nil }
        self = match
    }

    /// Whether the class is part of the prompt (what context tiers count).
    package var isPrompt: Bool {
        switch self {
        case .input, .cachedInput, .cacheWrite5m, .cacheWrite1h, .audioInput, .imageInput: true
        case .output, .reasoning, .audioOutput: false
        }
    }
}

/// Some of the token classes, in their order.
struct TokenClasses: Sequence, IteratorProtocol, Sendable {
    static let all = TokenClasses(bits: (1 << UInt16(TokenClass.allCases.count)) - 1)

    private var bits: UInt16

    fileprivate init(bits: UInt16) {
        self.bits = bits
    }

    mutating func next() -> TokenClass? {
        guard self.bits != 0 else { return nil }
        defer { self.bits &= self.bits - 1 }
        return TokenClass(rawValue: self.bits.trailingZeroBitCount)
    }

    func contains(_ tokenClass: TokenClass) -> Bool { self.bits & 1 << UInt16(tokenClass.rawValue) != 0 }
}

/// One value for each token class.
package struct PerTokenClass<Value> {
    package var input: Value
    package var cachedInput: Value
    package var cacheWrite5m: Value
    package var cacheWrite1h: Value
    package var output: Value
    package var reasoning: Value
    package var audioInput: Value
    package var audioOutput: Value
    package var imageInput: Value

    package init(repeating value: Value) {
        self.input = value
        self.cachedInput = value
        self.cacheWrite5m = value
        self.cacheWrite1h = value
        self.output = value
        self.reasoning = value
        self.audioInput = value
        self.audioOutput = value
        self.imageInput = value
    }

    package subscript(tokenClass: TokenClass) -> Value {
        get {
            switch tokenClass {
            case .input: self.input
            case .cachedInput: self.cachedInput
            case .cacheWrite5m: self.cacheWrite5m
            case .cacheWrite1h: self.cacheWrite1h
            case .output: self.output
            case .reasoning: self.reasoning
            case .audioInput: self.audioInput
            case .audioOutput: self.audioOutput
            case .imageInput: self.imageInput
            }
        }
        set {
            switch tokenClass {
            case .input: self.input = newValue
            case .cachedInput: self.cachedInput = newValue
            case .cacheWrite5m: self.cacheWrite5m = newValue
            case .cacheWrite1h: self.cacheWrite1h = newValue
            case .output: self.output = newValue
            case .reasoning: self.reasoning = newValue
            case .audioInput: self.audioInput = newValue
            case .audioOutput: self.audioOutput = newValue
            case .imageInput: self.imageInput = newValue
            }
        }
    }
}

extension PerTokenClass: Sendable where Value: Sendable {}
extension PerTokenClass: Equatable where Value: Equatable {}
extension PerTokenClass: Hashable where Value: Hashable {}

/// What one answer used, as disjoint counts: no token stands in two classes.
package typealias TokenUsage = PerTokenClass<Int>

extension TokenUsage {
    package static let zero = TokenUsage(repeating: 0)
    /// No prompt and no answer has more.
    package static let mostTokens = 1_000_000_000

    /// What may be added up: a count that cannot be, which stands on its row as it was said, is none.
    package var believable: TokenUsage {
        var usage = self
        for tokenClass in TokenClass.allCases where !(0...TokenUsage.mostTokens).contains(self[tokenClass]) { usage[tokenClass] = 0 }
        return usage
    }

    package init(input: Int = 0, cachedInput: Int = 0, output: Int = 0, reasoning: Int = 0) {
        self.init(repeating: 0)
        self.input = input
        self.cachedInput = cachedInput
        self.output = output
        self.reasoning = reasoning
    }

    /// Those of which there are tokens. Every request asks several times, so it is no loop.
    var classes: TokenClasses {
        func bit(_ tokenClass: TokenClass, _ count: Int) -> UInt16 { count == 0 ? 0 : 1 << UInt16(tokenClass.rawValue) }
        let written = bit(.cacheWrite5m, self.cacheWrite5m) | bit(.cacheWrite1h, self.cacheWrite1h)
        let prompt = bit(.input, self.input) | bit(.cachedInput, self.cachedInput) | written
        let answer = bit(.output, self.output) | bit(.reasoning, self.reasoning)
        let media = bit(.audioInput, self.audioInput) | bit(.audioOutput, self.audioOutput) | bit(.imageInput, self.imageInput)
        return TokenClasses(bits: prompt | answer | media)
    }

    /// All tokens of the prompt, cached and written ones included.
    package var prompt: Int {
        self.input + self.cachedInput + self.cacheWrite5m + self.cacheWrite1h + self.audioInput + self.imageInput
    }

    /// All tokens that were generated.
    package var generated: Int { self.output + self.reasoning + self.audioOutput }

    package static func += (a: inout TokenUsage, b: TokenUsage) {
        for tokenClass in TokenClass.allCases { a[tokenClass] += b[tokenClass] }
    }
}
