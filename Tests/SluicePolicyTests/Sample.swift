import FoundationEssentials
import SluiceCore

@testable import SluicePolicy

/// Policies that tests load.
enum Sample {
    static let now = Timestamp(rfc3339: "2026-11-23T14:30:00Z") ?? .distantPast

    /// The least that loads without a word.
    static let whole = """
        version: 1
        backends:
          first: { url: https://api.example.com/v1, price: { input: 1, cached: 0.1, output: 2 } }
          other: { url: https://other.example.com/v1, price: { input: 1, cached: 0.1, output: 2 } }
        models:
          chat: { first: m, other: n }
        windows:
          night: { hours: 22:00-06:00 }
        pools:
          both: { backends: [first, other] }
        classes:
          realtime: { serve: now, use: [both] }
          patient: { serve: later, use: [other], during: night, deadline: 24h }
        routes:
          - { match: { async: true }, class: patient }
          - { class: realtime }
        baseline: { backend: first, model: requested, serve: now }

        """

    static func load(
        _ texts: String..., environment: [String: String] = [:], purpose: PolicyEnvironment.Purpose = .check, book: PriceBook = PriceBook()
    ) -> LoadedPolicy {
        let files = texts.enumerated().map { PolicyFile(path: texts.count == 1 ? "p.yaml" : "p\($0.offset + 1).yaml", text: $0.element) }
        return PolicyLoader(environment: PolicyEnvironment(variables: environment, purpose: purpose), now: self.now, book: { _ in book })
            .load(files)
    }

    /// ``whole`` with something replaced that occurs in it.
    static func load(replacing old: String, with new: String, environment: [String: String] = [:]) -> LoadedPolicy {
        precondition(self.whole.contains(old), "the sample holds no \(old)")
        return self.load(self.replace(old, with: new), environment: environment)
    }

    static func replace(_ old: String, with new: String) -> String {
        guard let range = self.whole.firstRange(of: old) else { preconditionFailure("the sample holds no \(old)") }
        return self.whole.replacingCharacters(in: range, with: new)
    }

    /// The project's own folder.
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

    static func file(_ path: String) throws -> String { try String(contentsOfFile: "\(self.root)/\(path)", encoding: .utf8) }
}

extension String {
    fileprivate func firstRange(of text: String) -> Range<Index>? {
        var rest = self[...]
        while rest.count >= text.count {
            if rest.hasPrefix(text) { return rest.startIndex..<rest.index(rest.startIndex, offsetBy: text.count) }
            rest = rest.dropFirst()
        }
        return nil
    }

    fileprivate func replacingCharacters(in range: Range<Index>, with text: String) -> String {
        self[..<range.lowerBound] + text + self[range.upperBound...]
    }
}

extension LoadedPolicy {
    /// `CODE line:column` of each error and warning, in order.
    var findings: [String] {
        self.diagnostics.filter { $0.severity != .note }.map { "\($0.code.rawValue) \($0.span.place.line):\($0.span.place.column)" }
    }

    func first(_ code: Diagnostic.Code) -> Diagnostic? { self.diagnostics.first { $0.code == code } }
}
