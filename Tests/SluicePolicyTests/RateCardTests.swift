import SluiceCore
import Testing

@testable import SluicePolicy

/// What a written price amounts to.
@Suite struct RateCardTests {
    private func cards(_ price: String, more: String = "") throws -> [RateCard] {
        let policy = try #require(
            Sample.load(Sample.replace("price: { input: 1, cached: 0.1, output: 2 }", with: "price: \(price)\(more)")).policy)
        guard case .every(let cards) = policy.backends[0].prices else { return [] }
        return cards
    }

    @Test func pricesAreExact() throws {
        let card = try #require(try self.cards("{ input: 0.000001, cached: 2.50, output: \"10\" }").first)
        #expect(card.prices.input?.pico == 1)
        #expect(card.prices.cachedInput?.pico == 2_500_000)
        #expect(card.prices.output?.pico == 10_000_000)
    }

    @Test func allPartsOfAPriceAreRead() throws {
        let text = """
            { input: 3, cached: 0.3, cache_write: 3.75, cache_write_1h: 6, output: 15, reasoning: 16, audio_input: 17, audio_output: 18, image_input: 19, per_request: 0.005, \
            above: { 272k: { input: 6 }, 100k: { input: 4 } }, tier: { flex: 50%, priority: { input: 9, above: { 272k: { input: 12 } } } }, during: { night: 50% }, \
            priced_at: start, valid_from: 2026-01-01, valid_until: 2027-01-01T00:00:00Z, as_of: 2026-11-01, source: "https://example.com/prices" }
            """
        let card = try #require(try self.cards(text, more: ", discount: 12.5%").first)
        #expect(TokenClass.allCases.map { card.prices[$0]?.perMillion } == ["3", "0.3", "3.75", "6", "15", "16", "17", "18", "19"])
        #expect(card.above.map(\.threshold) == [100_000, 272_000])
        #expect(card.tiers["flex"]?.factor == PriceFactor(millionths: 500_000))
        #expect(card.tiers["priority"]?.prices.input?.perMillion == "9")
        #expect(card.tiers["priority"]?.above.first?.prices.input?.perMillion == "12")
        #expect(card.windows == [RateCard.Window(name: "night", factor: PriceFactor(millionths: 500_000))])
        #expect(card.discount == PriceFactor(millionths: 125_000))
        #expect(card.perRequest.description == "0.005")
        #expect(card.pricedAt == .start)
        #expect(card.validFrom == Timestamp(rfc3339: "2026-01-01"))
        #expect(card.validUntil == Timestamp(rfc3339: "2027-01-01"))
        #expect(card.source == "https://example.com/prices")
        #expect(card.asOf == "2026-11-01")
    }

    @Test func theRevisionTellsOneCardFromAnother() throws {
        let one = try #require(try self.cards("{ input: 1, cached: 0.1, output: 2 }").first)
        #expect(one.revision.count == 12)
        #expect(try self.cards("{ output: 2.0, cached: 0.10, input: 1.00 }").first?.revision == one.revision)
        for other in [
            "{ input: 1, cached: 0.1, output: 3 }", "{ input: 1, cached: 0.1, output: 2, as_of: 2026-11-01 }",
            "{ input: 1, cached: 0.1, output: 2, tier: { flex: 50% } }",
        ] {
            #expect(try self.cards(other).first?.revision != one.revision)
        }
        #expect(try self.cards("{ input: 1, cached: 0.1, output: 2 }", more: ", discount: 1%").first?.revision != one.revision)
    }

    @Test func aListHasOneCardForEachTime() throws {
        let cards = try self.cards(
            "[{ input: 1, cached: 1, output: 2, valid_until: 2026-12-01 }, { input: 3, cached: 1, output: 4, valid_from: 2026-12-01 }]")
        let edge = try #require(Timestamp(rfc3339: "2026-12-01"))
        #expect(cards.map { $0.isValid(at: edge) } == [false, true])
        #expect(cards.map { $0.isValid(at: edge - .milliseconds(1)) } == [true, false])
    }

    @Test func extendingABackendTakesItsPriceAndAppliesTheOwnDiscount() throws {
        let text = Sample.replace(
            "other: { url: https://other.example.com/v1, price: { input: 1, cached: 0.1, output: 2 } }",
            with: "other: { extends: first, discount: 50% }")
        let policy = try #require(Sample.load(text).policy)
        #expect(policy.backends[1].url?.host == "api.example.com")
        let cost = policy.card(for: "n", at: policy.backends[1], on: Sample.now)?.price(TokenUsage(input: 1_000_000), tier: nil)?.cost
        #expect(cost?.description == "0.5")
    }

    @Test func ownPricesReplaceBothWaysOfTheParent() throws {
        let text = Sample.replace(
            "other: { url: https://other.example.com/v1, price: { input: 1, cached: 0.1, output: 2 } }",
            with: "other: { extends: first, prices: { n: { input: 7, cached: 7, output: 7 } } }")
        let policy = try #require(Sample.load(text).policy)
        #expect(policy.card(for: "n", at: policy.backends[1], on: Sample.now)?.prices.input?.perMillion == "7")
        #expect(policy.card(for: "m", at: policy.backends[1], on: Sample.now) == nil)
    }
}
