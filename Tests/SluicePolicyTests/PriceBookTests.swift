import FoundationEssentials
import SluiceCore
import Testing

@testable import SluicePolicy

@Suite struct PriceBookTests {
    private static let files = (try? PolicyFolder(["\(Sample.root)/prices"]).read().files) ?? []

    private static let book: PriceBook = {
        var loader = PriceBookLoader()
        return loader.load(files)
    }()

    private func price(_ card: RateCard?, _ tokenClass: TokenClass) -> String? { card?.prices[tokenClass]?.perMillion }

    @Test func everyListIsRead() {
        var loader = PriceBookLoader()
        _ = loader.load(Self.files)
        #expect(loader.diagnostics.isEmpty, "\(loader.diagnostics)")
        #expect(Self.files.count == 12)
    }

    @Test func aModelIsFoundByTheHostOfItsProvider() {
        let card = Self.book.cards(for: "claude-sonnet-4-5", host: "api.anthropic.com").first
        #expect(self.price(card, .input) == "3")
        #expect(self.price(card, .cachedInput) == "0.3")
        #expect(self.price(card, .cacheWrite5m) == "3.75")
        #expect(self.price(card, .cacheWrite1h) == "6")
        #expect(self.price(card, .output) == "15")
        #expect(card?.tiers["batch"] != nil)
        #expect(card?.asOf == "2026-11-12")
        #expect(Self.book.cards(for: "claude-sonnet-4-5", host: "api.openai.com").isEmpty)
    }

    @Test func anotherNameCostsTheSame() {
        #expect(
            Self.book.cards(for: "claude-sonnet-4-5-20250929", host: "api.anthropic.com")
                == Self.book.cards(for: "claude-sonnet-4-5", host: "api.anthropic.com"))
    }

    @Test func longPromptsAndTiersHaveTheirPrices() throws {
        let card = try #require(Self.book.cards(for: "gpt-5.5", host: "api.openai.com").first)
        #expect(card.price(of: .input, prompt: 272_000)?.perMillion == "5")
        #expect(card.price(of: .input, prompt: 272_001)?.perMillion == "10")
        #expect(card.price(TokenUsage(input: 1_000_000), tier: "batch")?.cost.description == "5")
        #expect(card.price(TokenUsage(input: 1_000_000), tier: "unheard-of") == nil)
    }

    @Test func theOffPeakHoursOfDeepSeekComeWithTheirWindow() throws {
        let card = try #require(Self.book.cards(for: "deepseek-v4-pro", host: "api.deepseek.com").first)
        let window = try #require(card.windows.first)
        #expect(window.factor == PriceFactor(millionths: 500_000))
        let calendar = WindowCalendar(named: Self.book.windows)
        let peak = try #require(Timestamp(rfc3339: "2026-11-23T02:00:00Z"))
        #expect(!calendar.isOpen(.named(window.name), at: peak))
        #expect(calendar.isOpen(.named(window.name), at: peak + .seconds(3 * 3600)))
        #expect(calendar.ownNames.isEmpty)
    }

    @Test func aPriceThatChangedHasItsDates() throws {
        let cards = Self.book.cards(for: "o3", host: "api.openai.com")
        let before = try #require(Timestamp(rfc3339: "2025-06-09T00:00:00Z"))
        #expect(cards.filter { $0.isValid(at: before) }.compactMap { self.price($0, .input) } == ["10"])
        #expect(cards.filter { $0.isValid(at: Sample.now) }.compactMap { self.price($0, .input) } == ["2"])
    }

    @Test func onlyTheListsOfTheHostsAreRead() {
        var loader = PriceBookLoader()
        let book = loader.load(Self.files, hosts: ["api.openai.com"])
        #expect(!book.cards(for: "gpt-5.5", host: "api.openai.com").isEmpty)
        #expect(Set(book.hosts.values) == ["openai"])
        #expect(Set(loader.load(Self.files, hosts: ["api.openai.com", "10.0.0.1"]).hosts.values).count == 12)
    }

    @Test func aPolicyIsPricedByTheBookAndItsDiscount() throws {
        let text = """
            version: 1
            backends:
              openai: { url: https://api.openai.com/v1, discount: 10% }
            models: { chat: { openai: gpt-5.5 } }
            classes: { now: { use: openai } }
            routes: [{ class: now }]
            baseline: { backend: openai }
            """
        let loaded = Sample.load(text, book: Self.book)
        let policy = try #require(loaded.policy)
        #expect(loaded.findings.isEmpty)
        let card = try #require(policy.card(for: "gpt-5.5-2026-04-23", at: policy.backends[0], on: Sample.now))
        #expect(card.price(TokenUsage(input: 100_000), tier: nil)?.cost.description == "0.45")
        #expect(card.revision.hasSuffix("-10%"))
    }

    @Test func aBookInAnotherCurrencyIsNoBook() {
        let text = """
            version: 1
            currency: EUR
            backends:
              openai: { url: https://api.openai.com/v1 }
            models: { chat: { openai: gpt-5.5 } }
            classes: { now: { use: openai } }
            routes: [{ class: now }]
            baseline: { backend: openai }
            """
        #expect(
            Sample.load(text, book: Self.book).first(.unpriced)?.message
                == "`gpt-5.5` at `openai` has no price in EUR: the price book is in USD: what it does is unpriced")
    }

    @Test func everyRowSaysWhenItWasRead() {
        for file in Self.files {
            for line in String(decoding: file.bytes, as: UTF8.self).split(separator: "\n") where line.contains("input:") {
                #expect(line.contains("as_of: 2026-11-1"), "\(file.path): \(line)")
            }
        }
    }

    @Test func theFolderIsFoundFromTheEnvironmentFirst() {
        #expect(PriceBookFolder.find(environment: ["SLUICE_PRICES": "/somewhere"], executable: nil) == "/somewhere")
    }

    @Test func aSlipInOneListLeavesTheOthers() {
        var loader = PriceBookLoader()
        let book = loader.load(
            Self.files + [
                PolicyFile(
                    path: "x.yaml",
                    text: "version: 1\nprovider: x\ncurrency: USD\nmodels: { a: { input: -1 }, b: { input: 1 }, c: nobody }\n")
            ])
        #expect(loader.diagnostics.map(\.code) == [.badValue, .unknownName])
        #expect(!book.cards(for: "gpt-5.5", host: "api.openai.com").isEmpty)
    }
}
