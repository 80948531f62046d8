/// How a client stands with a limit per minute, for the headers of its answer.
package struct Quota: Hashable, Sendable {
    package enum Kind: String, Sendable {
        case requests, tokens
    }

    package var kind: Kind
    package var limit: Int
    package var left: Int
    /// Until all of it is there again.
    package var reset: Duration

    package init(_ kind: Kind, limit: Int, left: Int, reset: Duration) {
        self.kind = kind
        self.limit = limit
        self.left = left
        self.reset = reset
    }
}

extension [Quota] {
    /// Header lines, each with CR LF: OpenAI's three for each limit, and the IETF draft's `RateLimit` and `RateLimit-Policy`.
    package var headerLines: [UInt8] {
        guard !self.isEmpty else { return [] }
        var lines = ""
        for quota in self {
            let kind = quota.kind.rawValue
            lines += "x-ratelimit-limit-\(kind): \(quota.limit)\r\n"
            lines += "x-ratelimit-remaining-\(kind): \(quota.left)\r\n"
            lines += "x-ratelimit-reset-\(kind): \(quota.resetSeconds)s\r\n"
        }
        lines += "ratelimit-policy: " + self.map { "\"\($0.kind.rawValue)\";q=\($0.limit);w=60" }.joined(separator: ", ") + "\r\n"
        lines += "ratelimit: " + self.map { "\"\($0.kind.rawValue)\";r=\($0.left);t=\($0.resetSeconds)" }.joined(separator: ", ") + "\r\n"
        return [UInt8](lines.utf8)
    }
}

extension Quota {
    fileprivate var resetSeconds: Int64 { (max(self.reset, .zero).milliseconds + 999) / 1000 }
}
