import SluiceCore
import SluiceTesting
import Testing

@Suite struct LedgerLineTests {
    private static let entries: [LedgerEntry] = {
        let subject = Sample.subject("req_1", tags: ["a": "\u{1F600} \"quoted\" \\ \n\r\t\u{1} ä", "": ""], jobID: "job_1", serve: .later)
        var odd = Sample.settled(subject, cost: Money(pico: -1), baseline: nil)
        odd.settlement?.flags = [.unreconciled, .noDone]
        odd.settlement?.perRequest = Money("0.01") ?? .zero
        odd.settlement?.levers = LedgerEntry.Levers(
            model: Money(pico: 1), backend: Money(pico: -2), lane: Money(pico: 3), window: Money(pico: -4), cache: Money(pico: 5))
        odd.settlement?.queued = .milliseconds(9)
        odd.corrects = 7
        var capacity = LedgerEntry(kind: .capacity, at: Sample.now, subject: nil, attempt: nil, target: Sample.target, estimate: nil)
        capacity.settlement = LedgerEntry.Settlement(outcome: .ok, status: nil, evidence: .computed)
        capacity.settlement?.cost = Money(pico: .min + 1)
        return [
            Sample.settled(Sample.subject("req_1")), Sample.intent(subject).entry, Sample.intent(subject, bound: nil).inDoubt(at: Sample.now),
            Sample.settled(subject, cost: nil), Sample.settled(subject).superseded(), odd, capacity,
        ]
    }()

    @Test(arguments: Self.entries.indices)
    func aBodyReadBackIsTheSameBody(_ index: Int) throws {
        let body = LedgerLine.body(of: Self.entries[index])
        #expect(LedgerLine.body(of: try LedgerLine.read(body: body)) == body)
    }

    @Test(arguments: Self.entries.indices)
    func aLineReadBackIsTheSameEntryInItsPlace(_ index: Int) throws {
        let body = LedgerLine.body(of: Self.entries[index])
        var line: [UInt8] = []
        var hashed: [UInt8] = []
        let hash = LedgerLine.append(seq: 42, body: body, previous: .genesis, to: &line) { bytes in
            hashed = Array(bytes)
            return ChainHash(bytes: (0..<32).map { $0 })
        }
        let parts = try LedgerLine.read(line)
        #expect(parts.seq == 42 && parts.previous == .genesis && parts.hash == hash && parts.hashed == hashed)
        #expect(LedgerLine.body(of: parts.entry) == body)
        #expect(String(decoding: hashed, as: UTF8.self).hasSuffix("\"prev_hash\":\"\(ChainHash.genesis.hex)\"}"))
        #expect(String(decoding: line, as: UTF8.self).hasSuffix("\",\"hash\":\"\(hash.hex)\"}"))
    }

    @Test(arguments: Self.entries.indices)
    func aShortLineStandsForTheWhole(_ index: Int) throws {
        let body = LedgerLine.body(of: Self.entries[index])
        var line: [UInt8] = []
        let hash = LedgerLine.append(seq: 42, body: body, previous: .genesis, to: &line) { _ in ChainHash(bytes: (0..<32).map { $0 }) }
        let short = ShortLine(Self.entries[index])
        #expect(short.bytes.count * 2 < line.count && short.body == body)
        #expect(try #require(short.line(seq: 42, previous: .genesis) { _ in hash }) == (line, hash))
        var values = ShortLine.Values()
        let hashed = short.bytes.withUnsafeBytes { values.find(in: $0) ? values.withHashed($0, seq: 42, previous: .genesis) { Array($0) } : [] }
        #expect(hashed == line.dropLast(75) + [UInt8(ascii: "}")])
        #expect(ShortLine(bytes: short.bytes.prefix { $0 != UInt8(ascii: "\n") }).body == nil && ShortLine(bytes: []).body == nil)
    }

    /// Whatever the end says that came later.
    @Test(arguments: Self.entries.filter(\.kind.isEnd))
    func aShortLineStandsForTheIntentThatItEnded(_ end: LedgerEntry) throws {
        let begun = end.at + .milliseconds(-1500)
        let body = LedgerLine.body(of: end.intent(at: begun))
        let short = ShortLine(end)
        var line: [UInt8] = []
        let hash = LedgerLine.append(seq: 41, body: body, previous: .genesis, to: &line) { _ in ChainHash(bytes: (0..<32).map { $0 }) }
        #expect(try #require(short.line(seq: 41, previous: .genesis, ofIntentAt: begun) { _ in hash }) == (line, hash))
        var values = ShortLine.Values()
        let hashed = short.bytes.withUnsafeBytes {
            values.find(in: $0) ? values.withHashed($0, ofIntentAt: begun, seq: 41, previous: .genesis) { Array($0) } : []
        }
        #expect(hashed == line.dropLast(75) + [UInt8(ascii: "}")])
        #expect(ShortLine(bytes: Array(short.bytes.prefix(20))).line(seq: 41, previous: .genesis, ofIntentAt: begun) { _ in hash } == nil)
    }

    @Test func aMemberOfALaterVersionIsPassedOverAndOneOfAnEarlierMayMiss() throws {
        let body = String(decoding: LedgerLine.body(of: Self.entries[0]), as: UTF8.self)
        let later = body.replacing(",\"attempt\":1", with: ",\"attempt\":1,\"shiny\":{\"new\":[1,\"x\"]}")
        let earlier = body.replacing(",\"upstream_id\":\"chatcmpl-req_1-1\"", with: "").replacing(",\"corrects\":null", with: "")
        #expect(later != body && earlier != body)
        #expect(try LedgerLine.read(body: Array(later.utf8)).attempt == 1)
        #expect(try LedgerLine.read(body: Array(earlier.utf8)).settlement?.upstreamID == nil)
    }

    @Test(arguments: [
        (",\"attempt\":1", ", \"attempt\":1"), (",\"attempt\":1", ",\"attempt\": 1"), ("\"attempt\":1,\"job_id\":null", "\"job_id\":null,\"attempt\":1"),
        ("\"attempt\":1", "\"attempt\":1.5"), ("\"attempt\":1", "\"attempt\":\"1\""), ("\"cost\":\"0.00276\"", "\"cost\":0.00276"),
        ("\"kind\":\"settled\"", "\"kind\":\"unsettled\""), ("\"kind\":\"settled\",", ""), ("\"at\":\"2026", "\"at\":\"x026"), ("}", "]"),
        ("\"tags\":{}", "\"tags\":{"),
    ])
    func anythingElseIsRefused(_ part: String, _ other: String) {
        let body = String(decoding: LedgerLine.body(of: Self.entries[0]), as: UTF8.self).replacing(part, with: other)
        #expect(throws: LedgerLineError.self) { try LedgerLine.read(body: Array(body.utf8)) }
    }

    /// Whatever bytes come: an error, never a crash.
    @Test func noDamageIsFatal() {
        let body = LedgerLine.body(of: Self.entries[1])
        for _ in 0..<20_000 {
            var damaged = body
            for _ in 0..<Int.random(in: 1...3) {
                let index = Int.random(in: 0..<damaged.count)
                switch Int.random(in: 0..<4) {
                case 0: damaged[index] = UInt8.random(in: 0...255)
                case 1: damaged.remove(at: index)
                case 2: damaged.insert(UInt8.random(in: 0...255), at: index)
                default: damaged.removeLast(damaged.count - index)
                }
                if damaged.isEmpty { break }
            }
            _ = try? LedgerLine.read(body: damaged)
        }
    }
}
