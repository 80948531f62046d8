/// One part of a form: its name, and the name of its file where it is one.
package struct MultipartPart: Hashable, Sendable {
    package let name: String
    /// The last component of what the client wrote: never a path.
    package let filename: String?

    /// From the header lines of a part.
    ///
    /// - Throws: Where it has no `Content-Disposition: form-data` with a name, a file's name has a NUL, or the part is a form itself (RFC 7578, 4.3:
    ///   several files are several parts).
    init(head: String) throws(MultipartFault) {
        var disposition: String?
        for line in head.split(separator: "\r\n") {
            let pair = line.split(separator: ":", maxSplits: 1)
            guard pair.count == 2 else { continue }
            switch pair[0].lowercased() {
            case "content-disposition": disposition = disposition ?? String(pair[1])
            case "content-type" where HeaderParameters(String(pair[1])).value.lowercased().hasPrefix("multipart/"):
                throw MultipartFault(reason: "a part is multipart itself; send each file as a part of its own")
            default: continue
            }
        }
        var parameters = HeaderParameters(disposition ?? "")
        guard parameters.value.lowercased() == "form-data", let name = parameters.take("name") else {
            throw MultipartFault(reason: "a part has no Content-Disposition with a name")
        }
        self.name = name
        let given = parameters.take("filename*").flatMap(MultipartPart.extended) ?? parameters.take("filename")
        self.filename = try given.map { (name) throws(MultipartFault) in try MultipartPart.lastComponent(name) }
    }

    /// `UTF-8''na%C3%AFve.jsonl` (RFC 8187).
    private static func extended(_ text: String) -> String? {
        let parts = text.split(separator: "'", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].lowercased() == "utf-8" else { return nil }
        return parts[2].percentDecoded
    }

    private static func lastComponent(_ name: String) throws(MultipartFault) -> String {
        let decoded = Substring(name).percentDecoded ?? name
        // Some readers end a name there: it would be another one for each.
        guard !decoded.unicodeScalars.contains("\0") else { throw MultipartFault(reason: "a file's name has a NUL") }
        let last = decoded.split { $0 == "/" || $0 == "\\" }.last ?? ""
        let clean = String(String.UnicodeScalarView(last.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7F }).prefix(255))
        return clean.isEmpty || clean == "." || clean == ".." ? "file" : clean
    }
}
