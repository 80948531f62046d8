import SluiceCore

/// The head of an HTTP/1.1 message, as ranges into the bytes it was read from; no header object is ever built.
///
/// Strict (RFC 9112; `promises.md` 3.1): CR LF only, token names, no space before the colon, no folding, visible values, one length.
package struct HTTPHead: Sendable {
    package struct Field: Sendable {
        package let id: HeaderName
        // Half as long as ranges: each connection keeps room for its next head.
        private let nameStart, nameEnd, valueStart, valueEnd: UInt32

        fileprivate init(id: HeaderName, name: Range<Int>, value: Range<Int>) {
            self.id = id
            self.nameStart = UInt32(name.lowerBound)
            self.nameEnd = UInt32(name.upperBound)
            self.valueStart = UInt32(value.lowerBound)
            self.valueEnd = UInt32(value.upperBound)
        }

        // What was a range is one again.
        package var name: Range<Int> { Range(uncheckedBounds: (Int(self.nameStart), Int(self.nameEnd))) }
        package var value: Range<Int> { Range(uncheckedBounds: (Int(self.valueStart), Int(self.valueEnd))) }
    }

    /// How the body's end is told.
    package enum Framing: Hashable, Sendable {
        case none
        case length(Int)
        case chunked
        /// By the connection's end; answers only.
        case untilClose
    }

    package struct Limits: Sendable {
        package var head = 32_768
        package var target = 8192
        package var fields = 100

        package init() {}
    }

    /// Bytes of the head, the empty line included.
    package fileprivate(set) var length = 0
    /// Requests only.
    package fileprivate(set) var method = 0..<0
    package fileprivate(set) var target = 0..<0
    /// Answers only.
    package fileprivate(set) var status = 0
    package fileprivate(set) var isHTTP10 = false
    package fileprivate(set) var fields: [Field] = []
    package fileprivate(set) var framing = Framing.none
    /// Whether the connection may carry another message after this one.
    package fileprivate(set) var keepsAlive = true
    package fileprivate(set) var expectsContinue = false

    /// - Parameter fields: For so many there is room from the beginning.
    package init(fields: Int = 24) {
        self.fields.reserveCapacity(fields)
    }

    package func first(_ id: HeaderName) -> Range<Int>? {
        self.fields.first { $0.id == id }?.value
    }
}

/// Why a head is refused, with the status that a client gets for it.
package struct HTTPFault: Error, Hashable, Sendable {
    package let status: Int
    package let reason: String

    package init(_ status: Int, _ reason: String) {
        self.status = status
        self.reason = reason
    }
}

extension HTTPHead {
    /// Reads the head of a request at the start of `bytes`.
    ///
    /// - Returns: false where the head is not complete yet.
    /// - Throws: What is wrong with it; the connection cannot go on after that.
    package mutating func scanRequest(_ bytes: UnsafeRawBufferPointer, limits: Limits = Limits()) throws(HTTPFault) -> Bool {
        var scanner = HeadScanner(bytes: bytes, limits: limits)
        self.begin()
        guard let line = try scanner.requestLine() else { return false }
        (self.method, self.target, self.isHTTP10) = line
        guard try scanner.fields(into: &self.fields, isRequest: true) else { return false }
        self.length = scanner.position
        try self.interpret(bytes, isRequest: true)
        return true
    }

    /// Reads the head of an answer at the start of `bytes`.
    ///
    /// - Parameter hasBody: false for the answer to a HEAD request.
    package mutating func scanAnswer(_ bytes: UnsafeRawBufferPointer, limits: Limits = Limits()) throws(HTTPFault) -> Bool {
        var scanner = HeadScanner(bytes: bytes, limits: limits)
        self.begin()
        guard let line = try scanner.statusLine() else { return false }
        (self.status, self.isHTTP10) = line
        guard try scanner.fields(into: &self.fields, isRequest: false) else { return false }
        self.length = scanner.position
        try self.interpret(bytes, isRequest: false)
        return true
    }

    private mutating func begin() {
        self.fields.removeAll(keepingCapacity: true)
        self.framing = .none
        self.keepsAlive = true
        self.expectsContinue = false
    }

    /// Draws the conclusions that the framing fields allow.
    private mutating func interpret(_ bytes: UnsafeRawBufferPointer, isRequest: Bool) throws(HTTPFault) {
        var length: Int?
        var isChunked = false
        var hosts = 0
        var saysClose = false
        self.keepsAlive = !self.isHTTP10
        for field in self.fields {
            let value = UnsafeRawBufferPointer(rebasing: bytes[field.value])
            switch field.id {
            case .contentLength:
                guard length == nil else { throw HTTPFault(400, "two Content-Length fields") }
                guard let number = value.decimal else {
                    guard value.isDigits else { throw HTTPFault(400, "Content-Length is no number") }
                    throw HTTPFault(413, "Content-Length is longer than any body may be")
                }
                length = number
            case .transferEncoding:
                guard !isChunked else { throw HTTPFault(400, "two Transfer-Encoding fields") }
                guard !self.isHTTP10 else { throw HTTPFault(400, "Transfer-Encoding in HTTP/1.0") }
                guard value.equals(ignoringCase: "chunked") else { throw HTTPHead.unknownCoding(value) }
                isChunked = true
            case .connection:
                if value.hasListed("close") { saysClose = true } else if value.hasListed("keep-alive") { self.keepsAlive = true }
            case .host:
                hosts += 1
                guard isRequest else { continue }
                guard value.isAuthority else { throw HTTPFault(400, "Host is no host") }
            case .expect where isRequest:
                guard value.equals(ignoringCase: "100-continue") else { throw HTTPFault(417, "only `Expect: 100-continue` is understood") }
                // HTTP/1.0 knows no interim answers (RFC 9110, 10.1.1).
                self.expectsContinue = !self.isHTTP10
            default:
                break
            }
        }
        if saysClose { self.keepsAlive = false }
        guard !(isChunked && length != nil) else { throw HTTPFault(400, "both Content-Length and Transfer-Encoding") }
        if isChunked { self.framing = .chunked } else if let length { self.framing = .length(length) }
        if isRequest {
            guard hosts == 1 || (hosts == 0 && self.isHTTP10) else { throw HTTPFault(400, hosts == 0 ? "Host is missing" : "two Host fields") }
            try self.checkTarget(bytes)
        } else if self.status < 200 || self.status == 204 || self.status == 304 {
            self.framing = .none
        } else if self.framing == .none {
            self.framing = .untilClose
            self.keepsAlive = false
        }
    }

    /// A coding before `chunked` is one that we do not have; anything else cannot be framed.
    private static func unknownCoding(_ value: UnsafeRawBufferPointer) -> HTTPFault {
        let text = String(decoding: value, as: UTF8.self).lowercased()
        let codings = text.split(separator: ",").map { $0.split(separator: " ").joined() }
        let isKnownElsewhere = codings.count == 2 && codings.last == "chunked" && ["gzip", "deflate", "compress", "identity", "x-gzip"].contains(codings[0])
        return isKnownElsewhere ? HTTPFault(501, "Transfer-Encoding other than `chunked`") : HTTPFault(400, "Transfer-Encoding other than `chunked`")
    }

    /// A path of visible ASCII in its one canonical form, or the absolute form for the same host (RFC 9112, 3.2).
    private mutating func checkTarget(_ bytes: UnsafeRawBufferPointer) throws(HTTPFault) {
        var path = self.target
        if bytes[path.lowerBound] != UInt8(ascii: "/") {
            let text = String(decoding: UnsafeRawBufferPointer(rebasing: bytes[path]), as: UTF8.self)
            guard let scheme = ["http://", "https://"].first(where: { text.lowercased().hasPrefix($0) }) else {
                throw HTTPFault(400, "the request target is no path")
            }
            let rest = text.dropFirst(scheme.count)
            let authority = rest.prefix { $0 != "/" && $0 != "?" }
            let host = self.first(.host).map { String(decoding: UnsafeRawBufferPointer(rebasing: bytes[$0]), as: UTF8.self) }
            guard host?.lowercased() == authority.lowercased() else { throw HTTPFault(400, "Host is not the target's") }
            path = path.lowerBound + scheme.count + authority.count..<path.upperBound
            guard !path.isEmpty, bytes[path.lowerBound] == UInt8(ascii: "/") else { throw HTTPFault(400, "the request target has no path") }
        }
        self.target = path
        guard UnsafeRawBufferPointer(rebasing: bytes[path]).isCanonicalPath else { throw HTTPFault(400, "the path is not in canonical form") }
    }
}

extension UnsafeRawBufferPointer {
    /// Digits only, up to 2⁶³ − 1.
    fileprivate var decimal: Int? {
        guard (1...19).contains(self.count) else { return nil }
        var value = 0
        for byte in self {
            guard byte >= 0x30, byte <= 0x39 else { return nil }
            let (scaled, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflowed) = scaled.addingReportingOverflow(Int(byte - 0x30))
            guard !overflow, !overflowed else { return nil }
            value = sum
        }
        return value
    }

    fileprivate var isDigits: Bool { !self.isEmpty && self.allSatisfy { $0 >= 0x30 && $0 <= 0x39 } }

    /// Whether a comma-separated list holds this word.
    fileprivate func hasListed(_ word: StaticString) -> Bool {
        if self.equals(ignoringCase: word) { return true }
        guard self.contains(UInt8(ascii: ",")) else { return false }
        return self.split(separator: UInt8(ascii: ",")).contains { part in
            var part = part
            while part.first == 0x20 || part.first == 0x09 { part = part.dropFirst() }
            while part.last == 0x20 || part.last == 0x09 { part = part.dropLast() }
            return UnsafeRawBufferPointer(rebasing: part).equals(ignoringCase: word)
        }
    }

    fileprivate var isAuthority: Bool {
        !self.isEmpty
            && self.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
                case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: ":"), UInt8(ascii: "["), UInt8(ascii: "]"): true
                default: false
                }
            }
    }

    /// No dot segments, no empty segments, no `;`, no encoded NUL, dot or slash tricks; the query is not looked at.
    fileprivate var isCanonicalPath: Bool {
        var index = 0
        var segment = 0
        while index < self.count, self[index] != UInt8(ascii: "?") {
            switch self[index] {
            case UInt8(ascii: "/"):
                guard index == 0 || (segment < index && !self.isDots(segment..<index)) else { return false }
                segment = index + 1
            case UInt8(ascii: ";"), UInt8(ascii: "\\"), UInt8(ascii: "#"):
                return false
            case UInt8(ascii: "%"):
                guard index + 2 < self.count, let high = self[index + 1].hexValue, let low = self[index + 2].hexValue else { return false }
                let byte = high << 4 | low
                guard byte >= 0x20, byte != 0x7F, byte != UInt8(ascii: "."), byte != UInt8(ascii: "\\") else { return false }
                index += 2
            default:
                break
            }
            index += 1
        }
        return !self.isDots(segment..<index)
    }

    private func isDots(_ range: Range<Int>) -> Bool {
        (range.count == 1 || range.count == 2) && range.allSatisfy { self[$0] == UInt8(ascii: ".") }
    }
}

extension UInt8 {
    package var hexValue: UInt8? {
        switch self {
        case 0x30...0x39: self - 0x30
        case 0x41...0x46: self - 0x41 + 10
        case 0x61...0x66: self - 0x61 + 10
        default: nil
        }
    }
}

/// Walks the bytes of a head once.
private struct HeadScanner {
    let bytes: UnsafeRawBufferPointer
    let limits: HTTPHead.Limits
    var position = 0

    init(bytes: UnsafeRawBufferPointer, limits: HTTPHead.Limits) {
        self.bytes = bytes
        self.limits = limits
    }

    /// nil where the bytes end first.
    mutating func requestLine() throws(HTTPFault) -> (method: Range<Int>, target: Range<Int>, isHTTP10: Bool)? {
        let count = self.bytes.count
        var index = 0
        while index < count, self.bytes[index].isToken { index += 1 }
        guard index <= 24 else { throw HTTPFault(400, "the method is too long") }
        guard index < count else { return nil }
        guard self.bytes[index] == 0x20, index > 0 else { throw HTTPFault(400, "the request line is malformed") }
        let method = 0..<index
        index += 1
        let start = index
        while index < count, self.bytes[index] > 0x20, self.bytes[index] < 0x7F { index += 1 }
        guard index - start <= self.limits.target else { throw HTTPFault(414, "the request target is longer than \(self.limits.target) bytes") }
        guard index < count else { return nil }
        guard self.bytes[index] == 0x20, index > start else { throw HTTPFault(400, "the request line is malformed") }
        let target = start..<index
        index += 1
        guard let isHTTP10 = try self.version(at: index) else { return nil }
        index += 8
        guard index + 1 < count else { return try self.lineEnd(at: index) }
        guard self.bytes[index] == 0x0D, self.bytes[index + 1] == 0x0A else { throw HTTPFault(400, "a line must end in CR LF") }
        self.position = index + 2
        return (method, target, isHTTP10)
    }

    mutating func statusLine() throws(HTTPFault) -> (status: Int, isHTTP10: Bool)? {
        guard let isHTTP10 = try self.version(at: 0) else { return nil }
        guard self.bytes.count > 12 else { return nil }
        guard self.bytes[8] == 0x20 else { throw HTTPFault(400, "the status line is malformed") }
        var status = 0
        for index in 9..<12 {
            guard self.bytes[index] >= 0x30, self.bytes[index] <= 0x39 else { throw HTTPFault(400, "the status is no number") }
            status = status * 10 + Int(self.bytes[index] - 0x30)
        }
        guard self.bytes[12] == 0x20 || self.bytes[12] == 0x0D else { throw HTTPFault(400, "the status line is malformed") }
        var index = 12
        while index < self.bytes.count, self.bytes[index] >= 0x20 || self.bytes[index] == 0x09 { index += 1 }
        guard index + 1 < self.bytes.count else { return try self.lineEnd(at: index) }
        guard self.bytes[index] == 0x0D, self.bytes[index + 1] == 0x0A else { throw HTTPFault(400, "a line must end in CR LF") }
        self.position = index + 2
        return (status, isHTTP10)
    }

    /// nil where the bytes end; what is there already must fit.
    private func version(at start: Int) throws(HTTPFault) -> Bool? {
        let expected: StaticString = "HTTP/1."
        for offset in 0..<7 {
            guard start + offset < self.bytes.count else { return nil }
            guard self.bytes[start + offset] == expected.utf8Start[offset] else { throw HTTPFault(400, "only HTTP/1.1 is spoken here") }
        }
        guard start + 7 < self.bytes.count else { return nil }
        switch self.bytes[start + 7] {
        case UInt8(ascii: "1"): return false
        case UInt8(ascii: "0"): return true
        default: throw HTTPFault(400, "only HTTP/1.1 is spoken here")
        }
    }

    /// The bytes end at or before the line's end: nil if they may still be right, so that more is waited for.
    private func lineEnd<Result>(at index: Int) throws(HTTPFault) -> Result? {
        guard index <= self.limits.head else { throw HTTPFault(431, "the head is longer than \(self.limits.head) bytes") }
        guard index >= self.bytes.count || self.bytes[index] == 0x0D else { throw HTTPFault(400, "a line must end in CR LF") }
        return nil
    }

    /// The first byte that no value may hold.
    private func endOfValue(from start: Int, before count: Int) -> Int {
        var index = start
        while index + ByteWord.size <= count {
            let marks = ByteWord(self.bytes, at: index).marksOfControls
            guard marks != 0 else {
                index += ByteWord.size
                continue
            }
            index += ByteWord.bytesBefore(marks)
            guard self.bytes[index] == 0x09 else { return index }
            index += 1
        }
        while index < count, self.bytes[index].isFieldContent { index += 1 }
        return index
    }

    /// Reads the fields and the empty line; false where the bytes end first.
    mutating func fields(into fields: inout [HTTPHead.Field], isRequest: Bool) throws(HTTPFault) -> Bool {
        let count = min(self.bytes.count, self.limits.head)
        var index = self.position
        while true {
            guard index + 1 < count else { break }
            if self.bytes[index] == 0x0D {
                guard self.bytes[index + 1] == 0x0A else { throw HTTPFault(400, "a line must end in CR LF") }
                self.position = index + 2
                return true
            }
            let name = index
            var hasUnderscore = false
            while index < count, self.bytes[index].isToken {
                hasUnderscore = hasUnderscore || self.bytes[index] == UInt8(ascii: "_")
                index += 1
            }
            guard index < count else { break }
            guard self.bytes[index] == UInt8(ascii: ":"), index > name else { throw HTTPFault(400, "a header name is malformed") }
            let nameRange = name..<index
            index += 1
            while index < count, self.bytes[index] == 0x20 || self.bytes[index] == 0x09 { index += 1 }
            let value = index
            index = self.endOfValue(from: index, before: count)
            guard index + 1 < count else { break }
            guard self.bytes[index] == 0x0D, self.bytes[index + 1] == 0x0A else { throw HTTPFault(400, "a header value is malformed") }
            var end = index
            while end > value, self.bytes[end - 1] == 0x20 || self.bytes[end - 1] == 0x09 { end -= 1 }
            index += 2
            let bytes = UnsafeRawBufferPointer(rebasing: self.bytes[nameRange])
            guard !isRequest || !hasUnderscore else { throw HTTPFault(400, "a header name has an underscore") }
            guard fields.count < self.limits.fields else { throw HTTPFault(431, "more than \(self.limits.fields) headers") }
            fields.append(HTTPHead.Field(id: HeaderName.identify(bytes), name: nameRange, value: value..<end))
        }
        guard self.bytes.count < self.limits.head else { throw HTTPFault(431, "the head is longer than \(self.limits.head) bytes") }
        return false
    }
}

extension UInt8 {
    /// `tchar` of RFC 9110, 5.6.2.
    var isToken: Bool {
        // One bit for each byte below 128 that is a token character.
        let low: UInt64 = 0x03FF_6CFA_0000_0000
        let high: UInt64 = 0x57FF_FFFF_C7FF_FFFE
        guard self < 0x80 else { return false }
        return (self < 0x40 ? low >> UInt64(self) : high >> UInt64(self - 0x40)) & 1 == 1
    }

    /// Visible characters, space, tab and bytes beyond ASCII.
    var isFieldContent: Bool { (self >= 0x20 && self != 0x7F) || self == 0x09 }
}
