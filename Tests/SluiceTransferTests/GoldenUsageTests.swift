import FoundationEssentials
import SluiceCore
import SluiceDispatch
import SluiceTransfer
import Testing

/// Answers of providers as they print them, with what they must be booked as (`Tests/Corpus/usage/expect.tsv`).
@Suite struct GoldenUsageTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var file: String
        var api: Backend.API
        var endpoint: Endpoint
        var usage: String
        var tier: String?
        var state: String
        var providerCost: String?
        var card: String
        var cost: String?

        var testDescription: String { self.file }

        init?(_ line: Substring) {
            let cells = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            guard cells.count == 9, let api = Backend.API(rawValue: cells[1]), let endpoint = Endpoint.allCases.first(where: { "\($0)" == cells[2] }) else {
                return nil
            }
            (self.file, self.api, self.endpoint, self.usage, self.state, self.card) = (cells[0], api, endpoint, cells[3], cells[5], cells[7])
            self.tier = cells[4] == "-" ? nil : cells[4]
            self.providerCost = cells[6] == "-" ? nil : cells[6]
            self.cost = cells[8] == "-" ? nil : cells[8]
        }
    }

    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().path + "/Corpus/usage/"

    static let rows: [Row] = {
        let text = (try? String(contentsOfFile: folder + "expect.tsv", encoding: .utf8)) ?? ""
        return text.split(separator: "\n").filter { !$0.hasPrefix("#") }.compactMap { Row($0) }
    }()

    @Test func everyFileIsExpected() throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: Self.folder).filter { !$0.hasSuffix(".tsv") }
        #expect(Set(files) == Set(Self.rows.map(\.file)))
    }

    @Test(arguments: rows)
    func isBookedOnceAndAtItsPrice(_ row: Row) throws {
        let facts = try self.facts(of: row)
        let reported = try #require(facts.usage)
        let counts = TokenClass.allCases.filter { reported.usage[$0] != 0 }.map { "\($0.name)=\(reported.usage[$0])" }.joined(separator: " ")
        #expect((counts.isEmpty ? "none" : counts) == row.usage)
        #expect((reported.isAbsurd ? "absurd" : reported.addsUp ? "ok" : "unreconciled") == row.state)
        #expect(facts.tier == row.tier)
        #expect(facts.providerCost?.description == row.providerCost)
        guard let cost = row.cost else { return }
        #expect(try self.card(row.card).price(reported.usage, tier: nil)?.cost.description == cost)
    }

    private func facts(of row: Row) throws -> AnswerFacts {
        let dialect: any Dialect = row.api == .anthropic ? AnthropicDialect() : OpenAIDialect(api: row.api)
        let body = try Data(contentsOf: URL(filePath: Self.folder + row.file))
        guard row.file.hasSuffix(".sse") else { return body.withUnsafeBytes { dialect.readWhole($0, on: row.endpoint) }.facts }
        let reader = dialect.streamReader(for: row.endpoint)
        for event in String(decoding: body, as: UTF8.self).components(separatedBy: "\n\n") where !event.isEmpty {
            _ = Array((event + "\n\n").utf8).withUnsafeBytes { reader.read($0) }
        }
        return reader.facts
    }

    private func card(_ text: String) throws -> RateCard {
        var prices = RateCard.Prices(repeating: nil)
        let keys: [String: TokenClass] = ["cached": .cachedInput, "cache_write": .cacheWrite5m]
        for pair in text.split(separator: " ") {
            let parts = pair.split(separator: "=").map(String.init)
            let tokenClass = try #require(keys[parts[0]] ?? TokenClass(name: parts[0]) ?? (parts[0] == "cache_write_1h" ? .cacheWrite1h : nil))
            prices[tokenClass] = TokenPrice(perMillion: parts[1])
        }
        return RateCard(revision: "golden", prices: prices)
    }
}

extension String {
    fileprivate func components(separatedBy separator: String) -> [String] {
        self.split(separator: separator, omittingEmptySubsequences: true).map(String.init)
    }
}
