import FoundationEssentials
import Glibc
import SluiceCore

/// A segment that an earlier process left, read.
struct JournalLeftover: Sendable {
    struct Record: Sendable {
        var kind: JournalSegment.Kind
        var bound: Money?
        var body: [UInt8]
    }

    let path: String
    let number: Int
    private(set) var generation: UInt64 = 0
    /// Those that may not be in the ledger yet.
    private(set) var records: [Record] = []
    /// Records in the midst of others whose checksum is wrong: what they held is lost.
    private(set) var damaged = 0

    static func path(of number: Int, in folder: String) -> String { "\(folder)/\(number).journal" }

    /// All of a folder, in the order in which they were written.
    static func all(in folder: String) throws(StoreError) -> [JournalLeftover] {
        do {
            let numbers = try FileManager.default.contentsOfDirectory(atPath: folder).compactMap { name in
                name.hasSuffix(".journal") ? Int(name.dropLast(8)) : nil
            }
            return try numbers.map { try JournalLeftover(number: $0, in: folder) }.sorted { $0.generation < $1.generation }
        } catch {
            throw StoreError(.ioFailure, "cannot read the journal in \(folder): \(error)")
        }
    }

    private init(number: Int, in folder: String) throws {
        self.number = number
        self.path = JournalLeftover.path(of: number, in: folder)
        let file = try Data(contentsOf: URL(filePath: self.path))
        file.withUnsafeBytes { self.read($0) }
    }

    private mutating func read(_ file: UnsafeRawBufferPointer) {
        guard file.count > JournalSegment.headerSize, file.loadUnaligned(as: UInt64.self) == JournalSegment.magic else { return }
        self.generation = file.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
        guard self.generation > 0 else { return }
        var position = Int(clamping: file.loadUnaligned(fromByteOffset: 16, as: UInt64.self))
        guard position >= JournalSegment.headerSize, position % 8 == 0 else { return }
        while let head = Head(file, at: position) {
            let end = position + head.space
            if let record = head.record(file, at: position, generation: self.generation) {
                self.records.append(record)
            } else if let next = Head(file, at: end), next.record(file, at: end, generation: self.generation) != nil {
                self.damaged += 1
            } else {
                // The last one, torn when its writer died.
                return
            }
            position = end
        }
    }

    private struct Head {
        var word: UInt64
        var length: Int

        var space: Int { JournalSegment.space(for: self.length) }

        /// nil at the end of the records.
        init?(_ file: UnsafeRawBufferPointer, at position: Int) {
            guard position + JournalSegment.recordHeaderSize <= file.count else { return nil }
            self.word = file.loadUnaligned(fromByteOffset: position, as: UInt64.self)
            self.length = Int(UInt32(truncatingIfNeeded: self.word))
            guard self.word != 0, position + self.space <= file.count else { return nil }
        }

        /// nil where the checksum does not fit.
        func record(_ file: UnsafeRawBufferPointer, at position: Int, generation: UInt64) -> Record? {
            let bound = file.loadUnaligned(fromByteOffset: position + 8, as: Int64.self)
            let checksum = file.loadUnaligned(fromByteOffset: position + 16, as: UInt64.self)
            let body = position + JournalSegment.recordHeaderSize
            let words = UnsafeRawBufferPointer(rebasing: file[body..<position + self.space])
            let seed = RecordChecksum.seed(generation: generation, head: self.word, bound: bound)
            guard RecordChecksum.of(words, seed: seed) == checksum, let kind = JournalSegment.Kind(rawValue: UInt32(truncatingIfNeeded: self.word >> 32))
            else { return nil }
            return Record(kind: kind, bound: bound == .min ? nil : Money(pico: bound), body: Array(file[body..<body + self.length]))
        }
    }
}
