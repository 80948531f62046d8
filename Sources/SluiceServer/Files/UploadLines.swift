import SluiceCore
import SluiceWire

/// Looks at the lines of a batch's file while it comes in, and says what will make a batch of it fail: the client hears of it at once, not only
/// when the batch has failed. The same rules as at the batch's own check, but for what only the batch can tell.
struct UploadLines: Sendable {
    /// Longer lines are no requests, and are not collected.
    private static let longest = 32 << 20
    private static let mostLines = 50_000
    /// More faults are counted only.
    private static let mostNamed = 5

    private var line: [UInt8] = []
    private var isTooLong = false
    private var number = 0
    private var requests = 0
    private var endpoint: Endpoint?
    private var seen: Set<Int> = []
    private var faults: [BatchFault] = []
    private var faultCount = 0

    mutating func read(_ bytes: UnsafeRawBufferPointer) {
        var start = 0
        while let end = LineBreak.next(in: bytes, from: start) {
            let piece = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
            if self.line.isEmpty, !self.isTooLong {
                self.check(piece)
            } else {
                self.collect(piece)
                self.checkCollected()
            }
            start = end + 1
        }
        self.collect(UnsafeRawBufferPointer(rebasing: bytes[start...]))
    }

    /// The file is over.
    mutating func end() {
        if !self.line.isEmpty || self.isTooLong { self.checkCollected() }
        if self.requests == 0 { self.add(BatchFault(.emptyFile, "")) }
        if self.requests > UploadLines.mostLines { self.add(BatchFault(.tooManyTasks, "")) }
    }

    /// The value of `Sluice-Warnings`: a list of the batch's validation codes with their lines; nil where all is well.
    var warnings: String? {
        guard self.faultCount > 0 else { return nil }
        var items = self.faults.map { fault in
            fault.code.rawValue + (fault.line.map { ";line=\($0)" } ?? "") + (fault.param.map { ";param=\"\($0)\"" } ?? "")
        }
        if self.faultCount > self.faults.count { items.append("more;count=\(self.faultCount - self.faults.count)") }
        return items.joined(separator: ", ")
    }

    private mutating func collect(_ bytes: UnsafeRawBufferPointer) {
        guard !self.isTooLong, !bytes.isEmpty else { return }
        guard self.line.count + bytes.count <= UploadLines.longest else {
            self.line = []
            self.isTooLong = true
            return
        }
        self.line.append(contentsOf: bytes)
    }

    private mutating func checkCollected() {
        if self.isTooLong {
            self.number += 1
            self.requests += 1
            self.add(BatchFault(.invalidJSONLine, "", line: self.number))
        } else {
            let line = self.line
            line.withUnsafeBytes { self.check($0) }
        }
        self.line.removeAll(keepingCapacity: true)
        self.isTooLong = false
    }

    private mutating func check(_ bytes: UnsafeRawBufferPointer) {
        self.number += 1
        var line = bytes[...]
        if self.number == 1, line.starts(with: [0xEF, 0xBB, 0xBF]) { line = line.dropFirst(3) }
        if line.last == 0x0D { line = line.dropLast() }
        guard line.contains(where: { $0 != 0x20 && $0 != 0x09 }) else { return }
        self.requests += 1
        guard self.requests <= UploadLines.mostLines else { return }
        do throws(BatchFault) {
            let line = UnsafeRawBufferPointer(rebasing: line)
            let fields = try BatchLineFields(line, endpoint: self.endpoint)
            self.endpoint = self.endpoint ?? fields.endpoint
            guard self.seen.insert(fields.customID.hashValue).inserted else { throw BatchFault(.duplicateCustomID, "", param: "custom_id") }
            _ = try fields.request(in: line, for: self.endpoint ?? .chat)
        } catch {
            var fault = error
            fault.line = self.number
            self.add(fault)
        }
    }

    private mutating func add(_ fault: BatchFault) {
        self.faultCount += 1
        if self.faults.count < UploadLines.mostNamed { self.faults.append(fault) }
    }
}
