/// What the entries of one roll-up have in common. Absent names are empty.
package struct RollupKey: Hashable, Sendable {
    /// What stands for a tag in roll-ups that count each entry once: whether there is any.
    package static let untagged = ""
    package static let tagged = "*"

    /// The roll-up counts entries once for each of their tags, not once.
    package var byTag: Bool
    /// The start of the hour.
    package var hour: Timestamp
    /// `name=value`, or ``tagged`` or ``untagged``.
    package var tag: String
    package var currency: String
    package var tenant: String
    package var key: String
    package var trafficClass: String
    package var route: String
    package var backend: String
    package var model: String

    /// No entry has it.
    fileprivate static let ofNothing = RollupKey(
        byTag: false, hour: .distantPast, tag: RollupKey.untagged, currency: "", tenant: "", key: "", trafficClass: "", route: "", backend: "", model: "")

    package init(
        byTag: Bool, hour: Timestamp, tag: String, currency: String, tenant: String, key: String, trafficClass: String, route: String,
        backend: String, model: String
    ) {
        self.byTag = byTag
        self.hour = hour
        self.tag = tag
        self.currency = currency
        self.tenant = tenant
        self.key = key
        self.trafficClass = trafficClass
        self.route = route
        self.backend = backend
        self.model = model
    }

    /// The key under which an entry counts once.
    package init(_ entry: LedgerEntry) {
        let subject = entry.subject
        self.init(
            byTag: false, hour: entry.at.hour, tag: subject?.tags.isEmpty ?? true ? RollupKey.untagged : RollupKey.tagged,
            currency: subject?.currency ?? entry.currency ?? "", tenant: subject?.tenant ?? "", key: subject?.key ?? "",
            trafficClass: subject?.trafficClass ?? "",
            route: subject?.route ?? "", backend: entry.target?.backend ?? "", model: subject?.model ?? "")
    }

    /// Whether ``init(_:)`` would give this key.
    func isKey(of entry: LedgerEntry) -> Bool {
        guard !self.byTag, self.hour == entry.at.hour, let subject = entry.subject, let target = entry.target else { return false }
        return self.tag == (subject.tags.isEmpty ? RollupKey.untagged : RollupKey.tagged) && self.currency == subject.currency
            && self.tenant == subject.tenant && self.key == subject.key ?? "" && self.trafficClass == subject.trafficClass
            && self.route == subject.route && self.backend == target.backend && self.model == subject.model
    }

    package subscript(dimension: RollupDimension) -> String? {
        switch dimension {
        case .tenant: self.tenant.nilIfEmpty
        case .trafficClass: self.trafficClass.nilIfEmpty
        case .backend: self.backend.nilIfEmpty
        case .model: self.model.nilIfEmpty
        case .route: self.route.nilIfEmpty
        case .tag: self.byTag ? self.tag : nil
        case .key: self.key.nilIfEmpty
        case .hour: self.hour.description
        case .day: String(self.hour.description.prefix(10))
        case .month: String(self.hour.description.prefix(7))
        case .currency: self.currency.nilIfEmpty
        }
    }
}

extension String {
    fileprivate var nilIfEmpty: String? { self.isEmpty ? nil : self }
}

/// Sums of entries by key: what a group of entries adds to the roll-ups.
package struct Rollups: Sendable {
    /// How many tags of one hour have rows of their own; what comes beyond them counts under its name with the value `*`. Tags come from clients,
    /// so their number must not be theirs to choose.
    package static let tagsPerHour = 1000

    private var sums: [RollupKey: RollupMeasures] = [:]
    /// The sum that was added to last, taken out of ``sums``: entries come in long runs of the same key. Two fields, and no optional, so that it is
    /// added to in its place.
    private var latestKey = RollupKey.ofNothing
    private var latestSum = RollupMeasures()
    private var tags: [Timestamp: Set<String>] = [:]

    package init() {}

    package var measures: [RollupKey: RollupMeasures] {
        guard self.latestKey != .ofNothing else { return self.sums }
        var all = self.sums
        all[self.latestKey] = self.latestSum
        return all
    }

    /// Starts the next group; the tags that were seen stay known.
    package mutating func removeAll() {
        self.sums.removeAll(keepingCapacity: true)
        self.latestKey = .ofNothing
        if self.tags.count > 3, let oldest = self.tags.keys.min() { self.tags[oldest] = nil }
    }

    package mutating func add(_ entry: LedgerEntry) {
        guard entry.ended != nil else { return }
        if !self.latestKey.isKey(of: entry) { self.turn(to: RollupKey(entry)) }
        self.latestSum.add(entry)
        guard let tags = entry.subject?.tags, !tags.isEmpty else { return }
        var key = RollupKey(entry)
        key.byTag = true
        for (name, value) in tags {
            key.tag = self.known("\(name)=\(value)", else: "\(name)=*", in: key.hour)
            if self.latestKey != key { self.turn(to: key) }
            self.latestSum.add(entry)
        }
    }

    /// Adds what other entries came to.
    package mutating func add(_ other: Rollups) {
        for (key, sum) in other.measures {
            var key = key
            if key.byTag, let name = key.tag.firstIndex(of: "=") { key.tag = self.known(key.tag, else: "\(key.tag[..<name])=*", in: key.hour) }
            if self.latestKey != key { self.turn(to: key) }
            self.latestSum += sum
        }
    }

    private mutating func turn(to key: RollupKey) {
        if self.latestKey != .ofNothing { self.sums[self.latestKey] = self.latestSum }
        self.latestKey = key
        self.latestSum = self.sums.removeValue(forKey: key) ?? RollupMeasures()
    }

    private mutating func known(_ tag: String, else many: String, in hour: Timestamp) -> String {
        if self.tags[hour, default: []].contains(tag) { return tag }
        guard self.tags[hour, default: []].count < Rollups.tagsPerHour else { return many }
        self.tags[hour, default: []].insert(tag)
        return tag
    }
}
