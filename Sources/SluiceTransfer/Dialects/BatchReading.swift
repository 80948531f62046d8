import NIOCore
import SluiceCore
import SluiceWire

extension JSONCursor {
    /// Seconds since 1970; nil for what is no time of this age.
    mutating func unixTime() throws(JSONFault) -> Timestamp? {
        guard let seconds = try self.integer(), (0..<100_000_000_000).contains(seconds) else { return nil }
        return Timestamp(milliseconds: Int64(seconds) * 1000)
    }
}

extension ByteBuffer {
    /// Reads a JSON object, member by member; false where it is none, or not whole.
    func readMembers(_ member: (JSONText, inout JSONCursor) throws(JSONFault) -> Void) -> Bool {
        self.withUnsafeReadableBytes { bytes in
            var cursor = JSONCursor(bytes, isLenient: true)
            do throws(JSONFault) {
                try cursor.members(member)
                try cursor.end()
                return true
            } catch {
                return false
            }
        }
    }

    /// Reads a page of a list, element by element; gives its `has_more`, nil where it is no page.
    func readPage(_ element: (inout JSONCursor) throws(JSONFault) -> Void) -> Bool? {
        var (hasData, hasMore) = (false, false)
        let isWhole = self.readMembers { key, cursor throws(JSONFault) in
            if key.says("data"), cursor.peek() == UInt8(ascii: "[") {
                hasData = true
                try cursor.elements(element)
            } else if key.says("has_more") {
                hasMore = try cursor.bool() ?? false
            } else {
                try cursor.value()
            }
        }
        return isWhole && hasData ? hasMore : nil
    }

    /// The bytes of a value that a cursor over the readable bytes has passed.
    func slice(of range: Range<Int>) -> ByteBuffer? { self.getSlice(at: self.readerIndex + range.lowerBound, length: range.count) }
}
