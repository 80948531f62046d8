import SluiceCore
import Testing

@Suite struct BundleCourseTests {
    private static let now = Timestamp(milliseconds: 1_700_000_000_000)

    /// A bundle that waits for its batch until an hour from now.
    private static func bundle(_ state: BundleState, file: String? = nil) -> Bundle {
        var bundle = Bundle(id: 1, token: "01jd3k", backend: "lane", model: "gpt-large", endpoint: .chat, created: now)
        bundle.state = state
        bundle.file = file
        bundle.batch = state == .open || state == .cancelling ? "batch_1" : nil
        (bundle.lines, bundle.running) = (6, 6)
        bundle.submitted = self.now
        bundle.pullAt = self.now + .seconds(3600)
        bundle.hedgeAt = self.now + .seconds(4200)
        return bundle
    }

    @Test func aNewBundleIsUploadedThenCreatedThenAsked() {
        var course = BundleCourse(usesFiles: true)
        #expect(course.next(BundleCourseTests.bundle(.submitting), at: BundleCourseTests.now) == .upload)
        course.succeeded()
        #expect(course.next(BundleCourseTests.bundle(.submitting, file: "file-1"), at: BundleCourseTests.now) == .create)
        course.succeeded()
        #expect(course.next(BundleCourseTests.bundle(.open), at: BundleCourseTests.now) == .poll)
    }

    @Test func withoutFilesItIsCreatedAtOnce() {
        #expect(BundleCourse(usesFiles: false).next(BundleCourseTests.bundle(.submitting), at: BundleCourseTests.now) == .create)
    }

    @Test func afterARestartItIsLookedForBeforeAnythingIsSent() {
        let course = BundleCourse(usesFiles: true, recoveredAt: BundleCourseTests.now)
        #expect(course.next(BundleCourseTests.bundle(.submitting), at: BundleCourseTests.now) == .findFile)
        #expect(course.next(BundleCourseTests.bundle(.submitting, file: "file-1"), at: BundleCourseTests.now) == .findBatch)
        #expect(
            BundleCourse(usesFiles: false, recoveredAt: BundleCourseTests.now).next(BundleCourseTests.bundle(.submitting), at: BundleCourseTests.now)
                == .findBatch)
    }

    @Test func whatIsNotFoundRightAfterABreakIsLookedForAgain() {
        var course = BundleCourse(usesFiles: true, recoveredAt: BundleCourseTests.now)
        let bundle = BundleCourseTests.bundle(.submitting, file: "file-1")
        course.didNotFind(at: BundleCourseTests.now)
        #expect(course.next(bundle, at: BundleCourseTests.now + .seconds(1)) == .findBatch)
        course.didNotFind(at: BundleCourseTests.now + .seconds(6))
        #expect(course.next(bundle, at: BundleCourseTests.now + .seconds(6)) == .create)
    }

    @Test func aCallWithoutAnAnswerMayHaveBeenCarriedOut() {
        var course = BundleCourse(usesFiles: true)
        let bundle = BundleCourseTests.bundle(.submitting, file: "file-1")
        course.failed(.ambiguous, isNew: true, chance: 0, at: BundleCourseTests.now)
        #expect(course.next(bundle, at: BundleCourseTests.now + .seconds(1)) == .findBatch)
    }

    @Test(arguments: [BundleCourse.Failure.notSent, .busy(retryAfter: .seconds(7)), .account]) func aCallThatWasRefusedIsMadeAgain(
        _ failure: BundleCourse.Failure
    ) {
        var course = BundleCourse(usesFiles: true)
        let bundle = BundleCourseTests.bundle(.submitting, file: "file-1")
        course.failed(failure, isNew: true, chance: 0, at: BundleCourseTests.now)
        #expect(course.next(bundle, at: BundleCourseTests.now + .seconds(600)) == .create)
    }

    @Test func anAccountThatRefusesIsTriedAfterOneMinuteThenTwo() {
        var course = BundleCourse(usesFiles: false)
        let bundle = BundleCourseTests.bundle(.submitting)
        course.failed(.account, isNew: true, chance: 1, at: BundleCourseTests.now)
        #expect(course.next(bundle, at: BundleCourseTests.now + .seconds(59)) == .wait(until: BundleCourseTests.now + .seconds(60)))
        course.failed(.account, isNew: true, chance: 1, at: BundleCourseTests.now + .seconds(60))
        #expect(course.next(bundle, at: BundleCourseTests.now + .seconds(179)) == .wait(until: BundleCourseTests.now + .seconds(180)))
    }

    @Test func whatTheProviderDoesNotHaveIsTakenBackInTime() {
        var course = BundleCourse(usesFiles: true)
        let bundle = BundleCourseTests.bundle(.submitting)
        #expect(course.next(bundle, at: BundleCourseTests.now + .seconds(3600)) == .withdraw)
        course.failed(.ambiguous, isNew: true, chance: 0, at: BundleCourseTests.now)
        #expect(course.next(bundle, at: BundleCourseTests.now + .seconds(3600)) == .findFile, "it may have it, and is not asked")
    }

    @Test func whatNobodyWaitsForIsStopped() {
        var bundle = BundleCourseTests.bundle(.open)
        bundle.running = 0
        #expect(BundleCourse(usesFiles: true).next(bundle, at: BundleCourseTests.now) == .askCancel)
        bundle.state = .submitting
        #expect(BundleCourse(usesFiles: true).next(bundle, at: BundleCourseTests.now) == .withdraw)
    }

    @Test func itIsCalledBackWhenItsTimeHasComeAndThenHedgedOnce() {
        var course = BundleCourse(usesFiles: true)
        #expect(course.next(BundleCourseTests.bundle(.open), at: BundleCourseTests.now + .seconds(3600)) == .askCancel)
        course.askedCancel(at: BundleCourseTests.now + .seconds(3600))
        let cancelling = BundleCourseTests.bundle(.cancelling)
        #expect(course.next(cancelling, at: BundleCourseTests.now + .seconds(3601)) == .poll)
        #expect(course.next(cancelling, at: BundleCourseTests.now + .seconds(4200)) == .hedge)
        course.hedged()
        #expect(course.next(cancelling, at: BundleCourseTests.now + .seconds(4201)) == .poll)
    }

    @Test func aProviderThatAsksToBeLeftAloneIs() {
        var course = BundleCourse(usesFiles: true)
        let bundle = BundleCourseTests.bundle(.open)
        course.stillRuns(bundle, hint: .seconds(100), chance: 0.5, at: BundleCourseTests.now)
        #expect(course.next(bundle, at: BundleCourseTests.now + .seconds(50)) == .wait(until: BundleCourseTests.now + .seconds(100)))
    }

    @Test func itIsAskedAfterTenSecondsAndThenLessAndLess() {
        var course = BundleCourse(usesFiles: true)
        var bundle = BundleCourseTests.bundle(.open)
        bundle.pullAt = nil
        var waits: [Int64] = []
        for _ in 0..<12 {
            course.stillRuns(bundle, hint: nil, chance: 0.5, at: BundleCourseTests.now)
            guard case .wait(let until) = course.next(bundle, at: BundleCourseTests.now) else { continue }
            waits.append((until - BundleCourseTests.now).milliseconds)
        }
        #expect(waits.prefix(3) == [10_000, 13_000, 16_900] && waits.last == 120_000)
    }

    @Test func beyondADayAndABitNothingIsExpectedAnyMore() {
        let bundle = BundleCourseTests.bundle(.cancelling)
        #expect(BundleCourse(usesFiles: true).next(bundle, at: BundleCourseTests.now + .seconds(28 * 3600 + 1)) == .giveUp)
    }

    @Test func filesAreDeletedAtTheEndAndNotForEver() {
        var course = BundleCourse(usesFiles: true)
        var bundle = BundleCourseTests.bundle(.ingested)
        #expect(course.next(bundle, at: BundleCourseTests.now) == .done)
        bundle.leftovers = ["file-1"]
        #expect(course.next(bundle, at: BundleCourseTests.now) == .deleteFiles)
        let tries = (0..<9).prefix { _ in course.deletionFailed(at: BundleCourseTests.now) }.count
        #expect(tries == 5)
    }
}
