import SluiceCore
import Testing

@Suite struct BundleTests {
    private static let all = BundleState.allCases.flatMap { state in BundleState.Event.allCases.map { (state, $0) } }

    @Test(arguments: all) func nothingLeavesATerminalState(_ state: BundleState, _ event: BundleState.Event) {
        #expect(!state.isTerminal || state.after(event) == nil)
    }

    @Test func everyOpenStateButTheFirstCanBeGivenUp() {
        #expect(BundleState.sources(of: .givenUp) == [.submitting, .open, .cancelling])
    }

    private static let bundle = Bundle(token: "01jd3k", backend: "lane", model: "gpt-large", endpoint: .chat, created: Timestamp(milliseconds: 0))

    @Test(arguments: [1, 31, 32, 1_000_000, Int64.max]) func aLinesNameLeadsBackToItsJob(_ job: Int64) {
        let name = BundleTests.bundle.customID(of: job)
        #expect(BundleTests.bundle.job(ofCustomID: name) == job)
        #expect(name.utf8.count <= 64 && name.utf8.allSatisfy { ($0 >= 0x30 && $0 <= 0x39) || ($0 >= 0x61 && $0 <= 0x7A) })
    }

    @Test(arguments: ["", "s01jd3k", "s01jd3k-1", "s01jd3k01", "sother1", "01jd3k1", "s01jd3k1 "]) func aForeignNameLeadsNowhere(_ name: String) {
        #expect(BundleTests.bundle.job(ofCustomID: name) == nil)
    }
}

@Suite struct BundleTermsTests {
    private static let now = Timestamp(milliseconds: 1_700_000_000_000)

    @Test(arguments: [(1, 3600, false), (4, 7199, false), (5, 60, true), (1, 7200, true), (5, 0, false)]) func fewJobsWithLittleTimeAreNotForALane(
        _ jobs: Int, _ seconds: Int64, _ isAccepted: Bool
    ) {
        #expect(BundleTerms.accepts(jobs: jobs, slack: .seconds(seconds)) == isAccepted)
        #expect(BundleTerms.accepts(jobs: jobs, slack: nil))
    }

    @Test func theFirstWaitsForCompanyATwentiethOfItsTimeAndNoMoreThanFiveMinutes() {
        #expect(BundleTerms.gathering(slack: .seconds(100)) == .seconds(5))
        #expect(BundleTerms.gathering(slack: .seconds(86_400)) == .seconds(300) && BundleTerms.gathering(slack: nil) == .seconds(300))
        #expect(!BundleTerms.isDue(jobs: 5, waited: .seconds(4), slack: .seconds(100)) && BundleTerms.isDue(jobs: 5, waited: .seconds(5), slack: .seconds(100)))
        #expect(BundleTerms.isDue(jobs: BundleTerms.mostLines, waited: .zero, slack: .seconds(100)))
    }

    @Test func aBundleIsCalledBackEarlyEnoughForTheProviderToStopAndOthersToRun() throws {
        let recall = try #require(
            BundleTerms.recall(promotion: nil, deadline: BundleTermsTests.now + .seconds(86_400), hasFallback: true, at: BundleTermsTests.now))
        #expect(recall.hedge == BundleTermsTests.now + .seconds(86_400 - 300) && recall.pull == recall.hedge - .seconds(600))
    }

    @Test func ofLittleTimeEachTakesItsPart() throws {
        let recall = try #require(
            BundleTerms.recall(promotion: nil, deadline: BundleTermsTests.now + .seconds(160), hasFallback: true, at: BundleTermsTests.now))
        #expect(recall.hedge == BundleTermsTests.now + .seconds(120) && recall.pull == BundleTermsTests.now + .seconds(90))
    }

    @Test func thePoliciesPromotionIsTheLimitWhereItIsTheFirst() throws {
        let recall = try #require(
            BundleTerms.recall(
                promotion: BundleTermsTests.now + .seconds(7200), deadline: BundleTermsTests.now + .seconds(14_400), hasFallback: true,
                at: BundleTermsTests.now))
        #expect(recall.hedge == BundleTermsTests.now + .seconds(7200))
    }

    @Test func whatNothingElseRunsIsNotCalledBack() {
        let deadline = BundleTermsTests.now + .seconds(3600)
        #expect(BundleTerms.recall(promotion: nil, deadline: deadline, hasFallback: false, at: BundleTermsTests.now) == nil)
        #expect(BundleTerms.recall(promotion: nil, deadline: nil, hasFallback: true, at: BundleTermsTests.now) == nil)
    }
}
