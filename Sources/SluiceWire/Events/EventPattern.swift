import Glibc
import SluiceCore

/// An event that was read in full, kept to recognise those that differ from it in one text alone: nearly all of a stream do.
///
/// What such an event says is what the kept one said, but for the text; so it need not be read again.
package struct EventPattern: Sendable {
    /// So many events in a row may fail to be like the one before before no more are kept: they are never alike then.
    private static let mostFailures = 8

    private var bytes: [UInt8] = []
    private var text = 0..<0
    private var failures = 0

    package init() {}

    /// Keeps an event and the place of its text, which is not empty and has no escapes.
    package mutating func keep(_ event: UnsafeRawBufferPointer, text: Range<Int>) {
        guard self.failures < EventPattern.mostFailures else { return }
        self.failures += 1
        self.bytes = Array(event)
        self.text = text
    }

    /// From here on the same event would mean something else.
    package mutating func forget() {
        self.text = 0..<0
    }

    /// The bytes of the text of an event that is like the kept one; nil where more than the text differs.
    package mutating func textLength(in event: UnsafeRawBufferPointer) -> Int? {
        let front = self.text.lowerBound
        let back = self.bytes.count - self.text.upperBound
        let length = event.count - front - back
        guard front > 0, length > 0, self.hasFrame(event, front: front, back: back), event.isPlainText(front..<front + length) else { return nil }
        self.failures = 0
        return length
    }

    private func hasFrame(_ event: UnsafeRawBufferPointer, front: Int, back: Int) -> Bool {
        self.bytes.withUnsafeBytes { kept in
            guard let ours = kept.baseAddress, let theirs = event.baseAddress else { return false }
            return memcmp(ours, theirs, front) == 0 && memcmp(ours + (kept.count - back), theirs + (event.count - back), back) == 0
        }
    }
}

extension UnsafeRawBufferPointer {
    /// Whether a JSON string holds these bytes as they stand; UTF-8 is taken on trust.
    fileprivate func isPlainText(_ range: Range<Int>) -> Bool {
        var index = range.lowerBound
        while index + ByteWord.size <= range.upperBound {
            guard ByteWord(self, at: index).marksOfEscapes == 0 else { return false }
            index += ByteWord.size
        }
        while index < range.upperBound {
            guard self[index] >= 0x20, self[index] != UInt8(ascii: "\""), self[index] != UInt8(ascii: "\\") else { return false }
            index += 1
        }
        return true
    }
}
