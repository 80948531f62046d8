import ArgumentParser
import FoundationEssentials
import Glibc
import SluiceCore
import SluicePolicy
import SluiceSQLite
import SluiceServer
import SluiceWire

struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Shows the decision for a request, imagined or past, and why.",
        discussion: "Imagined: by options, or with --curl from a request body on stdin. Past: --request-id, from the ledger.")

    @OptionGroup var policy: PolicyOptions
    @OptionGroup var data: DataOptions

    @Option(help: "A request of the past, by the x-request-id that its client saw.")
    var requestID: String?

    @Flag(help: "Read a request body from stdin.")
    var curl = false

    @Option(help: "The tenant that asks; else the one of --key, else `default`.")
    var tenant: String?

    @Option(help: "The name of the API key.")
    var key: String?

    @Option(help: "The model that is asked for.")
    var model: String?

    @Option(help: "chat, completions, embeddings, responses or messages.")
    var endpoint: String?

    @Option(help: "Tokens of the prompt.")
    var inputTokens: Int?

    @Option(help: "Tokens that the answer may have.")
    var maxTokens: Int?

    @Flag(help: "The answer is streamed.")
    var stream = false

    @Flag(name: .customLong("async"), help: "The client agreed to wait.")
    var isAsync = false

    @Option(help: ArgumentHelp("A header, such as x-surface=voice; may be repeated.", valueName: "name=value"))
    var header: [String] = []

    @Option(help: ArgumentHelp("Metadata, such as job=eval; may be repeated.", valueName: "name=value"))
    var metadata: [String] = []

    @Option(help: "When; else now. RFC 3339, or a date and time by the policy's clock: '2026-11-23 15:30'.")
    var at: String?

    @Option(help: "text or json.")
    var output = OutputFormat.text

    func run() throws {
        let console = Console()
        if let requestID { return try self.explainPast(requestID, console) }
        let policy = try self.loadedPolicy(console)
        let now = try self.moment(policy)
        let body = self.curl ? try self.readBody(console) : nil
        let request = try self.request(policy, body)
        let tenant = policy.tenants.first { $0.name == request.tenant } ?? policy.defaultTenant
        do throws(Refusal) {
            let moment = Now(wall: now, monotonic: MonotonicInstant(nanoseconds: 0))
            let explanation = try Explanation(request, tenant: tenant, policy: policy, at: moment, prefix: { body?.prefix(tokens: $0) })
            switch self.output {
            case .json: try? console.print(json: ExplainReport(explanation, request, policy))
            case .text: console.print(ExplainText(explanation, request, tenant: tenant, policy, at: now).text, terminator: "")
            }
        } catch {
            switch self.output {
            case .json: try console.print(json: ExplainReport(error, request, policy))
            case .text: console.talk("sluice: the request would be refused with \(error.status) \(error.code.rawValue): \(error.message)")
            }
            throw ExitCode(1)
        }
    }

    private func loadedPolicy(_ console: Console) throws -> PolicySet {
        do {
            let loaded = try self.policy.read(at: .now)
            if let policy = loaded.policy { return policy }
            throw CommandFailure(loaded, console).report(as: self.output, on: console)
        } catch let missing as PolicyFolder.Missing {
            throw CommandFailure(message: missing.message).report(as: self.output, on: console)
        }
    }

    /// A time without an offset is by the policy's clock.
    private func moment(_ policy: PolicySet) throws -> Timestamp {
        guard let at else { return .now }
        if let instant = Timestamp(rfc3339: at), at.utf8.count > 10 { return instant }
        guard let utc = Timestamp(rfc3339: at.utf8.count <= 10 ? at : at + "Z"), let clock = ZonedClock(policy.zone) else {
            throw ValidationError("--at wants a time such as 2026-11-23T15:30:00+01:00 or '2026-11-23 15:30'.")
        }
        let utcClock = ZonedClock("UTC") ?? clock
        return clock.instant(day: utcClock.date(at: utc).daysSince1970, second: utcClock.second(at: utc))
    }

    private func request(_ policy: PolicySet, _ body: Body?) throws -> InferenceRequest {
        var request = try body?.request ?? self.imaginedRequest()
        request.key = self.key
        request.tenant = self.tenant ?? self.key.map { policy.tenant(ofKey: $0, madeFor: nil).name } ?? policy.defaultTenant.name
        guard policy.tenants.contains(where: { $0.name == request.tenant }) else {
            let near = NearName.best(for: request.tenant, among: policy.tenants.map(\.name))
            throw ValidationError("there is no tenant `\(request.tenant)`\(near.map { "; did you mean `\($0)`?" } ?? "")")
        }
        for header in self.header {
            let (name, value) = try ExplainCommand.pair(header, "--header")
            request.headers[name.lowercased()] = value
            do throws(Refusal) { try request.wishes.read(header: name.lowercased(), value: value) } catch { throw ValidationError(error.message) }
        }
        for item in self.metadata {
            let (name, value) = try ExplainCommand.pair(item, "--metadata")
            request.tags[name] = value
        }
        if self.isAsync { request.consent = .respondAsync(wait: nil) }
        return request
    }

    private func imaginedRequest() throws -> InferenceRequest {
        guard let model else { throw ValidationError("name the model with --model, or give a request body with --curl") }
        var request = InferenceRequest(endpoint: try self.namedEndpoint() ?? .chat, tenant: "default", model: model)
        request.inputTokens = self.inputTokens ?? 100
        request.promptBytes = request.inputTokens * 4
        request.maxTokens = self.maxTokens
        request.isStream = self.stream
        return request
    }

    /// A request body with what is found in it.
    private struct Body {
        let bytes: [UInt8]
        let endpoint: Endpoint
        let fields: RequestFields

        var request: InferenceRequest {
            var request = InferenceRequest(self.fields, endpoint: self.endpoint, tenant: "default")
            if self.fields.serviceTier == "flex" || self.fields.serviceTier == "batch" { request.consent = .tier }
            return request
        }

        func prefix(tokens: Int) -> UInt64? {
            self.fields.promptRange == nil ? nil : self.bytes.withUnsafeBytes { self.fields.prefixHash(in: $0, tokens: tokens) }
        }
    }

    private func readBody(_ console: Console) throws -> Body {
        let bytes = console.readAll()
        let endpoint = try self.namedEndpoint() ?? ExplainCommand.endpoint(of: bytes)
        do {
            let fields = try bytes.withUnsafeBytes { bytes throws(Refusal) in try RequestFields(bytes, endpoint: endpoint) }
            return Body(bytes: bytes, endpoint: endpoint, fields: fields)
        } catch let error as Refusal {
            throw CommandFailure(message: "the request body would be refused: \(error.message)").report(as: self.output, on: console)
        }
    }

    private func namedEndpoint() throws -> Endpoint? {
        guard let endpoint else { return nil }
        guard let match = Endpoint(name: endpoint) else {
            throw ValidationError("--endpoint is one of \(Endpoint.allCases.map(\.name).joined(separator: ", "))")
        }
        return match
    }

    /// The endpoint that a body is most likely meant for.
    private static func endpoint(of body: [UInt8]) -> Endpoint {
        body.withUnsafeBytes { bytes in
            var cursor = JSONCursor(bytes)
            var found = Endpoint.chat
            try? cursor.members { key, cursor throws(JSONFault) in
                if key.says("prompt") { found = .completions }
                if key.says("input") { found = .responses }
                try cursor.value()
            }
            return found
        }
    }

    private static func pair(_ text: String, _ option: String) throws -> (String, String) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, !parts[0].isEmpty else { throw ValidationError("\(option) wants name=value, not `\(text)`") }
        return (parts[0], parts[1])
    }
}

extension ExplainCommand {
    /// A request of the past, from the ledger of a server that may or may not run.
    private func explainPast(_ id: String, _ console: Console) throws {
        let past: PastRequest?
        do throws(StoreError) {
            let ledger = SQLiteLedger(reading: try StoreReader(file: self.data.folder().database))
            var rows = try ledger.rows(ofRequest: id)
            // A server that runs writes down what has ended after a tenth of a second.
            for _ in 0..<12 where rows.isEmpty {
                usleep(25_000)
                rows = try ledger.rows(ofRequest: id)
            }
            past = PastRequest(rows)
        } catch {
            throw CommandFailure(message: error.message).report(as: self.output, on: console)
        }
        guard let past else {
            throw CommandFailure(message: "the ledger has no request \(id)").report(as: self.output, on: console)
        }
        switch self.output {
        case .json: console.print(String(decoding: past.json, as: UTF8.self))
        case .text: console.print(past.text, terminator: "")
        }
    }
}
