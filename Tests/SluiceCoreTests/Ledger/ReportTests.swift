import SluiceCore
import SluiceTesting
import Testing

@Suite struct ReportTests {
    @Test(arguments: ["0", "1", "-1", "0.000000000001", "-123456789012345678.000000000001", "9223372.036854775807", "100000000000000000000.5"])
    func storedSumsAreReadAsTheyWereWritten(_ amount: String) throws {
        var measures = RollupMeasures()
        measures.cost = try #require(MoneySum(amount))
        measures.leverCache = measures.cost
        measures.requests = -7
        measures.usage.audioOutput = 9_007_199_254_740_993
        measures.evidence[5] = -2
        #expect(try RollupMeasures(text: measures.text) == measures)
        var twice = measures
        try measures.text.withUnsafeBufferPointer { try twice.add(text: $0) }
        var sum = measures
        sum += measures
        #expect(twice == sum)
    }

    @Test(arguments: [
        #"{"cost":1}"#, #"{"cost":"1.0000000000001"}"#, #"{"cost":"1"#, #"{"other":"1"}"#, #"{"cost":"1" }"#, #"{"requests":99999999999999999999}"#, "",
    ])
    func whatWasNeverStoredIsRefused(_ text: String) {
        #expect(throws: LedgerLineError.self) { try RollupMeasures(text: Array(text.utf8)) }
    }

    @Test func measuresReadBackAreTheSame() throws {
        var measures = RollupMeasures()
        #expect(try RollupMeasures(text: measures.text) == measures)
        for entry in [
            Sample.settled(Sample.subject("a")), Sample.settled(Sample.subject("b"), cost: Money(pico: -7)),
            Sample.intent(Sample.subject("c")).inDoubt(at: Sample.now), Sample.settled(Sample.subject("d"), attempt: 2).asVerification(),
        ] {
            measures.add(entry)
        }
        measures.idle = MoneySum(pico: Int128(Int64.max) * -3)
        #expect(try RollupMeasures(text: measures.text) == measures)
    }

    @Test func theWaterfallAddsUpToTheSaving() {
        var measures = RollupMeasures()
        measures.add(Sample.settled(Sample.subject("a")))
        measures.add(Sample.settled(Sample.subject("b")).superseded())
        measures.add(Sample.intent(Sample.subject("c")).inDoubt(at: Sample.now))
        measures.add(Sample.settled(Sample.subject("d"), baseline: nil))
        #expect(measures.waterfall.reduce(MoneySum.zero) { $0 + $1.amount } == measures.saved)
        #expect(measures.waterfall.map(\.lever) == ["model", "backend", "lane", "window", "cache", "waste", "idle"])
    }

    @Test func whatVerifiesASubstituteIsWasteAndNoSaving() {
        var measures = RollupMeasures()
        measures.add(Sample.settled(Sample.subject("a"), cost: Money("1"), baseline: Money("4")))
        let verified = Sample.settled(Sample.subject("a"), attempt: 2, cost: Money("3"), baseline: Money("3")).asVerification()
        #expect(verified.kind == .waste && verified.settlement?.flags == [.verification] && verified.settlement?.baseline == nil)
        measures.add(verified)
        #expect(measures.requests == 1 && measures.attempts == 2)
        #expect(measures.cost == MoneySum("1") && measures.waste == MoneySum("3") && measures.verification == MoneySum("3"))
        #expect(measures.baseline == MoneySum("4") && measures.saved == .zero)
        #expect(measures.waterfall.reduce(MoneySum.zero) { $0 + $1.amount } == measures.saved)
    }

    @Test func aVerificationThatWasRefusedCostsNothingAndIsNoWaste() {
        var entry = Sample.settled(Sample.subject("a"), attempt: 2, cost: .zero, baseline: .zero)
        entry.settlement?.outcome = .refused
        let verified = entry.asVerification()
        #expect(verified.kind == .settled && verified.settlement?.flags == [.verification])
    }

    @Test func ratiosAreOfTheTotals() {
        var measures = RollupMeasures()
        #expect(measures.savedRatio == nil && measures.coverage == nil)
        measures.add(Sample.settled(Sample.subject("a"), cost: Money("1"), baseline: Money("4")))
        #expect(measures.savedRatio == 750_000 && measures.coverage == 1_000_000)
        measures.add(Sample.intent(Sample.subject("b"), bound: Money("1")).inDoubt(at: Sample.now))
        #expect(measures.savedRatio == 500_000 && measures.coverage == 500_000)
    }

    @Test(arguments: [("", []), ("tenant", [.tenant]), ("class, day", [.trafficClass, .day])] as [(String, [RollupDimension])])
    func readsDimensions(_ text: String, _ dimensions: [RollupDimension]) { #expect(RollupDimension.list(text) == dimensions) }

    @Test(arguments: ["nobody", "currency", "tenant;class"])
    func refusesWhatIsNoDimension(_ text: String) { #expect(RollupDimension.list(text) == nil) }

    @Test func tagsOfOneHourAreBounded() {
        var rollups = Rollups()
        for i in 0..<1500 { rollups.add(Sample.settled(Sample.subject("req_\(i)", tags: ["user": "u\(i)"]))) }
        let byTag = rollups.measures.filter(\.key.byTag)
        #expect(byTag.count == Rollups.tagsPerHour + 1)
        #expect(byTag.first { $0.key.tag == "user=*" }?.value.requests == 500)
        #expect(rollups.measures.filter { !$0.key.byTag }.map(\.value.requests) == [1500])
    }
}
