import SluiceCore

/// Cuts a stream of server-sent events (WHATWG HTML, 9.2) into events, whatever pieces the bytes come in.
///
/// An event is handed on once its empty line is there. Line ends may be LF, CR LF or CR, mixed. No more than ``longest`` bytes of one
/// event are held: a longer one is handed on while it arrives.
package struct EventScanner: Sendable {
    package static let longest = 1 << 20

    package enum Piece: Sendable {
        /// A whole event, its empty line included.
        case event(Range<Int>)
        /// The beginning or middle of an event too long to hold.
        case part(Range<Int>)
    }

    /// How far the current event has been looked at.
    private var scanned = 0
    /// The last line end was seen directly before ``scanned``: another one ends the event.
    private var atLineStart = true
    private var isOversize = false

    package init() {}

    /// Whether bytes of an event that has not ended were seen (and maybe handed on as parts).
    package var isInsideOversize: Bool { self.isOversize }

    /// Whether a bare CR behind all that was looked at would be an empty line: if no LF follows, the event has ended.
    package var isAtLineStart: Bool { self.atLineStart }

    /// Finds the next piece in `bytes`, which must begin where the last piece ended.
    package mutating func next(_ bytes: UnsafeRawBufferPointer) -> Piece? {
        var index = self.scanned
        while index < bytes.count {
            let byte = bytes[index]
            guard byte == 0x0A || byte == 0x0D else {
                self.atLineStart = false
                index = bytes.lineEnd(from: index + 1)
                continue
            }
            // A CR at the very end may be half of a CR LF.
            if byte == 0x0D, index + 1 == bytes.count {
                // An empty line that ends in a bare CR: whole as it stands, but wait for its LF if the stream uses CR LF.
                break
            }
            let width = byte == 0x0D && bytes[index + 1] == 0x0A ? 2 : 1
            let isEmptyLine = self.atLineStart
            self.atLineStart = true
            index += width
            if isEmptyLine {
                self.scanned = 0
                self.isOversize = false
                return .event(0..<index)
            }
        }
        self.scanned = index
        guard bytes.count > EventScanner.longest else { return nil }
        self.isOversize = true
        self.scanned = 0
        return .part(0..<index)
    }
}

/// One event's own lines: its name and its data.
package struct EventLines {
    package private(set) var name: UnsafeRawBufferPointer?
    /// The data of the first `data:` line, in place; joined in ``joined`` where there are several.
    package private(set) var data: UnsafeRawBufferPointer?
    package private(set) var dataLines = 0

    private let bytes: UnsafeRawBufferPointer

    package init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
        var index = 0
        // A byte order mark may stand before the first event.
        if bytes.count >= 3, bytes[0] == 0xEF, bytes[1] == 0xBB, bytes[2] == 0xBF { index = 3 }
        while index < bytes.count {
            let start = index
            index = bytes.lineEnd(from: index)
            self.line(UnsafeRawBufferPointer(rebasing: bytes[start..<index]))
            index += 1
        }
    }

    private mutating func line(_ line: UnsafeRawBufferPointer) {
        if let value = line.value(of: "data") {
            if self.data == nil { self.data = value }
            self.dataLines += 1
        } else if let value = line.value(of: "event") {
            self.name = value
        }
    }

    /// The data as the standard joins it, for events of several `data:` lines.
    package var joined: [UInt8] {
        var result: [UInt8] = []
        var isFirst = true
        for line in self.bytes.split(whereSeparator: { $0 == 0x0A || $0 == 0x0D }) {
            guard let value = UnsafeRawBufferPointer(rebasing: line).value(of: "data") else { continue }
            if !isFirst { result.append(0x0A) }
            isFirst = false
            result.append(contentsOf: value)
        }
        return result
    }
}

extension UnsafeRawBufferPointer {
    /// The next CR or LF at or behind `start`, or the end.
    fileprivate func lineEnd(from start: Int) -> Int {
        var index = start
        while index + ByteWord.size <= self.count {
            let word = ByteWord(self, at: index)
            let marks = word.marks(of: 0x0A) | word.marks(of: 0x0D)
            guard marks == 0 else { return index + ByteWord.bytesBefore(marks) }
            index += ByteWord.size
        }
        while index < self.count, self[index] != 0x0A, self[index] != 0x0D { index += 1 }
        return index
    }

    /// The value of a line `field: value`, one space behind the colon left out.
    fileprivate func value(of field: StaticString) -> UnsafeRawBufferPointer? {
        let count = field.utf8CodeUnitCount
        guard self.count >= count, (0..<count).allSatisfy({ self[$0] == field.utf8Start[$0] }) else { return nil }
        guard self.count > count else { return UnsafeRawBufferPointer(rebasing: self[count...]) }
        guard self[count] == UInt8(ascii: ":") else { return nil }
        let start = count + 1 < self.count && self[count + 1] == 0x20 ? count + 2 : count + 1
        return UnsafeRawBufferPointer(rebasing: self[start...])
    }
}
