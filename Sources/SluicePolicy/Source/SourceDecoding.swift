import SluiceCore

extension SourceText {
    /// Reads the bytes of a file as UTF-8.
    ///
    /// - Throws: What is wrong with them; nothing that YAML itself would stumble over is let through.
    init(decoding file: PolicyFile) throws(Diagnostic) {
        func refuse(_ code: Diagnostic.Code, _ message: String, line: Int = 1, hint: String? = nil) -> Diagnostic {
            Diagnostic(
                .error, code, message, at: SourceSpan(place: SourcePlace(file: file.path, line: line, column: 1), length: 1), hint: hint)
        }
        guard file.bytes.count <= PolicyFile.byteLimit else {
            throw refuse(.fileTooLarge, "the file has \(file.bytes.count) bytes; a policy file may have \(PolicyFile.byteLimit)")
        }
        if file.bytes.starts(with: [0xFF, 0xFE]) || file.bytes.starts(with: [0xFE, 0xFF]) || file.bytes.prefix(2).contains(0) {
            throw refuse(.notUTF8, "the file is UTF-16 or UTF-32, not UTF-8", hint: "save it as UTF-8")
        }
        var bytes = file.bytes[...]
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes = bytes.dropFirst(3) }
        if let zero = bytes.firstIndex(of: 0) {
            throw refuse(.notUTF8, "the file holds a NUL byte", line: file.bytes.line(of: zero))
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw refuse(.notUTF8, "the file is not valid UTF-8", line: file.bytes.line(of: bytes.endOfValidUTF8), hint: "save it as UTF-8")
        }
        self.init(path: file.path, text: text)
    }
}

extension [UInt8] {
    fileprivate func line(of index: Int) -> Int { self[..<index].count { $0 == UInt8(ascii: "\n") } + 1 }
}

extension ArraySlice<UInt8> {
    /// The start of the first line that is not valid UTF-8: near enough for a message.
    fileprivate var endOfValidUTF8: Int {
        var start = self.startIndex
        while start < self.endIndex {
            let end = self[start...].firstIndex(of: UInt8(ascii: "\n")) ?? self.endIndex
            guard String(validating: self[start..<end], as: UTF8.self) != nil else { return start }
            start = Swift.min(end + 1, self.endIndex)
        }
        return start
    }
}
