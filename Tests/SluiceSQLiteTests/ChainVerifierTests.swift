import Crypto
import SluiceCore
import SluiceTesting
import Testing

/// What the tests hash with: not the store's own code.
enum Hashing {
    static func sha256(_ bytes: [UInt8]) -> ChainHash { SHA256.hash(data: bytes).withUnsafeBytes { ChainHash(bytes: $0) } }
}

@Suite struct ChainVerifierTests {
    private let lines: [[UInt8]]

    init() {
        var previous = ChainHash.genesis
        var lines: [[UInt8]] = []
        for i in 1...12 {
            var line: [UInt8] = []
            let subject = Sample.subject("req_\((i + 1) / 2)", tenant: i % 6 > 4 || i % 6 == 0 ? "a" : "b")
            let entry = i % 2 == 1 ? Sample.intent(subject).entry : Sample.settled(subject)
            previous = LedgerLine.append(seq: Int64(i), body: LedgerLine.body(of: entry), previous: previous, to: &line) { Hashing.sha256(Array($0)) }
            lines.append(line)
        }
        self.lines = lines
    }

    private func verify(_ lines: [[UInt8]], wanted: ChainVerifier.Place? = nil, from beginning: ChainVerifier.Beginning = .export) -> ChainVerifier {
        var verifier = ChainVerifier(wanted: wanted, from: beginning, sha256: Hashing.sha256)
        for line in lines { verifier.check(line) }
        verifier.finish()
        return verifier
    }

    private func place(_ index: Int) throws -> ChainVerifier.Place {
        let parts = try LedgerLine.read(self.lines[index])
        return ChainVerifier.Place(seq: parts.seq, hash: parts.hash)
    }

    @Test func followsAWholeChain() throws {
        let found = self.verify(self.lines)
        #expect(try found.firstBad == nil && found.entries == 12 && found.head == self.place(11) && found.segment == nil)
    }

    @Test func anEmptyChainIsFine() {
        let found = self.verify([])
        #expect(found.firstBad == nil && found.head == nil)
    }

    @Test func namesWhereALineIsMissingMovedOrDoubled() {
        var lines = self.lines
        lines.remove(at: 5)
        #expect(self.verify(lines).firstBad?.seq == 7)
        lines = self.lines
        lines.swapAt(5, 6)
        #expect(self.verify(lines).firstBad?.seq == 7)
        lines = self.lines
        lines.insert(lines[5], at: 5)
        #expect(self.verify(lines).firstBad?.seq == 6)
        #expect(self.verify(Array(self.lines.dropFirst())).firstBad?.seq == 2)
    }

    @Test func refusesALineInAnotherForm() {
        for (what, other) in [(",\"kind\"", ", \"kind\""), ("{\"schema\"", " {\"schema\""), ("\"attempt\":1,\"job_id\":null", "\"job_id\":null,\"attempt\":1")]
        {
            let text = String(decoding: self.lines[4], as: UTF8.self).replacing(what, with: other)
            var lines = self.lines
            lines[4] = Array(text.utf8)
            #expect(self.verify(lines).firstBad?.seq == 5)
        }
    }

    @Test func aSegmentThatBeginsWithAWholeAttemptIsSaidToBeOne() throws {
        let tail = Array(self.lines.dropFirst(4))
        let found = self.verify(tail)
        #expect(found.firstBad == nil && found.segment?.seq == 5)
        #expect(self.verify(tail, from: .first).firstBad?.seq == 5, "a data folder has no reason to begin there")
    }

    @Test func aSegmentThatBeginsInTheMidstOfAnAttemptMustBeDeclared() throws {
        let tail = Array(self.lines.dropFirst(5))
        #expect(self.verify(tail).firstBad?.why.contains("--segment") == true)
        let found = self.verify(tail, from: .anywhere)
        #expect(found.firstBad == nil && found.segment?.seq == 6)
    }

    @Test func aSegmentIsTiedToTheHeadBeforeIt() throws {
        let tail = Array(self.lines.dropFirst(4))
        #expect(try self.verify(tail, wanted: self.place(3)).firstBad == nil)
        #expect(self.verify(tail, wanted: ChainVerifier.Place(seq: 4, hash: .genesis)).firstBad?.seq == 5)
    }

    @Test func aHeadThatIsWantedMustBeThere() throws {
        #expect(try self.verify(self.lines, wanted: self.place(7)).firstBad == nil)
        #expect(try self.verify(Array(self.lines.prefix(7)), wanted: self.place(7)).firstBad?.seq == 8)
        #expect(self.verify(self.lines, wanted: ChainVerifier.Place(seq: 8, hash: .genesis)).firstBad?.seq == 8)
    }

    @Test func filteredExportsAreToldFromDamagedOnes() {
        let oneTenant = self.lines.enumerated().filter { $0.offset % 6 > 3 }.map(\.element)
        #expect(self.verify(oneTenant).filter == "--tenant")
        #expect(self.verify([self.lines[6]]).filter == "--request-id")
        #expect(self.verify([self.lines[6], self.lines[7]]).filter == "--request-id")
        #expect(self.verify(Array(self.lines.dropFirst())).filter == nil)
        let withoutOne = self.lines.enumerated().filter { $0.offset % 6 > 3 || $0.offset < 4 }.map(\.element)
        #expect(self.verify(withoutOne).filter == nil, "of two tenants")
        #expect(self.verify(self.lines).filter == nil)
    }

    /// The entries of one tenant of whom whole attempts are missing, in one place only: nobody can tell why.
    @Test func aSingleGapBetweenWholeAttemptsOfOneTenantMayBeAFilter() {
        let tenant = Array(self.lines.prefix(4))
        #expect(self.verify(Array(tenant.prefix(2)) + [self.lines[6], self.lines[7]]).filter == "--tenant")
    }

    @Test func aSegmentWhoseEndWasCutOffIsNoFilter() throws {
        let tail = Array(self.lines[6..<8])
        #expect(try self.verify(tail, wanted: self.place(9)).filter == "--request-id", "one request alone")
        let found = try self.verify(Array(self.lines[6..<10]), wanted: self.place(11))
        #expect(found.firstBad?.seq == 12 && found.filter == nil)
    }

    @Test func whatNoFilterDoesIsDamage() throws {
        let tenant = Array(self.lines.prefix(4)) + Array(self.lines[6..<10])
        #expect(self.verify(tenant).filter == "--tenant")
        for half in [1, 2] {
            var lines = tenant
            lines.remove(at: half)
            let found = self.verify(lines)
            #expect(found.filter == nil && found.firstBad?.why.contains("missing") == true, "half an attempt is missing")
        }
        var changed = tenant
        changed[5] = Array(String(decoding: changed[5], as: UTF8.self).replacing("req_4", with: "req_9").utf8)
        #expect(self.verify(changed).filter == nil && self.verify(changed).firstBad != nil, "an entry that was changed as well")
        #expect(self.verify(tenant.reversed()).filter == nil)
        #expect(self.verify(tenant, from: .first).filter == nil, "a data folder is not filtered")
    }

    @Test func readsAHeadAsItIsKept() {
        let hash = String(repeating: "ab", count: 32)
        #expect(ChainVerifier.Place("12:" + hash)?.hash.hex == hash)
        #expect(ChainVerifier.Place("12:" + hash.uppercased())?.hash.hex == hash)
        #expect(ChainVerifier.Place("0:" + hash) == nil && ChainVerifier.Place(hash) == nil && ChainVerifier.Place("12:ab") == nil)
    }
}
