package import SluiceCore

/// The proxy that calls to public hosts go through, in the words of the environment: `HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`.
///
/// They are read once, not by libcurl at every call: the environment changes under it when secrets are wiped from it.
package struct ProxySettings: Hashable, Sendable {
    /// For `https://` backends; a URL, or `host:port`.
    package var secure: String?
    /// For `http://` backends.
    package var plain: String?
    /// Hosts that are spoken to directly: names with all names below them, addresses, IPv4 networks as `10.0.0.0/8`, or `*`.
    package var exceptions: [String] = []

    package init() {}

    /// Lower-case names win, as with curl. Upper-case `HTTP_PROXY` is not read: a CGI caller can set it (httpoxy).
    package init(environment: [String: String]) {
        func value(_ names: String...) -> String? {
            names.lazy.compactMap { environment[$0] }.first { !$0.isEmpty }
        }
        self.secure = value("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
        self.plain = value("http_proxy", "all_proxy", "ALL_PROXY")
        let list = value("no_proxy", "NO_PROXY") ?? ""
        self.exceptions = list.split { $0 == "," || $0 == " " }.map { $0.lowercased() }
    }

    /// nil where the host is spoken to directly.
    package func proxy(for url: BackendURL) -> String? {
        guard let proxy = url.isSecure ? self.secure : self.plain else { return nil }
        return self.exceptions.contains { ProxySettings.covers($0, url) } ? nil : proxy
    }

    private static func covers(_ exception: String, _ url: BackendURL) -> Bool {
        if exception == "*" { return true }
        var name = exception.hasPrefix(".") ? exception.dropFirst() : exception[...]
        if let slash = name.firstIndex(of: "/") {
            guard let bits = Int(name[name.index(after: slash)...]), (0...32).contains(bits) else { return false }
            guard let network = self.number(name[..<slash]), let host = self.number(url.host[...]) else { return false }
            return bits == 0 || (network ^ host) >> (32 - UInt32(bits)) == 0
        }
        let end = ":\(url.port)"
        if name.hasSuffix(end), !name.hasSuffix("]"), name.firstIndex(of: ":") == name.lastIndex(of: ":") {
            name = name.dropLast(end.count)
        }
        if name.hasPrefix("["), name.hasSuffix("]") { name = name.dropFirst().dropLast() }
        return url.host == name || url.host.hasSuffix(".\(name)")
    }

    /// A dotted IPv4 address as a number.
    private static func number(_ text: Substring) -> UInt32? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        guard parts.count == 4 else { return nil }
        return parts.reduce(UInt32?.some(0)) { sum, part in part.flatMap { part in sum.map { $0 << 8 | UInt32(part) } } }
    }
}
