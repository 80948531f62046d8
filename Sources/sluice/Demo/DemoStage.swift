import NIOPosix
import SluiceCore

/// Plays the demo against a running router: people at once, patient work when the window opens. Prints what happens while it happens.
struct DemoStage: Sendable {
    private static let voices = 6
    private static let chats = 10
    private static let patients = 18

    let traffic: DemoTraffic
    let console: Console
    /// When the night begins, by the demo's clock.
    let opening: Timestamp
    let clock: @Sendable () -> Timestamp
    let started: MonotonicInstant

    /// - Returns: how many requests did not end well.
    func play() async throws -> Int {
        let pool = NIOThreadPool(numberOfThreads: 24)
        pool.start()
        defer { pool.shutdownGracefully { _ in } }
        self.console.print(DemoStage.header)
        let queued = try await self.run(pool)
        let late = try await self.awaitJobs(queued, pool)
        return late
    }

    private static let header = "  time   what      class         backend            first token   total     cost"

    private enum Play: Sendable {
        case voice(Int), chat(Int), patient(Int)
    }

    /// Sends everything, a few at a time, as a morning would.
    private func run(_ pool: NIOThreadPool) async throws -> [DemoTraffic.Outcome] {
        var plays: [Play] = (0..<DemoStage.patients).map { .patient($0) }
        plays += (0..<max(DemoStage.voices, DemoStage.chats)).flatMap { number -> [Play] in
            (number < DemoStage.chats ? [.chat(number)] : []) + (number < DemoStage.voices ? [.voice(number)] : [])
        }
        return try await withThrowingTaskGroup(of: DemoTraffic.Outcome.self) { group in
            for (index, play) in plays.enumerated() {
                group.addTask {
                    try await Task.sleep(for: .milliseconds(index * 90))
                    return try await pool.runIfActive {
                        switch play {
                        case .voice(let number): try self.traffic.voice(number)
                        case .chat(let number): try self.traffic.chat(number)
                        case .patient(let number): try self.traffic.patient(number)
                        }
                    }
                }
            }
            var queued: [DemoTraffic.Outcome] = []
            for try await outcome in group {
                self.show(outcome)
                if outcome.job != nil { queued.append(outcome) }
            }
            return queued
        }
    }

    private func awaitJobs(_ queued: [DemoTraffic.Outcome], _ pool: NIOThreadPool) async throws -> Int {
        var waiting = queued
        var failed = 0
        var isOpen = false
        while !waiting.isEmpty {
            if !isOpen, self.clock() >= self.opening {
                isOpen = true
                self.console.print("\(self.time)  the window `night` opens: \(waiting.count) requests that waited are dispatched to the cheap backend")
            }
            var rest: [DemoTraffic.Outcome] = []
            for outcome in waiting {
                guard let finished = try await pool.runIfActive({ try self.traffic.finished(outcome) }) else {
                    rest.append(outcome)
                    continue
                }
                if finished.problem != nil { failed += 1 }
                self.show(finished, isDone: true)
            }
            waiting = rest
            try await Task.sleep(for: .milliseconds(150))
        }
        return failed
    }

    private var time: String {
        let tenths = (self.traffic.now() - self.started).milliseconds / 100
        let text = "\(tenths / 10).\(tenths % 10) s"
        return String(repeating: " ", count: max(0, 7 - text.count)) + text
    }

    private func show(_ outcome: DemoTraffic.Outcome, isDone: Bool = false) {
        func cell(_ text: String, _ width: Int) -> String { text + String(repeating: " ", count: max(1, width - text.count)) }
        let line = "\(self.time)   \(cell(outcome.what, 10))\(cell(outcome.trafficClass, 14))"
        if let problem = outcome.problem { return self.console.print(line + problem) }
        if outcome.job != nil, !isDone { return self.console.print(line + cell("queued", 19) + "202, on disk; waits for the window") }
        let first = outcome.firstToken.map { "\($0.milliseconds) ms" } ?? "–"
        let total = outcome.job == nil ? "\(outcome.total.milliseconds) ms" : "–"
        self.console.print(line + cell(outcome.backend, 19) + cell(first, 14) + cell(total, 10) + (outcome.cost.map { "$\($0)" } ?? "–"))
    }
}
