import SluiceCore
import SluiceDispatch

/// The first reading of a batch's file: is every line fit to run, and what is the whole expected to cost?
struct IntakeCheck {
    /// As OpenAI and Anthropic have them.
    static func mostLines(_ wire: Batch.Wire) -> Int { wire == .messages ? 100_000 : 50_000 }

    private(set) var lines = 0
    /// The first of them; more are counted only.
    private(set) var faults: [BatchFault] = []
    private(set) var faultCount = 0
    /// What the lines ask for, by lane.
    private(set) var loads: [Job.Lane: LineLoad] = [:]
    private var seen: Set<UInt128> = []

    /// Reads the whole file; blocks.
    init(_ batch: Batch, files: any FileStore, live: LivePolicy, at now: Timestamp) throws {
        var lines = FileLines(batch.inputFile, in: files)
        var maker = BatchLineMaker(batch, live, at: now)
        let most = IntakeCheck.mostLines(batch.wire)
        while try lines.next({ bytes, place in self.read(bytes, place, &maker, most: most) }) {}
        if self.lines == 0 { self.add(BatchFault(.emptyFile, "the file has no lines")) }
        if self.lines > most { self.add(BatchFault(.tooManyTasks, "the file has \(self.lines) lines; \(most) are the most")) }
        if self.faultCount > self.faults.count, let last = self.faults.indices.last {
            self.faults[last].message += "; \(self.faultCount - self.faults.count) more faults are not listed"
        }
    }

    private mutating func read(_ bytes: UnsafeRawBufferPointer?, _ place: FileLines.Place, _ maker: inout BatchLineMaker, most: Int) {
        self.lines += 1
        // What is over the limit is counted, not read.
        guard self.lines <= most else { return }
        do throws(BatchFault) {
            guard let bytes else { throw BatchFault(.invalidJSONLine, "the line is longer than \(FileLines.longest >> 20) MB") }
            let draft = try maker.draft(bytes, place)
            let line = draft.line
            guard self.isNew(line.job.customID ?? "") else {
                throw BatchFault(
                    .duplicateCustomID, "the `custom_id` \((line.job.customID ?? "").quotedForMessage) stands in another line too", param: "custom_id")
            }
            guard line.result == nil else { return }
            self.loads[line.job.lane, default: LineLoad(job: line.job, request: draft.request)].add(line.job, draft.request)
        } catch {
            var fault = error
            fault.line = place.number
            self.add(fault)
        }
    }

    private mutating func add(_ fault: BatchFault) {
        self.faultCount += 1
        if self.faults.count < BatchFault.mostKept { self.faults.append(fault) }
    }

    /// Ids are remembered by 128 bits of a keyed hash: a few megabytes for the longest file, whatever the ids are.
    private mutating func isNew(_ id: String) -> Bool {
        var (high, low) = (Hasher(), Hasher())
        high.combine(1)
        high.combine(id)
        low.combine(2)
        low.combine(id)
        return self.seen.insert(UInt128(UInt64(bitPattern: Int64(high.finalize()))) << 64 | UInt128(UInt64(bitPattern: Int64(low.finalize())))).inserted
    }
}
