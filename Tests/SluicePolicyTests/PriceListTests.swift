import SluiceCore
import Testing

@testable import SluicePolicy

@Suite struct PriceListTests {
    private static let map = #"""
        {
          "sample_spec": {"input_cost_per_token": 0.0, "litellm_provider": "one of the providers"},
          "gpt-large": {
            "litellm_provider": "openai", "mode": "chat", "source": "https://example.com/prices",
            "input_cost_per_token": 2.5e-06, "output_cost_per_token": 1.5e-05, "cache_read_input_token_cost": 2.5e-07,
            "input_cost_per_token_above_272k_tokens": 5e-06, "input_cost_per_token_flex": 1.25e-06, "input_cost_per_token_batches": 1.25e-06,
            "input_cost_per_token_above_272k_tokens_batches": 2.5e-06, "cache_creation_input_token_cost": 3.125e-06,
            "cache_creation_input_token_cost_above_1hr": 5e-06, "search_context_cost_per_query": {"search_context_size_low": 0.01}
          },
          "openai/gpt-large": {"litellm_provider": "openai", "input_cost_per_token": 9e-06},
          "gemini/flash": {"litellm_provider": "gemini", "input_cost_per_token": 3e-07, "output_cost_per_reasoning_token": 3.5e-06, "output_cost_per_token": 2.5e-06},
          "tts": {"litellm_provider": "openai", "input_cost_per_character": 1.5e-05},
          "nobody-knows": {"litellm_provider": "openai", "input_cost_per_token": 0.0, "output_cost_per_token": 0.0}
        }
        """#

    private func map() throws -> LiteLLMPriceMap { try LiteLLMPriceMap(Array(Self.map.utf8), asOf: "2026-11-12") }

    private func card(_ model: String, in list: PriceList) throws -> RateCard { try #require(list.models[model]?.first) }

    @Test func readsClassesContextTiersAndServiceTiersOutOfTheKeys() throws {
        let list = try #require(try self.map().lists.first { $0.provider == "openai" })
        let card = try self.card("gpt-large", in: list)
        #expect(card.prices.input?.perMillion == "2.5" && card.prices.cacheWrite5m?.perMillion == "3.125" && card.prices.cacheWrite1h?.perMillion == "5")
        #expect(card.above.map(\.threshold) == [272_000] && card.above[0].prices.input?.perMillion == "5")
        #expect(card.tiers["flex"]?.prices.input?.perMillion == "1.25")
        #expect(card.tiers["batch"]?.above.first?.prices.input?.perMillion == "2.5")
    }

    @Test func leavesOutWhatHasNoPricePerTokenOrOnlyZeros() throws {
        let map = try self.map()
        #expect(map.unpriced == 1 && map.free == 1)
        #expect(map.lists.map(\.provider) == ["google", "openai"])
    }

    @Test func writesWhatTheBookReads() throws {
        for list in try self.map().lists {
            var loader = PriceBookLoader()
            let book = loader.load([PolicyFile(path: "l.yaml", text: list.yaml(comment: ["made by a test"]))])
            #expect(loader.diagnostics.isEmpty)
            for row in book.rows { #expect(row.cards == list.models[row.model]) }
            #expect(Set(book.hosts.keys) == Set(list.hosts))
        }
    }

    @Test func continuesAListWithoutEditingWhatWasInForce() throws {
        let old = try #require(try self.map().lists.first { $0.provider == "openai" })
        var new = old
        new.models["gpt-large"]?[0].prices.input = TokenPrice(perMillion: "2")
        let day = try #require(Timestamp(rfc3339: "2026-12-01"))
        let cards = try #require(new.dated(after: old, on: day).models["gpt-large"])
        #expect(cards.map { $0.prices.input?.perMillion } == ["2.5", "2"])
        #expect(cards[0].validUntil == day && cards[1].validFrom == day)
        #expect(old.dated(after: old, on: day).models == old.models)
    }

    @Test func aMapOfAnEarlierDayLeavesWhatIsKnownSince() throws {
        let old = try #require(try self.map().lists.first { $0.provider == "openai" })
        var new = old
        new.models["gpt-large"]?[0].prices.input = TokenPrice(perMillion: "2")
        let (early, late) = (try #require(Timestamp(rfc3339: "2026-11-01")), try #require(Timestamp(rfc3339: "2026-12-01")))
        #expect(new.dated(after: old, on: early).models == old.models)
        let dated = new.dated(after: old, on: late)
        #expect(old.dated(after: dated, on: early).models == dated.models)
        #expect(old.newer(than: "2026-11-01") == 1 && old.newer(than: "2026-11-12") == 0 && dated.newer(than: "2026-11-20") == 1)
    }

    @Test func aPriceThatStayedHasBeenReadAgain() throws {
        let old = try #require(try self.map().lists.first { $0.provider == "openai" })
        var new = old
        new.models["gpt-large"]?[0].asOf = "2026-12-01"
        let day = try #require(Timestamp(rfc3339: "2026-12-01"))
        let card = try #require(new.dated(after: old, on: day).models["gpt-large"]?.first)
        #expect(card.asOf == "2026-12-01" && card.validFrom == nil && card.saysTheSame(as: old.models["gpt-large"]?.first ?? card))
    }

    @Test func whatIsNoMapIsRefusedInPlainWords() {
        for text in ["[]", "nonsense", #"{"a": 1}"#] {
            let error = #expect(throws: PriceFileError.self) { try LiteLLMPriceMap(Array(text.utf8), asOf: "2026-11-12") }
            #expect(error?.message.contains("no price map") == true)
        }
    }

    /// What began today is held against last month's tokens all the same.
    @Test func aPriceThatBeginsTodayChangesWhatLastMonthCost() throws {
        func policy(_ prices: String) throws -> PolicySet {
            try #require(Sample.load(Sample.whole.replacing("price: { input: 1, cached: 0.1, output: 2 }", with: prices)).policy)
        }
        let now = try #require(Timestamp(rfc3339: "2026-12-01"))
        let (old, new) = (
            try policy("price: { input: 1, cached: 0.1, output: 2 }"),
            try policy("price: [ { input: 1, cached: 0.1, output: 2, valid_until: 2026-12-01 }, { input: 2, cached: 0.1, output: 2, valid_from: 2026-12-01 } ]")
        )
        var comparison = PriceComparison(from: old, to: new, at: now)
        var entry = LedgerEntry(kind: .settled, at: now - .seconds(86_400), subject: nil, attempt: 1, target: nil, estimate: nil)
        entry.target = .init(pool: "first", backend: "first", backendModel: "m", rateCard: nil)
        entry.settlement = .init(outcome: .ok, status: 200, evidence: .computed)
        entry.settlement?.usage = TokenUsage(input: 1_000_000)
        comparison.add(entry)
        #expect(comparison.rows.map(\.difference) == [MoneySum("1")])
    }

    @Test func aPercentageIsNoChangeFromThePricesItAmountsTo() throws {
        var card = RateCard(revision: "", prices: RateCard.Prices(repeating: nil))
        card.prices.input = TokenPrice(perMillion: "2.5")
        var other = card
        card.tiers["batch"] = RateCard.Tier(factor: PriceFactor(millionths: 500_000))
        other.tiers["batch"] = RateCard.Tier()
        other.tiers["batch"]?.prices.input = TokenPrice(perMillion: "1.25")
        func book(_ card: RateCard) -> PriceBook { PriceBook(rows: [.init(provider: "p", model: "m", cards: [card])]) }
        #expect(PriceChange.all(from: book(card), to: book(other), at: .distantPast).isEmpty)
        other.tiers["batch"]?.prices.input = TokenPrice(perMillion: "1.3")
        #expect(PriceChange.all(from: book(card), to: book(other), at: .distantPast).map { [$0.what, $0.old, $0.new] } == [["batch input", "1.25", "1.3"]])
    }

    @Test func warnsOnceOfABackendWhoseBookIsOld() throws {
        var card = RateCard(revision: "", prices: RateCard.Prices(repeating: nil))
        card.prices.input = TokenPrice(perMillion: "1")
        card.prices.output = TokenPrice(perMillion: "1")
        card.asOf = "2026-06-01"
        let book = PriceBook(
            rows: ["m", "n"].map { .init(provider: "p", model: $0, cards: [card]) }, hosts: ["api.example.com": "p", "other.example.com": "p"])
        let text = Sample.whole.replacing(", price: { input: 1, cached: 0.1, output: 2 }", with: "").replacing(
            "chat: { first: m", with: "more: { first: n }\n  chat: { first: m")
        let stale = Sample.load(text, book: book).diagnostics.filter { $0.code == .stalePrice }
        #expect(stale.map(\.message).sorted() == ["first", "other"].map { "the price book's prices for `\($0)` were read 175 days ago" })
    }
}
