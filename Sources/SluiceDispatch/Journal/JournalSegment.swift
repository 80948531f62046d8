import Glibc
import SluiceCore

/// One file of the journal: allocated in full, mapped into memory, filled from front to back.
///
/// What was copied into it survives the process without a system call, since the page cache is the system's. It does not survive a power cut.
///
///     header, 64 bytes    magic · generation (0: nothing in it counts) · where the records begin that may not be in the ledger yet
///     record              length and kind · bound · checksum · body, padded to 8 bytes
///     end                 a length of 0
///
/// The length is written last, so a record is there whole or not at all; the checksum tells where that does not hold.
struct JournalSegment: Sendable {
    enum Kind: UInt32, Sendable {
        case intent = 1
        case end = 2
    }

    static let headerSize = 64
    static let recordHeaderSize = 24
    /// `SLUICEJ1`
    static let magic: UInt64 = 0x314A_4543_4955_4C53

    let path: String
    let size: Int
    /// The place of the mapping. A number, since a pointer may not pass from one thread to another even behind a lock.
    private let address: UInt
    private var position = JournalSegment.headerSize
    private var generation: UInt64 = 0
    /// Records that are not in the ledger yet.
    private(set) var outstanding = 0

    /// Makes the file.
    ///
    /// - Throws: ``StoreError/Code/full`` where there is no space for it.
    init(creating path: String, size: Int) throws(StoreError) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw JournalSegment.failure(errno, path) }
        defer { close(descriptor) }
        let code = posix_fallocate(descriptor, 0, off_t(size))
        guard code == 0 else {
            unlink(path)
            throw JournalSegment.failure(code, path)
        }
        guard let memory = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0), memory != MAP_FAILED else {
            throw JournalSegment.failure(errno, path)
        }
        self.path = path
        self.size = size
        self.address = UInt(bitPattern: memory)
        self.memory.storeBytes(of: JournalSegment.magic, as: UInt64.self)
    }

    private static func failure(_ code: Int32, _ path: String) -> StoreError {
        StoreError(code == ENOSPC || code == EDQUOT ? .full : .ioFailure, "\(path): \(String(cString: strerror(code)))")
    }

    private var memory: UnsafeMutableRawPointer {
        guard let memory = UnsafeMutableRawPointer(bitPattern: self.address) else { preconditionFailure("the journal's segment is mapped at 0") }
        return memory
    }

    /// Forgets what the segment held and takes records again.
    mutating func begin(generation: UInt64) {
        self.generation = generation
        self.position = JournalSegment.headerSize
        let memory = self.memory
        memory.storeBytes(of: 0, toByteOffset: JournalSegment.headerSize, as: UInt64.self)
        memory.storeBytes(of: UInt64(JournalSegment.headerSize), toByteOffset: 16, as: UInt64.self)
        memory.storeBytes(of: generation, toByteOffset: 8, as: UInt64.self)
    }

    /// Says in the file that nothing in it counts any more.
    func retire() {
        self.memory.storeBytes(of: 0, toByteOffset: 8, as: UInt64.self)
    }

    static func space(for body: Int) -> Int { self.recordHeaderSize + (body + 7) & ~7 }

    func hasRoom(for body: Int) -> Bool { self.position + JournalSegment.space(for: body) + 8 <= self.size }

    /// Copies a record in; there must be room for it.
    mutating func append(_ kind: Kind, bound: Int64, body: RawSpan) {
        let record = self.memory + self.position
        let space = JournalSegment.space(for: body.byteCount)
        let head = UInt64(UInt32(body.byteCount)) | UInt64(kind.rawValue) << 32
        if space > JournalSegment.recordHeaderSize { record.storeBytes(of: 0, toByteOffset: space - 8, as: UInt64.self) }
        body.withUnsafeBytes { (record + JournalSegment.recordHeaderSize).copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(record), byteCount: $0.count) }
        record.storeBytes(of: bound, toByteOffset: 8, as: Int64.self)
        record.storeBytes(of: 0, toByteOffset: space, as: UInt64.self)
        let words = UnsafeRawBufferPointer(start: record + JournalSegment.recordHeaderSize, count: space - JournalSegment.recordHeaderSize)
        let checksum = RecordChecksum.of(words, seed: RecordChecksum.seed(generation: self.generation, head: head, bound: bound))
        record.storeBytes(of: checksum, toByteOffset: 16, as: UInt64.self)
        record.storeBytes(of: head, as: UInt64.self)
        self.position += space
        self.outstanding += 1
    }

    /// One of its records is in the ledger for good.
    mutating func committed() {
        precondition(self.outstanding > 0, "more records of a journal segment were committed than written")
        self.outstanding -= 1
        // A replay need not look at what lies before.
        if self.outstanding == 0 { self.memory.storeBytes(of: UInt64(self.position), toByteOffset: 16, as: UInt64.self) }
    }

    func unmap() {
        munmap(self.memory, self.size)
    }
}

/// A checksum of a record: quick, and good enough to tell a record from what is left of another.
enum RecordChecksum {
    static func seed(generation: UInt64, head: UInt64, bound: Int64) -> UInt64 {
        self.mix(self.mix(generation ^ 0x9E37_79B9_7F4A_7C15, head ^ 0xD1B5_4A32_D192_ED03), UInt64(bitPattern: bound) ^ 0x8CB9_2BA7_2F3D_8DD7)
    }

    /// - Parameter bytes: A whole number of words, aligned.
    static func of(_ bytes: UnsafeRawBufferPointer, seed: UInt64) -> UInt64 {
        let words = bytes.bindMemory(to: UInt64.self)
        var a = seed
        var b = ~seed
        var index = 0
        while index + 4 <= words.count {
            a = self.mix(words[index] ^ 0xA076_1D64_78BD_642F, words[index + 1] ^ a)
            b = self.mix(words[index + 2] ^ 0xE703_7ED1_A0B4_28DB, words[index + 3] ^ b)
            index += 4
        }
        while index < words.count {
            a = self.mix(words[index] ^ 0x8EBC_6AF0_9C88_C6E3, a)
            index += 1
        }
        return self.mix(a ^ 0x5899_65CC_7537_4CC3, b) | 1
    }

    private static func mix(_ a: UInt64, _ b: UInt64) -> UInt64 {
        let product = a.multipliedFullWidth(by: b)
        return product.high ^ product.low
    }
}
