import SluiceCore

/// The name of something whose definition could not be read.
struct BrokenName: Hashable, Sendable {
    var noun: String
    var name: String
}

/// What reading the fields of a policy needs and gathers: the environment, the way from the top to here, the diagnostics.
struct FieldReader {
    enum Step: Hashable, Sendable {
        case key(String)
        case entry(noun: String, name: Name)
        case index(Int)
    }

    let environment: PolicyEnvironment
    private(set) var steps: [Step] = []
    /// The records that are being read, outermost first, for «right key, wrong place».
    private(set) var levels: [any PolicyRecord.Type] = []
    private(set) var diagnostics: [Diagnostic] = []
    private(set) var notYet: [NotYet] = []
    /// Names whose definitions could not be read; they are defined all the same.
    private(set) var brokenNames: Set<BrokenName> = []
    /// Lines that must never be shown: a literal secret stands there.
    private(set) var secretLines: Set<SourcePlace> = []

    /// How many items the lists of the policy have in earlier files: they are counted through.
    private let itemsBefore: [String: Int]

    init(environment: PolicyEnvironment, itemsBefore: [String: Int] = [:]) {
        self.environment = environment
        self.itemsBefore = itemsBefore
    }

    /// The number by which the first item of the list at hand goes.
    var firstIndex: Int {
        guard self.steps.count == 1, case .key(let list)? = self.steps.last else { return 0 }
        return self.itemsBefore[list] ?? 0
    }

    mutating func within<Result>(_ step: Step, _ body: (inout FieldReader) -> Result) -> Result {
        self.steps.append(step)
        defer { self.steps.removeLast() }
        return body(&self)
    }

    mutating func within<Result>(_ level: any PolicyRecord.Type, _ body: (inout FieldReader) -> Result) -> Result {
        self.levels.append(level)
        defer { self.levels.removeLast() }
        return body(&self)
    }

    mutating func report(
        _ severity: Diagnostic.Severity, _ code: Diagnostic.Code, _ message: String, at span: SourceSpan, hint: String? = nil
    ) {
        self.diagnostics.append(Diagnostic(severity, code, message, at: span, hint: hint))
    }

    mutating func wrongType(_ node: SourceNode, wants: String) {
        if node.isEmpty {
            self.report(.error, .emptySection, "\(self.place) has an empty value; it wants \(wants)", at: node.span)
        } else {
            self.report(.error, .wrongType, "\(self.place) wants \(wants), found \(node.kind)", at: node.span)
        }
    }

    mutating func markNotYet(_ feature: Feature, at span: SourceSpan) {
        guard !Feature.actedOn.contains(feature) else { return }
        self.notYet.append(NotYet(path: self.path, feature: feature, span: span))
        self.report(
            .warning, .notYet,
            "\(self.place) is read but not yet acted on\(self.steps.last == .key(feature.rawValue) ? "" : " (\(feature.rawValue))")",
            at: span,
            hint: "`serve` refuses it without `--preview`")
    }

    /// A look at the files may do without an optional value, and not without a required one.
    mutating func refuseUnsetVariables(since count: Int) {
        for index in self.diagnostics.indices.dropFirst(count) where self.diagnostics[index].code == .unsetVariable {
            self.diagnostics[index].severity = .error
            self.diagnostics[index].hint = "set it, or give a default: ${NAME:-…}"
        }
    }

    mutating func markBroken(_ name: Name, noun: String) {
        self.brokenNames.insert(BrokenName(noun: noun, name: name.text))
    }

    /// Keeps the line of a literal secret from being shown.
    mutating func hideLine(of span: SourceSpan) {
        self.secretLines.insert(span.place.startOfLine)
    }

    /// The way from the top to here: `classes.desk.spill`, `routes[1].match`.
    var path: String {
        self.steps.reduce(into: "") { path, step in
            switch step {
            case .key(let key): path += path.isEmpty ? key : ".\(key)"
            case .entry(_, let name): path += ".\(name.text)"
            case .index(let index): path += "[\(index)]"
            }
        }
    }

    /// Where we are, in words: class `nightly`, `price` of backend `night`, routes[1], `spill` of class `desk`.
    var place: String { FieldReader.words(for: self.steps[...]) }

    private static func words(for steps: ArraySlice<Step>) -> String {
        guard let last = steps.last else { return "the policy" }
        var outer = steps.dropLast()
        let word: String
        switch last {
        case .key(let key):
            word = "`\(key)`"
        case .entry(let noun, let name):
            word = "\(noun) `\(name.text)`"
            if outer.count == 1 { return word }
        case .index(let index):
            guard case .key(let list)? = outer.popLast() else { return self.words(for: outer) }
            word = "\(list)[\(index)]"
        }
        return outer.isEmpty ? word : "\(word) of \(self.words(for: outer))"
    }
}

extension SourcePlace {
    var startOfLine: SourcePlace { SourcePlace(file: self.file, line: self.line, column: 1) }
}
