import SluiceCore
import Testing

@testable import SluicePolicy

/// DeepSeek's hours are those of Beijing: the price of one answer on both sides of every edge, by the price book and by a policy's own windows.
@Suite struct DeepSeekPricesTests {
    private static let usage = TokenUsage(input: 232, cachedInput: 768, output: 30, reasoning: 20)
    private static let peak = "0.000538032"
    private static let offPeak = "0.000269016"

    private func policy(_ backend: String, windows: String = "") throws -> PolicySet {
        var loader = PriceBookLoader()
        let book = loader.load(try PolicyFolder(["\(Sample.root)/prices"]).read().files)
        let text = """
            version: 1
            \(windows)
            backends:
              deepseek: { url: https://api.deepseek.com/v1\(backend) }
            models: { reason: { deepseek: deepseek-v4-pro } }
            classes: { now: { use: deepseek } }
            routes: [{ class: now }]
            baseline: { backend: deepseek }
            """
        return try #require(Sample.load(text, book: book).policy)
    }

    private func cost(in policy: PolicySet, at instant: String) throws -> String? {
        let at = try #require(Timestamp(rfc3339: instant))
        let card = try #require(policy.card(for: "deepseek-v4-pro", at: policy.backends[0], on: at))
        return card.price(Self.usage, tier: nil, window: policy.windowFactor(of: card, at: at))?.cost.description
    }

    /// A Monday, a Friday and a weekend in Beijing; the peak is 9 to 12 and 14 to 18 o'clock of working days there.
    private static let edges: [(String, String)] = [
        ("2026-11-23T08:59:59.999+08:00", offPeak), ("2026-11-23T09:00:00+08:00", peak), ("2026-11-23T11:59:59.999+08:00", peak),
        ("2026-11-23T12:00:00+08:00", offPeak), ("2026-11-23T13:59:59.999+08:00", offPeak), ("2026-11-23T14:00:00+08:00", peak),
        ("2026-11-23T17:59:59.999+08:00", peak), ("2026-11-23T18:00:00+08:00", offPeak), ("2026-11-24T03:00:00+08:00", offPeak),
        ("2026-11-27T10:30:00+08:00", peak), ("2026-11-28T10:30:00+08:00", offPeak), ("2026-11-29T15:00:00+08:00", offPeak),
        ("2026-11-30T07:30:00+08:00", offPeak), ("2026-11-30T09:30:00+08:00", peak),
    ]

    @Test(arguments: edges)
    func thePriceBookKnowsTheHours(_ instant: String, _ cost: String) throws {
        #expect(try self.cost(in: self.policy(""), at: instant) == cost)
    }

    @Test(arguments: edges)
    func windowsOfAPolicySayTheSame(_ instant: String, _ cost: String) throws {
        let policy = try self.policy(
            ", price: { input: 1.32, cached: 0.044, output: 3.96, during: { ds-cheap: 50% } }",
            windows: """
                windows:
                  ds-peak: { days: [mon-fri], hours: [09:00-12:00, 14:00-18:00], timezone: Asia/Shanghai }
                  ds-cheap: { not: ds-peak }
                """)
        #expect(try self.cost(in: policy, at: instant) == cost)
    }

    /// From 16 to 20 o'clock in UTC it is the next day in Beijing: only there code that takes the day of UTC is wrong.
    @Test(arguments: [
        ("2026-11-22T15:30:00Z", peak), ("2026-11-22T16:30:00Z", offPeak), ("2026-11-23T19:59:59Z", offPeak), ("2026-11-23T20:00:00Z", peak),
        ("2026-11-26T16:30:00Z", offPeak), ("2026-11-27T16:30:00Z", peak), ("2026-11-29T15:59:59Z", peak), ("2026-11-29T16:00:00Z", offPeak),
    ])
    func aDayIsADayInBeijing(_ instant: String, _ cost: String) throws {
        let policy = try self.policy(
            ", price: { input: 1.32, cached: 0.044, output: 3.96, during: { night: 50% } }",
            windows: "windows: { night: { days: [mon-fri], hours: 00:00-04:00, timezone: Asia/Shanghai } }")
        #expect(try self.cost(in: policy, at: instant) == cost)
    }
}
