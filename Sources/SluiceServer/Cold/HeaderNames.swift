import HTTPTypes

extension HTTPField.Name {
    /// A name that is known to be one.
    private static func known(_ name: String) -> HTTPField.Name {
        guard let field = HTTPField.Name(name) else { preconditionFailure("\(name) is no header name") }
        return field
    }

    static let requestID = known("x-request-id")
    static let anthropicRequestID = known("request-id")
    static let anthropicVersion = known("anthropic-version")
    static let apiKey = known("x-api-key")
    static let secFetchSite = known("sec-fetch-site")
    static let shouldRetry = known("x-should-retry")
    static let idempotencyKey = known("idempotency-key")
    static let sluiceQuote = known("sluice-quote")
    static let sluiceRoute = known("sluice-route")
    static let sluiceCost = known("sluice-cost")
    static let sluiceWarnings = known("sluice-warnings")
    static let sluiceErrorSource = known("sluice-error-source")
}
