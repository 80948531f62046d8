import SluiceCore

/// Turns what the files say into a policy whose names are indices, and checks what no single field can know.
///
/// It always goes to the end: a name that leads nowhere is reported and left out, so that all errors come at once.
struct PolicyLinker {
    var document: PolicyDocument
    let book: PriceBook
    let now: Timestamp
    private(set) var diagnostics: [Diagnostic] = []

    private let brokenNames: Set<BrokenName>
    let windows: NameTable
    let tenants: NameTable
    let backends: NameTable
    let models: NameTable
    let pools: NameTable
    let classes: NameTable

    /// - Parameter brokenNames: What is defined and could not be read: not unknown.
    init(_ document: PolicyDocument, brokenNames: Set<BrokenName> = [], book: PriceBook, now: Timestamp) {
        self.brokenNames = brokenNames
        self.document = document
        self.book = book
        self.now = now
        self.windows = NameTable("window", document.windows)
        self.tenants = NameTable("tenant", document.tenants)
        self.backends = NameTable("backend", document.backends)
        self.models = NameTable("model", document.models)
        self.pools = NameTable("pool", document.pools)
        self.classes = NameTable("class", document.classes)
    }

    /// Reports everything that is wrong; the parts make a policy only where nothing is.
    mutating func link() -> PolicySet.Parts {
        var parts = PolicySet.Parts()
        parts.currency = self.document.currency.value
        parts.zone = self.policyZone()
        parts.rejectsUnpriced = self.document.unpriced.value == .reject
        parts.server = self.server()
        // Nothing is converted: a book in another currency is no book.
        parts.book = self.book.currency == parts.currency ? self.book : PriceBook()
        parts.windows = self.linkWindows(zone: parts.zone).merging(parts.book.windows) { own, _ in own }
        parts.backends = self.linkBackends(zone: parts.zone)
        parts.models = self.linkModels(backends: parts.backends)
        parts.pools = self.linkPools(backends: parts.backends)
        parts.classes = self.linkClasses(zone: parts.zone)
        self.checkLanes(parts)
        parts.tenants = self.linkTenants()
        parts.substitutions = self.linkSubstitutions(classes: parts.classes)
        parts.budgets = self.linkBudgets()
        parts.budgets += self.spillBudgets(after: parts.budgets.count, parts.classes, pools: parts.pools)
        parts.routes = self.linkRoutes()
        parts.baseline = self.linkBaseline()
        parts.tests = self.linkTests(tenants: parts.tenants, routes: parts.routes)
        self.checkRoutes(parts.routes, classes: parts.classes)
        self.checkPrices(parts)
        return parts
    }

    mutating func report(
        _ severity: Diagnostic.Severity, _ code: Diagnostic.Code, _ message: String, at span: SourceSpan, hint: String? = nil
    ) {
        self.diagnostics.append(Diagnostic(severity, code, message, at: span, hint: hint))
    }

    /// Reports fields that mean nothing in this record.
    mutating func checkMisplaced(_ record: some PolicyRecord, in whole: String) {
        for (key, condition, span) in record.misplacedKeys {
            self.report(.error, .notApplicable, "`\(key)` belongs to \(condition), which \(whole) is not", at: span)
        }
    }

    /// The index behind a name; reported where there is none.
    mutating func resolve(_ name: Name, in table: NameTable, other: [NameTable] = []) -> Int? {
        if let index = table.index(of: name.text) { return index }
        guard !self.isBroken(name, in: table) else { return nil }
        self.diagnostics.append(table.unknown(name, other: other.isEmpty ? self.allTables : other))
        return nil
    }

    /// The index of a pool, or of the pool of one that every backend is.
    mutating func resolvePool(_ name: Name) -> Int? {
        if let index = self.pools.index(of: name.text) { return index }
        if let index = self.backends.index(of: name.text) { return self.document.pools.value.count + index }
        guard !self.isBroken(name, in: self.pools), !self.isBroken(name, in: self.backends) else { return nil }
        let diagnostic = self.pools.unknown(name)
        let near = self.backends.unknown(name)
        let isNear = { (hint: String?) in hint?.hasPrefix("did you mean") ?? false }
        if !isNear(diagnostic.hint), isNear(near.hint) {
            self.report(.error, .unknownName, diagnostic.message, at: name.span, hint: near.hint)
        } else {
            self.diagnostics.append(self.pools.unknown(name, other: self.allTables))
        }
        return nil
    }

    /// Whether a name may well be defined, in an entry or a section that could not be read.
    private func isBroken(_ name: Name, in table: NameTable) -> Bool {
        self.brokenNames.contains(BrokenName(noun: table.noun, name: name.text)) || table.isUnread
    }

    private var allTables: [NameTable] { [self.windows, self.tenants, self.backends, self.models, self.pools, self.classes] }

    private mutating func policyZone() -> String {
        guard let name = self.document.timezone.value else {
            if !self.document.timezone.isGiven { self.document.timezone.value = Name(text: "UTC", span: .nowhere) }
            return "UTC"
        }
        return self.zone(name) ?? "UTC"
    }

    /// A zone that the system knows.
    mutating func zone(_ name: Name) -> String? {
        if ZoneName.isKnown(name.text) { return name.text }
        let near = ZoneName.near(name.text)
        self.report(
            .error, .unknownZone, "the zone `\(name.text.cutForMessage)` is not known", at: name.span,
            hint: near.isEmpty ? "write it like `Europe/Berlin`" : "did you mean \(near.map { "`\($0)`" }.joined(separator: " or "))?")
        return nil
    }
}

extension SourceSpan {
    static let nowhere = SourceSpan(place: SourcePlace(file: "", line: 1, column: 1), length: 1)
}

/// Zones by the names of the tz database.
enum ZoneName {
    private static let plainNames: [String] = ["UTC", "GMT", "CET", "EET", "MET", "WET", "EST5EDT", "CST6CDT", "MST7MDT", "PST8PDT"]

    /// Abbreviations and fixed offsets are refused although Foundation takes them: `PST` has no daylight saving, and `GMT+2`
    /// counts backwards elsewhere.
    static func isKnown(_ name: String) -> Bool {
        (self.plainNames.contains(name) || name.contains("/")) && ZonedClock(name) != nil
    }

    /// Up to three names that may have been meant: a slip of the pen, or the city alone.
    static func near(_ name: String) -> [String] {
        let known = ZonedClock.knownZones + self.plainNames
        let lowercased = name.lowercased()
        if let same = known.first(where: { $0.lowercased() == lowercased }) { return [same] }
        let city = lowercased.split(separator: "/").last.map(String.init) ?? lowercased
        let sameCity = known.filter { $0.lowercased().split(separator: "/").last.map(String.init) == city }
        if !sameCity.isEmpty { return Array(sameCity.prefix(3)) }
        // An abbreviation is near to every other one.
        return name.count < 6 ? [] : NearName.best(for: name, among: known).map { [$0] } ?? []
    }
}
