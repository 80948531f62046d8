/// One part of a form: its name, and the name of its file where it is one.
package struct MultipartPart: Hashable, Sendable {
    package let name: String
    /// The last component of what the client wrote: never a path.
    package let filename: String?

    /// From the header lines of a part; nil without a `Content-Disposition: form-data` that has a name.
    init?(head: String) {
        for line in head.split(separator: "\r\n") {
            let pair = line.split(separator: ":", maxSplits: 1)
            guard pair.count == 2, pair[0].lowercased() == "content-disposition" else { continue }
            var parameters = HeaderParameters(String(pair[1]))
            guard parameters.value.lowercased() == "form-data", let name = parameters.take("name") else { return nil }
            self.name = name
            let given = parameters.take("filename*").flatMap(MultipartPart.extended) ?? parameters.take("filename")
            self.filename = given.map(MultipartPart.lastComponent)
            return
        }
        return nil
    }

    /// `UTF-8''na%C3%AFve.jsonl` (RFC 8187).
    private static func extended(_ text: String) -> String? {
        let parts = text.split(separator: "'", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].lowercased() == "utf-8" else { return nil }
        return parts[2].percentDecoded
    }

    private static func lastComponent(_ name: String) -> String {
        let decoded = Substring(name).percentDecoded ?? name
        let last = decoded.split { $0 == "/" || $0 == "\\" }.last ?? ""
        let clean = String(String.UnicodeScalarView(last.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7F }).prefix(255))
        return clean.isEmpty || clean == "." || clean == ".." ? "file" : clean
    }
}
