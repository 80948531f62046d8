import SluiceCore
import SluiceDispatch
import Synchronization

/// The second reading of a batch's file: its lines as jobs, a run at a time.
final class IntakeRuns: Sendable {
    private struct State: Sendable {
        var lines: FileLines
        var maker: BatchLineMaker
    }

    private let state: Mutex<State>
    private let lastLine: Int

    /// - Parameter lastLine: The number of the last line that is stored already.
    init(_ batch: Batch, after lastLine: Int, files: any FileStore, live: LivePolicy, at now: Timestamp) {
        self.state = Mutex(State(lines: FileLines(batch.inputFile, in: files), maker: BatchLineMaker(batch, live, at: now)))
        self.lastLine = lastLine
    }

    /// Up to `count` lines; none at the end. Blocks.
    func next(_ count: Int) throws -> [BatchLine] {
        try self.state.withLock { state in
            var run: [BatchLine] = []
            while run.count < count {
                let isMore = try state.lines.next { bytes, place in
                    guard place.number > self.lastLine, let bytes else { return }
                    run.append(try state.maker.draft(bytes, place).line)
                }
                guard isMore else { break }
            }
            return run
        }
    }
}
