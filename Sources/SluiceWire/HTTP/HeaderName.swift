import Glibc

/// A header that Sluice itself reads or writes; everything else is ``other`` and only looked at when a policy names it.
package enum HeaderName: UInt8, Sendable {
    case other
    case accept, authorization, connection, host, prefer, expect, cookie, te, via
    case anthropicBeta, anthropicVersion, contentEncoding, contentLength, contentType, idempotencyKey, openaiBeta, requestID
    case retryAfter, retryAfterMs, tracestate, traceparent, transferEncoding, upgrade, userAgent, xAPIKey, xRequestID, keepAlive
    case sluiceClass, sluiceDeadline, sluiceLatencyBudget, sluiceMaxCost, sluiceTags
    case stainlessReadTimeout, stainlessRetryCount, stainlessTimeout, xShouldRetry, setCookie, trailer

    /// Names in lower case by their case's raw value.
    private static let spellings: [StaticString] = [
        "", "accept", "authorization", "connection", "host", "prefer", "expect", "cookie", "te", "via",
        "anthropic-beta", "anthropic-version", "content-encoding", "content-length", "content-type", "idempotency-key", "openai-beta",
        "request-id", "retry-after", "retry-after-ms", "tracestate", "traceparent", "transfer-encoding", "upgrade", "user-agent", "x-api-key",
        "x-request-id", "keep-alive", "sluice-class", "sluice-deadline", "sluice-latency-budget", "sluice-max-cost", "sluice-tags",
        "x-stainless-read-timeout", "x-stainless-retry-count", "x-stainless-timeout", "x-should-retry", "set-cookie", "trailer",
    ]

    package var spelling: StaticString { HeaderName.spellings[Int(self.rawValue)] }

    /// The known header of this name, in any case of letters.
    static func identify(_ name: UnsafeRawBufferPointer) -> HeaderName {
        // The length and the first letter leave at most two candidates to compare.
        let first = name[0] | 0x20
        let candidates: (HeaderName, HeaderName)
        switch (name.count, first) {
        case (2, UInt8(ascii: "t")): candidates = (.te, .te)
        case (3, UInt8(ascii: "v")): candidates = (.via, .via)
        case (4, UInt8(ascii: "h")): candidates = (.host, .host)
        case (6, UInt8(ascii: "a")): candidates = (.accept, .accept)
        case (6, UInt8(ascii: "p")): candidates = (.prefer, .prefer)
        case (6, UInt8(ascii: "e")): candidates = (.expect, .expect)
        case (6, UInt8(ascii: "c")): candidates = (.cookie, .cookie)
        case (7, UInt8(ascii: "u")): candidates = (.upgrade, .upgrade)
        case (7, UInt8(ascii: "t")): candidates = (.trailer, .trailer)
        case (9, UInt8(ascii: "x")): candidates = (.xAPIKey, .xAPIKey)
        case (10, UInt8(ascii: "c")): candidates = (.connection, .connection)
        case (10, UInt8(ascii: "u")): candidates = (.userAgent, .userAgent)
        case (10, UInt8(ascii: "k")): candidates = (.keepAlive, .keepAlive)
        case (10, UInt8(ascii: "t")): candidates = (.tracestate, .tracestate)
        case (10, UInt8(ascii: "r")): candidates = (.requestID, .requestID)
        case (10, UInt8(ascii: "s")): candidates = (.setCookie, .setCookie)
        case (11, UInt8(ascii: "o")): candidates = (.openaiBeta, .openaiBeta)
        case (11, UInt8(ascii: "r")): candidates = (.retryAfter, .retryAfter)
        case (11, UInt8(ascii: "t")): candidates = (.traceparent, .traceparent)
        case (11, UInt8(ascii: "s")): candidates = (.sluiceTags, .sluiceTags)
        case (12, UInt8(ascii: "c")): candidates = (.contentType, .contentType)
        case (12, UInt8(ascii: "x")): candidates = (.xRequestID, .xRequestID)
        case (12, UInt8(ascii: "s")): candidates = (.sluiceClass, .sluiceClass)
        case (13, UInt8(ascii: "a")): candidates = (.authorization, .authorization)
        case (14, UInt8(ascii: "c")): candidates = (.contentLength, .contentLength)
        case (14, UInt8(ascii: "a")): candidates = (.anthropicBeta, .anthropicBeta)
        case (14, UInt8(ascii: "r")): candidates = (.retryAfterMs, .retryAfterMs)
        case (14, UInt8(ascii: "x")): candidates = (.xShouldRetry, .xShouldRetry)
        case (15, UInt8(ascii: "i")): candidates = (.idempotencyKey, .idempotencyKey)
        case (15, UInt8(ascii: "s")): candidates = (.sluiceDeadline, .sluiceMaxCost)
        case (16, UInt8(ascii: "c")): candidates = (.contentEncoding, .contentEncoding)
        case (17, UInt8(ascii: "t")): candidates = (.transferEncoding, .transferEncoding)
        case (17, UInt8(ascii: "a")): candidates = (.anthropicVersion, .anthropicVersion)
        case (19, UInt8(ascii: "x")): candidates = (.stainlessTimeout, .stainlessTimeout)
        case (21, UInt8(ascii: "s")): candidates = (.sluiceLatencyBudget, .sluiceLatencyBudget)
        case (23, UInt8(ascii: "x")): candidates = (.stainlessRetryCount, .stainlessRetryCount)
        case (24, UInt8(ascii: "x")): candidates = (.stainlessReadTimeout, .stainlessReadTimeout)
        default: return .other
        }
        if name.equals(ignoringCase: candidates.0.spelling) { return candidates.0 }
        if candidates.1 != candidates.0, name.equals(ignoringCase: candidates.1.spelling) { return candidates.1 }
        return .other
    }
}

extension UnsafeRawBufferPointer {
    /// Whether the bytes are this text.
    package func equals(_ text: StaticString) -> Bool {
        guard self.count == text.utf8CodeUnitCount else { return false }
        guard let start = self.baseAddress else { return true }
        return memcmp(start, text.utf8Start, self.count) == 0
    }

    /// Whether the bytes are this text, written in lower case, up to the case of ASCII letters.
    package func equals(ignoringCase text: StaticString) -> Bool {
        guard self.count == text.utf8CodeUnitCount else { return false }
        let expected = text.utf8Start
        for index in 0..<self.count {
            let byte = self[index]
            let lower = byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
            guard lower == expected[index] else { return false }
        }
        return true
    }
}
