import SluiceCore
import Testing

@Suite struct JobStateTests {
    private static let all = JobState.allCases.flatMap { state in JobState.Event.allCases.map { (state, $0) } }

    @Test(arguments: all)
    func terminalStatesAreLeftByARetryOnly(_ state: JobState, _ event: JobState.Event) {
        guard state.isTerminal else { return }
        #expect(state.after(event) == nil || event == .retried)
    }

    @Test func finishedWorkStaysFinished() {
        #expect(JobState.Event.allCases.allSatisfy { JobState.done.after($0) == nil })
    }

    @Test func everyJobThatIsNotOverCanBeCancelledAndCanExpire() {
        for state in JobState.allCases where !state.isTerminal {
            #expect(state.after(.cancelRequested) == .cancelled && state.after(.deadlinePassed) == .expired)
        }
    }

    @Test func onlyReadyWorkIsTaken() {
        #expect(JobState.sources(of: .leasedByWorker) == [.ready] && JobState.sources(of: .bundledUpstream) == [.ready])
    }

    @Test func onlyAWorkerAnswers() {
        #expect(JobState.sources(of: .answered) == [.leased, .bundled] && JobState.sources(of: .failedForGood) == [.leased, .bundled])
    }

    @Test func promotionFreesWhatIsHeldAndLeavesWhatRuns() {
        #expect(JobState.held.after(.promoted) == .ready && JobState.ready.after(.promoted) == .ready && JobState.leased.after(.promoted) == nil)
    }

    @Test func everyStateIsReachedFromHeldOrReady() {
        var reached: Set<JobState> = [.held, .ready]
        while true {
            let more = reached.union(reached.flatMap { state in JobState.Event.allCases.compactMap { state.after($0) } })
            guard more != reached else { break }
            reached = more
        }
        #expect(reached == Set(JobState.allCases))
    }

    @Test(arguments: [("held", [JobState.held]), ("running", [.leased, .bundled]), ("done", [.done]), ("nothing", [])])
    func namesAreThoseOfTheAPI(_ name: String, _ states: [JobState]) {
        #expect(JobState.named(name) == states)
    }
}
