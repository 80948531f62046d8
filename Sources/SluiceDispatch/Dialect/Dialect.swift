package import NIOCore
package import SluiceCore
package import SluiceWire

/// How a kind of backend is spoken to: what a request must look like, and what its answers say.
package protocol Dialect: Sendable {
    /// The control fields that such a backend knows; others are taken out of the body.
    func knownControls(in fields: RequestFields) -> Set<RequestFields.Control>
    /// Whether `stream_options.include_usage` is understood on this endpoint.
    func asksUsage(on endpoint: Endpoint) -> Bool
    /// The header line that carries the backend's key, CR LF included.
    func authorization(_ key: String) -> String
    /// A reader for one streamed answer.
    func streamReader(for endpoint: Endpoint) -> any StreamReader
    /// Reads a whole answer of status 2xx.
    func readWhole(_ body: UnsafeRawBufferPointer, on endpoint: Endpoint) -> WholeReading
}

/// Reads the events of one streamed answer, one after the other.
package protocol StreamReader: AnyObject {
    var facts: AnswerFacts { get }
    /// Looks at one whole event, its empty line included.
    func read(_ event: UnsafeRawBufferPointer) -> EventReading
    /// Looks at one piece of an event that is too long to hold; it is passed on at once, whatever it means.
    func readOversize(_ part: UnsafeRawBufferPointer, _ place: OversizePlace) -> EventReading
    /// The event that tells the client of an error of ours, in the route's own words.
    func errorEvent(_ refusal: Refusal, into buffer: inout ByteBuffer)
    /// What the client gets in place of an error event of the backend's own; nil where it passes as it came.
    func rewrittenError(_ event: UnsafeRawBufferPointer, problem: UpstreamProblem, into buffer: inout ByteBuffer) -> Bool
    /// The client's own copy of a usage event, with Sluice's cost beside the usage; false where it passes as it came.
    func annotatedUsage(_ event: UnsafeRawBufferPointer, note: String, into buffer: inout ByteBuffer) -> Bool
}

/// Where a piece stands in an event that is too long to hold.
package enum OversizePlace: Sendable {
    case first, middle
    /// With the empty line that ends the event.
    case last
}

/// What one event means for the relay.
package struct EventReading: Sendable {
    package enum Kind: Sendable {
        /// Nothing that a client would miss if another backend answered instead: comments, pings, roles.
        case neutral
        /// A part of the answer.
        case content
        /// Carries nothing but the usage.
        case usageOnly
        /// The dialect's own end.
        case end
        case error(UpstreamProblem)
    }

    package var kind: Kind
    /// The event has text, a tool call or the like: the first one is the first token.
    package var hasToken: Bool

    package init(_ kind: Kind, hasToken: Bool = false) {
        self.kind = kind
        self.hasToken = hasToken
    }
}

/// An error that a backend reported inside an answer.
package struct UpstreamProblem: Hashable, Sendable {
    /// The status that a client gets for it while nothing was committed.
    package var status: Int
    /// The backend's own words.
    package var message: String
    package var type: String?
    package var code: String?

    package init(status: Int, message: String, type: String?, code: String?) {
        self.status = status
        self.message = message
        self.type = type
        self.code = code
    }
}

/// What an answer said of itself.
package struct AnswerFacts: Sendable {
    package var upstreamID: String?
    package var model: String?
    package var tier: String?
    package var usage: ReportedUsage?
    package var providerCost: Money?
    /// Events with content that were seen: each has at least one token.
    package var tokens = 0
    package var textBytes = 0
    /// Choices that began and had no `finish_reason` yet, one bit each (the 64th stands for all beyond).
    package var openChoices: UInt64 = 0
    package var finishedChoices = 0
    /// The dialect's own end was seen.
    package var isEnded = false

    package init() {}

    /// Every choice that began has ended, and at least one did.
    package var isFinished: Bool { self.isEnded || (self.finishedChoices > 0 && self.openChoices == 0) }
}

/// Counts as a provider reported them, made disjoint.
package struct ReportedUsage: Hashable, Sendable {
    package var usage: TokenUsage
    /// They add up to the provider's own totals.
    package var addsUp: Bool
    /// Some count is negative or beyond any context.
    package var isAbsurd: Bool

    package init(usage: TokenUsage, addsUp: Bool, isAbsurd: Bool) {
        self.usage = usage
        self.addsUp = addsUp
        self.isAbsurd = isAbsurd
    }
}

/// What a whole answer turned out to be.
package struct WholeReading: Sendable {
    package enum Kind: Sendable {
        case answer
        /// A 200 with an error object in it.
        case error(UpstreamProblem)
        /// Empty, HTML or half a JSON: nobody knows what became of the request.
        case garbage(String)
    }

    package var kind: Kind
    package var facts: AnswerFacts

    package init(_ kind: Kind, facts: AnswerFacts) {
        self.kind = kind
        self.facts = facts
    }
}
