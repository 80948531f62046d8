import SluiceCore

/// What a batch and its lines must be like, kept by the tables of transitions alone.
struct BatchModel {
    struct Line {
        var state = JobState.ready
        /// The number of its last lease.
        var lease = 0
        /// Whether it counts as stored.
        var isStored = true
    }

    let window: Duration
    var status = BatchStatus.inProgress
    var isPaused = false
    var lines: [Line]
    var deadline: Timestamp
    /// Attempts whose end is booked, by line and number: each costs once.
    var booked: Set<[Int]> = []

    init(lines: Int, now: Timestamp, window: Duration) {
        self.lines = Array(repeating: Line(), count: lines)
        self.window = window
        self.deadline = now + window
    }

    var isHalted: Bool { self.isPaused || self.status == .cancelling }

    func indices(_ states: JobState...) -> [Int] { self.lines.indices.filter { states.contains(self.lines[$0].state) } }

    func count(_ state: JobState) -> Int { self.indices(state).count }

    /// Moves a line where the table has a way.
    @discardableResult
    mutating func move(_ line: Int, _ event: JobState.Event) -> Bool {
        guard let state = self.lines[line].state.after(event) else { return false }
        self.lines[line].state = state
        return true
    }

    /// Whether a lease of this number lets its holder do anything.
    func holds(_ line: Int, _ lease: Int) -> Bool { self.lines[line].state == .leased && self.lines[line].lease == lease }

    /// To be called after lines have ended.
    mutating func endIfDone() {
        guard self.lines.allSatisfy({ $0.state.isTerminal }) else { return }
        self.status = self.status.after(self.count(.expired) > 0 ? .ranOut : .finished) ?? self.status
    }

    /// Ends what nobody of this process works on.
    mutating func endWaiting(_ event: JobState.Event) {
        for line in self.indices(.held, .ready, .bundled) { self.move(line, event) }
        self.endIfDone()
    }

    mutating func retry(at now: Timestamp) -> Bool {
        let again = self.indices(.failed, .expired, .cancelled)
        guard !again.isEmpty, let status = self.status.after(.retried) else { return false }
        if self.status.isTerminal { self.isPaused = false }
        self.status = status
        for line in again { self.move(line, .retried) }
        self.deadline = now + self.window
        return true
    }
}
