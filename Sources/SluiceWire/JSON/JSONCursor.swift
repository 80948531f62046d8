import SluiceCore

/// Why bytes are no JSON, and where.
package struct JSONFault: Error, Hashable, Sendable {
    package let offset: Int
    package let reason: String
}

/// Reads JSON (RFC 8259) where it lies, value by value, building nothing.
///
/// Whatever is passed over is checked as strictly as by a full parser: grammar, UTF-8, escapes, numbers, and at most 100 levels of
/// nesting. It never accepts what Foundation's parser refuses. Only valid while the bytes are.
@usableFromInline
package struct JSONCursor {
    package static let deepest = 100

    @usableFromInline let bytes: UnsafeRawBufferPointer
    @usableFromInline package var position: Int
    private var depth = 0
    private let isLenient: Bool

    /// - Parameter isLenient: For answers, which are passed on whatever they hold: lone surrogates and broken UTF-8 inside strings pass.
    package init(_ bytes: UnsafeRawBufferPointer, at position: Int = 0, isLenient: Bool = false) {
        self.bytes = bytes
        self.position = position
        self.isLenient = isLenient
    }

    package func fault(_ reason: String) -> JSONFault { JSONFault(offset: self.position, reason: reason) }

    @usableFromInline
    package mutating func skipSpace() {
        while self.position < self.bytes.count, self.bytes[self.position] <= 0x20 {
            switch self.bytes[self.position] {
            case 0x20, 0x0A, 0x0D, 0x09: self.position += 1
            default: return
            }
        }
    }

    /// The next byte that is no white space, without moving on; nil at the end.
    @inlinable
    @inline(__always)
    package mutating func peek() -> UInt8? {
        // Hardly anyone writes white space: the first look is enough.
        if self.position < self.bytes.count, self.bytes[self.position] > 0x20 { return self.bytes[self.position] }
        self.skipSpace()
        return self.position < self.bytes.count ? self.bytes[self.position] : nil
    }

    /// Nothing but white space may be left.
    package mutating func end() throws(JSONFault) {
        guard self.peek() == nil else { throw self.fault("more than one value") }
    }

    /// Passes over the next value, whatever it is, and gives its bytes.
    @discardableResult
    package mutating func value() throws(JSONFault) -> Range<Int> {
        guard let byte = self.peek() else { throw self.fault("a value is missing") }
        let start = self.position
        switch byte {
        case UInt8(ascii: "{"), UInt8(ascii: "["): try self.nested()
        default: try self.scalar(byte)
        }
        return start..<self.position
    }

    private mutating func scalar(_ byte: UInt8) throws(JSONFault) {
        switch byte {
        case UInt8(ascii: "\""): _ = try self.stringContent()
        case UInt8(ascii: "t"): try self.word("true")
        case UInt8(ascii: "f"): try self.word("false")
        case UInt8(ascii: "n"): try self.word("null")
        case UInt8(ascii: "-"), 0x30...0x39: try self.number()
        default: throw self.fault("a value is malformed")
        }
    }

    /// A loop with one bit per level instead of recursion, so that no input can exhaust the stack.
    private mutating func nested() throws(JSONFault) {
        var isObject: UInt128 = 0
        let outer = self.depth
        repeat {
            // Before a value.
            guard let byte = self.peek() else { throw self.fault("a value is missing") }
            var isClosed = true
            if byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[") {
                self.position += 1
                self.depth += 1
                guard self.depth <= JSONCursor.deepest else { throw self.fault("nested deeper than \(JSONCursor.deepest) levels") }
                isObject = isObject << 1 | (byte == UInt8(ascii: "{") ? 1 : 0)
                let next = self.peek()
                if next == UInt8(ascii: isObject & 1 == 1 ? "}" : "]") {
                    self.position += 1
                    self.depth -= 1
                    isObject >>= 1
                } else {
                    if isObject & 1 == 1 { try self.key() }
                    isClosed = false
                }
            } else {
                try self.scalar(byte)
            }
            // Behind a value: the end of its container, or a comma.
            while isClosed, self.depth > outer {
                switch self.peek() {
                case UInt8(ascii: ",")?:
                    self.position += 1
                    if isObject & 1 == 1 { try self.key() }
                    isClosed = false
                case UInt8(ascii: "}")? where isObject & 1 == 1, UInt8(ascii: "]")? where isObject & 1 == 0:
                    self.position += 1
                    self.depth -= 1
                    isObject >>= 1
                default:
                    throw self.fault("a comma or the end of the \(isObject & 1 == 1 ? "object" : "array") is missing")
                }
            }
        } while self.depth > outer
    }

    /// A member's name and its colon.
    @discardableResult
    private mutating func key() throws(JSONFault) -> JSONText {
        guard self.peek() == UInt8(ascii: "\"") else { throw self.fault("a name in quotes is missing") }
        let text = try self.stringContent()
        guard self.peek() == UInt8(ascii: ":") else { throw self.fault("a colon is missing") }
        self.position += 1
        return text
    }

    /// Goes through the members of the object that comes next. `body` must read or skip each value exactly once.
    package mutating func members(_ body: (JSONText, inout JSONCursor) throws(JSONFault) -> Void) throws(JSONFault) {
        guard self.peek() == UInt8(ascii: "{") else { throw self.fault("an object is expected") }
        try self.enter()
        if self.peek() == UInt8(ascii: "}") {
            self.position += 1
            self.depth -= 1
            return
        }
        while true {
            let key = try self.key()
            try body(key, &self)
            switch self.peek() {
            case UInt8(ascii: ",")?: self.position += 1
            case UInt8(ascii: "}")?:
                self.position += 1
                self.depth -= 1
                return
            default: throw self.fault("a comma or the end of the object is missing")
            }
        }
    }

    /// Goes through the elements of the array that comes next. `body` must read or skip each exactly once.
    package mutating func elements(_ body: (inout JSONCursor) throws(JSONFault) -> Void) throws(JSONFault) {
        guard self.peek() == UInt8(ascii: "[") else { throw self.fault("an array is expected") }
        try self.enter()
        if self.peek() == UInt8(ascii: "]") {
            self.position += 1
            self.depth -= 1
            return
        }
        while true {
            try body(&self)
            switch self.peek() {
            case UInt8(ascii: ",")?: self.position += 1
            case UInt8(ascii: "]")?:
                self.position += 1
                self.depth -= 1
                return
            default: throw self.fault("a comma or the end of the array is missing")
            }
        }
    }

    private mutating func enter() throws(JSONFault) {
        self.position += 1
        self.depth += 1
        guard self.depth <= JSONCursor.deepest else { throw self.fault("nested deeper than \(JSONCursor.deepest) levels") }
    }

    // MARK: Values that are wanted

    /// The next value as a string; nil where it is another kind of value, which is passed over.
    package mutating func string() throws(JSONFault) -> JSONText? {
        guard self.peek() == UInt8(ascii: "\"") else {
            try self.value()
            return nil
        }
        return try self.stringContent()
    }

    /// The next value as a boolean; nil where it is another kind, which is passed over.
    package mutating func bool() throws(JSONFault) -> Bool? {
        let range = try self.value()
        switch self.bytes[range.lowerBound] {
        case UInt8(ascii: "t"): return true
        case UInt8(ascii: "f"): return false
        default: return nil
        }
    }

    /// The next value as a whole number of up to 18 digits; nil where it is anything else, which is passed over.
    package mutating func integer() throws(JSONFault) -> Int? {
        let range = try self.value()
        var index = range.lowerBound
        let isNegative = self.bytes[index] == UInt8(ascii: "-")
        if isNegative { index += 1 }
        guard range.upperBound - index <= 18, index < range.upperBound else { return nil }
        var number = 0
        while index < range.upperBound {
            guard self.bytes[index] >= 0x30, self.bytes[index] <= 0x39 else { return nil }
            number = number * 10 + Int(self.bytes[index] - 0x30)
            index += 1
        }
        return isNegative ? -number : number
    }

    /// The bytes of a value that was passed over, as text.
    package func text(of range: Range<Int>) -> String {
        String(decoding: UnsafeRawBufferPointer(rebasing: self.bytes[range]), as: UTF8.self)
    }

    /// Whether the next value is `null`, which is then passed over; anything else stays.
    package mutating func null() throws(JSONFault) -> Bool {
        guard self.peek() == UInt8(ascii: "n") else { return false }
        try self.word("null")
        return true
    }

    // MARK: Scalars

    private mutating func word(_ word: StaticString) throws(JSONFault) {
        let count = word.utf8CodeUnitCount
        guard self.position + count <= self.bytes.count else { throw self.fault("a value is malformed") }
        for offset in 0..<count where self.bytes[self.position + offset] != word.utf8Start[offset] { throw self.fault("a value is malformed") }
        self.position += count
    }

    private mutating func number() throws(JSONFault) {
        if self.bytes[self.position] == UInt8(ascii: "-") { self.position += 1 }
        let first = self.position
        guard self.digits() > 0 else { throw self.fault("a number is malformed") }
        guard self.bytes[first] != 0x30 || self.position == first + 1 else { throw self.fault("a number begins with 0") }
        if self.position < self.bytes.count, self.bytes[self.position] == UInt8(ascii: ".") {
            self.position += 1
            guard self.digits() > 0 else { throw self.fault("a number is malformed") }
        }
        if self.position < self.bytes.count, self.bytes[self.position] | 0x20 == UInt8(ascii: "e") {
            self.position += 1
            if self.position < self.bytes.count, self.bytes[self.position] == UInt8(ascii: "+") || self.bytes[self.position] == UInt8(ascii: "-") {
                self.position += 1
            }
            guard self.digits() > 0 else { throw self.fault("a number is malformed") }
        }
    }

    private mutating func digits() -> Int {
        let start = self.position
        while self.position < self.bytes.count, self.bytes[self.position] >= 0x30, self.bytes[self.position] <= 0x39 { self.position += 1 }
        return self.position - start
    }

    /// The string that begins at the quote here.
    private mutating func stringContent() throws(JSONFault) -> JSONText {
        let start = self.position + 1
        var index = start
        var hasEscapes = false
        let count = self.bytes.count
        while true {
            while index + ByteWord.size <= count {
                // By a branch and not by adding what was counted, which the next word would have to wait for.
                let marks = ByteWord(self.bytes, at: index).marksOfSpecials
                guard marks == 0 else {
                    index += ByteWord.bytesBefore(marks)
                    break
                }
                index += ByteWord.size
            }
            guard index < count else {
                self.position = index
                throw self.fault("a string has no end")
            }
            switch self.bytes[index] {
            case 0x22:
                self.position = index + 1
                return JSONText(bytes: UnsafeRawBufferPointer(rebasing: self.bytes[start..<index]), range: start..<index, hasEscapes: hasEscapes)
            case 0x5C:
                hasEscapes = true
                index = try self.escape(at: index)
            case 0..<0x20:
                self.position = index
                throw self.fault("a string holds a control character")
            case 0x80...:
                index = try self.multibyte(at: index)
            default:
                index += 1
            }
        }
    }

    /// Checks the escape at a backslash and gives the place behind it.
    private mutating func escape(at index: Int) throws(JSONFault) -> Int {
        self.position = index
        guard index + 1 < self.bytes.count else { throw self.fault("a string has no end") }
        switch self.bytes[index + 1] {
        case 0x22, 0x5C, UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"), UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            return index + 2
        case UInt8(ascii: "u"):
            guard let unit = self.bytes.hexUnit(at: index + 2) else { throw self.fault("an escape is malformed") }
            switch unit {
            case _ where self.isLenient: return index + 6
            case 0xD800...0xDBFF:
                guard index + 7 < self.bytes.count, self.bytes[index + 6] == 0x5C, self.bytes[index + 7] == UInt8(ascii: "u"),
                    let low = self.bytes.hexUnit(at: index + 8), (0xDC00...0xDFFF).contains(low)
                else { throw self.fault("a surrogate stands alone") }
                return index + 12
            case 0xDC00...0xDFFF: throw self.fault("a surrogate stands alone")
            default: return index + 6
            }
        default: throw self.fault("an escape is malformed")
        }
    }

    /// Checks one UTF-8 sequence (RFC 3629: shortest form, no surrogates) and gives the place behind it.
    private mutating func multibyte(at index: Int) throws(JSONFault) -> Int {
        if self.isLenient { return index + 1 }
        let lead = self.bytes[index]
        let length: Int
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch lead {
        case 0xC2...0xDF: length = 2
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: length = 3
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF1...0xF3: length = 4
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        default: length = 0
        }
        self.position = index
        guard length > 0, index + length <= self.bytes.count, second.contains(self.bytes[index + 1]) else { throw self.fault("a string is no UTF-8") }
        for offset in 2..<max(length, 2) where self.bytes[index + offset] & 0xC0 != 0x80 { throw self.fault("a string is no UTF-8") }
        return index + length
    }
}

/// A string of a JSON text as it stands there, escapes and all, without its quotes.
@usableFromInline
package struct JSONText {
    @usableFromInline package let bytes: UnsafeRawBufferPointer
    /// Where the content lies, quotes excluded.
    package let range: Range<Int>
    @usableFromInline package let hasEscapes: Bool

    init(bytes: UnsafeRawBufferPointer, range: Range<Int>, hasEscapes: Bool) {
        self.bytes = bytes
        self.range = range
        self.hasEscapes = hasEscapes
    }

    /// Whether it says this, however it is spelt. Names are asked for one after the other, so most differ in their length already.
    @inlinable
    package func says(_ text: StaticString) -> Bool {
        (self.bytes.count == text.utf8CodeUnitCount || self.hasEscapes) && self.isSame(as: text)
    }

    @usableFromInline
    func isSame(as text: StaticString) -> Bool {
        guard !self.hasEscapes else { return self.decoded == text.description }
        return self.bytes.equals(text)
    }

    package var isEmpty: Bool { self.bytes.isEmpty }

    /// The text with its escapes resolved.
    package var decoded: String {
        guard self.hasEscapes else { return String(decoding: self.bytes, as: UTF8.self) }
        var units: [UInt8] = []
        units.reserveCapacity(self.bytes.count)
        var index = 0
        while index < self.bytes.count {
            guard self.bytes[index] == 0x5C else {
                units.append(self.bytes[index])
                index += 1
                continue
            }
            let (scalar, width) = self.escape(at: index)
            units.append(contentsOf: String(Character(scalar)).utf8)
            index += width
        }
        return String(decoding: units, as: UTF8.self)
    }

    private func escape(at index: Int) -> (Unicode.Scalar, width: Int) {
        switch self.bytes[index + 1] {
        case UInt8(ascii: "b"): return ("\u{8}", 2)
        case UInt8(ascii: "f"): return ("\u{C}", 2)
        case UInt8(ascii: "n"): return ("\n", 2)
        case UInt8(ascii: "r"): return ("\r", 2)
        case UInt8(ascii: "t"): return ("\t", 2)
        case UInt8(ascii: "u"):
            let unit = self.bytes.hexUnit(at: index + 2) ?? 0xFFFD
            guard (0xD800...0xDBFF).contains(unit), let low = self.bytes.hexUnit(at: index + 8) else {
                return (Unicode.Scalar(unit) ?? "\u{FFFD}", 6)
            }
            return (Unicode.Scalar(0x10000 + (UInt32(unit) - 0xD800) << 10 + UInt32(low) - 0xDC00) ?? "\u{FFFD}", 12)
        default: return (Unicode.Scalar(self.bytes[index + 1]), 2)
        }
    }
}

extension UnsafeRawBufferPointer {
    /// Four hexadecimal digits as a UTF-16 unit.
    fileprivate func hexUnit(at index: Int) -> UInt16? {
        guard index + 4 <= self.count else { return nil }
        var unit: UInt16 = 0
        for offset in 0..<4 {
            guard let digit = self[index + offset].hexValue else { return nil }
            unit = unit << 4 | UInt16(digit)
        }
        return unit
    }
}
