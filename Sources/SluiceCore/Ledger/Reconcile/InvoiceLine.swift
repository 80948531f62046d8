/// One line of a provider's bill, whatever format it came in.
package struct InvoiceLine: Sendable {
    /// `2026-11-25`, in UTC as providers count.
    package var day: String
    package var model: String
    /// What was metered; ``Meter/whole`` where the bill does not tell.
    package var meter: Meter
    /// In the provider's word; nil where the bill does not tell.
    package var tier: String?
    /// nil where the bill has none.
    package var quantity: Int128?
    package var amount: MoneySum?
    /// Per token, where the bill names it.
    package var unitPrice: UnitPrice?
    /// How many requests it stands for.
    package var requests: Int?

    package init(day: String, model: String, meter: Meter, tier: String? = nil) {
        self.day = day
        self.model = model
        self.meter = meter
        self.tier = tier
    }

    /// What a line of a bill counts: a kind of token as bills know them, or something else.
    package struct Meter: Hashable, Comparable, Sendable {
        /// Bills put reasoning inside output.
        package static let output = Meter(.output)
        /// All tokens of a request together.
        package static let whole = Meter(name: "all")
        /// Fees per request.
        package static let fee = Meter(name: "request")

        package let name: String

        package init(_ tokenClass: TokenClass) {
            self.name = tokenClass == .reasoning ? TokenClass.output.name : tokenClass.name
        }

        fileprivate init(name: String) {
            self.name = name
        }

        /// Reads the words that bills use; what is none of them is a meter of its own.
        package init(reading text: String) {
            let idle: Set<Substring> = ["tokens", "token", "usage"]
            let words: [Substring] = text.lowercased().split { !$0.isLetter && !$0.isNumber }.filter { !idle.contains($0) }
            let key = words.joined(separator: " ")
            if let known = Meter.known[key] {
                self.init(known)
            } else if ["all", "total", "whole", ""].contains(key) {
                self = .whole
            } else {
                self.init(name: words.joined(separator: "_"))
            }
        }

        package static func < (a: Meter, b: Meter) -> Bool { a.order == b.order ? a.name < b.name : a.order < b.order }

        private var order: Int { TokenClass(name: self.name)?.rawValue ?? 100 }

        private static let known: [String: TokenClass] = [
            "input": .input, "prompt": .input, "uncached input": .input, "text input": .input, "input text": .input, "uncached": .input,
            "cached input": .cachedInput, "cached": .cachedInput, "cache read": .cachedInput, "cache read input": .cachedInput, "input cached": .cachedInput,
            "cache hit": .cachedInput, "cached prompt": .cachedInput, "input cached text": .cachedInput,
            "cache write": .cacheWrite5m, "cache write 5m": .cacheWrite5m, "cache creation": .cacheWrite5m, "cache creation input": .cacheWrite5m,
            "cache creation ephemeral 5m input": .cacheWrite5m, "ephemeral 5m input": .cacheWrite5m, "input cache write": .cacheWrite5m,
            "cache write 1h": .cacheWrite1h, "cache creation ephemeral 1h input": .cacheWrite1h, "ephemeral 1h input": .cacheWrite1h,
            "output": .output, "completion": .output, "text output": .output, "output text": .output, "reasoning": .reasoning,
            "audio input": .audioInput, "input audio": .audioInput, "audio output": .audioOutput, "output audio": .audioOutput,
            "image input": .imageInput, "input image": .imageInput,
        ]
    }
}

/// A bill as it was read.
package struct Invoice: Sendable {
    package var lines: [InvoiceLine] = []
    /// The most decimals that an amount of it has: what it may be rounded to.
    package var decimals = 0
    /// Those that it names, in capital letters.
    package var currencies: Set<String> = []
    /// How many of its pages say that another one follows, and that none does.
    package var pages = (more: 0, last: 0)

    package init() {}

    /// Adds a line; its amount in the text that the bill has.
    package mutating func add(_ line: InvoiceLine, amount text: String?) {
        if let text { self.decimals = max(self.decimals, Invoice.decimals(of: text)) }
        self.lines.append(line)
    }

    private static func decimals(of text: String) -> Int {
        guard !text.contains(where: { $0 == "e" || $0 == "E" }), let point = text.firstIndex(of: ".") else { return text.contains("e") ? 12 : 0 }
        var digits = text[text.index(after: point)...]
        while digits.last == "0" { digits = digits.dropLast() }
        return min(12, digits.count)
    }
}

/// Why a bill and the ledger differ.
package enum VarianceCause: String, Sendable, CaseIterable {
    case trafficNotSeen = "traffic_not_seen"
    case notInvoiced = "not_invoiced"
    case countDrift = "count_drift"
    case priceDrift = "price_drift"
    case tierDrift = "tier_drift"
    case rounding
    case waste
    case unexplained

    /// Shown, and all right: pennies of the bill's own, and calls of ours that nobody saw.
    package var isHarmless: Bool { self == .rounding || self == .waste }
}
