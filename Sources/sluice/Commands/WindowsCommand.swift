import ArgumentParser
import SluiceCore
import SluicePolicy

struct WindowsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "windows", abstract: "Shows when the windows of a policy open and close, odd nights of daylight saving included.")

    @OptionGroup var policy: PolicyOptions

    @Option(help: "How far to look ahead, such as 7d.")
    var next = "7d"

    @Option(help: "From when; else now. RFC 3339.")
    var since: String?

    @Option(help: "text or json.")
    var output = OutputFormat.text

    func validate() throws {
        guard let length = DurationText.parse(self.next), length > .zero, length <= .seconds(3660 * 86_400) else {
            throw ValidationError("--next wants a duration such as 7d, and at most ten years.")
        }
        guard self.since.map({ Timestamp(rfc3339: $0) != nil }) ?? true else {
            throw ValidationError("--since wants a time such as 2026-11-23T15:30:00+01:00.")
        }
    }

    func run() throws {
        let console = Console()
        let now = self.since.flatMap { Timestamp(rfc3339: $0) } ?? .now
        let length = DurationText.parse(self.next) ?? .zero
        let policy = try self.loadedPolicy(at: now, console)
        let listing = WindowListing(of: policy, in: now..<now + length)
        switch self.output {
        case .json: try console.print(json: listing)
        case .text: console.print(WindowTable(listing).text, terminator: "")
        }
    }

    private func loadedPolicy(at now: Timestamp, _ console: Console) throws -> PolicySet {
        do {
            let loaded = try self.policy.read(at: now)
            if let policy = loaded.policy { return policy }
            throw CommandFailure(loaded, console).report(as: self.output, on: console)
        } catch let missing as PolicyFolder.Missing {
            throw CommandFailure(message: missing.message).report(as: self.output, on: console)
        }
    }
}

extension CommandFailure {
    /// The policy is there and does not load.
    init(_ loaded: LoadedPolicy, _ console: Console) {
        let errors = loaded.diagnostics.filter { $0.severity == .error }
        self.init(
            message: "the policy does not load: \(errors.first?.message ?? "")",
            places: errors.map { Place(file: $0.span.place.file, line: $0.span.place.line, column: $0.span.place.column) },
            hint: "`sluice check` shows all \(errors.count == 1 ? "of it" : "\(errors.count) errors")")
    }
}
