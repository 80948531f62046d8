package import SluiceCore

/// Reads the files of a price book.
package struct PriceBookLoader: Sendable {
    package private(set) var diagnostics: [Diagnostic] = []

    package init() {}

    /// Leaves out what cannot be read and says so in ``diagnostics``: a slip in one list must not unprice all others.
    ///
    /// - Parameter hosts: Where prices are wanted; lists of other providers are not read. One host that no list knows takes
    ///   all lists, as does nil.
    package mutating func load(_ files: [PolicyFile], hosts wanted: Set<String>? = nil) -> PriceBook {
        var rows: [PriceBook.Row] = []
        var hosts: [String: String] = [:]
        var windows: [String: DispatchWindow] = [:]
        var currency = "USD"
        for file in PriceBookLoader.choose(files, hosts: wanted) {
            guard let list = self.read(file) else { continue }
            currency = list.currency.value
            for host in list.hosts.value { hosts[host] = list.provider.value }
            rows += self.rows(of: list)
            for (name, window) in self.windows(of: list) { windows[PriceBookLoader.prefix(list) + name] = window }
        }
        var book = PriceBook(rows: rows, hosts: hosts, windows: windows)
        book.currency = currency
        return book
    }

    private static func choose(_ files: [PolicyFile], hosts wanted: Set<String>?) -> [PolicyFile] {
        guard let wanted else { return files }
        let heads = files.map { (file: $0, hosts: self.hosts(in: $0)) }
        guard wanted.isSubset(of: heads.flatMap(\.hosts)) else { return files }
        return heads.filter { !wanted.isDisjoint(with: $0.hosts) }.map(\.file)
    }

    /// The line `hosts: [a, b]` of a list; reading a whole list takes a hundred times as long.
    private static func hosts(in file: PolicyFile) -> [String] {
        let line = file.bytes.split(separator: UInt8(ascii: "\n")).first { $0.starts(with: "hosts: [".utf8) }
        return (line ?? []).dropFirst(8).split(whereSeparator: { ", ]".utf8.contains($0) }).map { String(decoding: $0, as: UTF8.self) }
    }

    private mutating func read(_ file: PolicyFile) -> PriceListRecord? {
        do {
            var yaml = YAMLReader(try SourceText(decoding: file))
            let root = yaml.read()
            self.diagnostics += yaml.diagnostics
            guard let root else { return nil }
            var reader = FieldReader(environment: PolicyEnvironment())
            let list = PriceListRecord.read(root, &reader)
            self.diagnostics += reader.diagnostics
            return list
        } catch {
            self.diagnostics.append(error)
            return nil
        }
    }

    private mutating func rows(of list: PriceListRecord) -> [PriceBook.Row] {
        let prefix = PriceBookLoader.prefix(list)
        var cards: [String: [RateCard]] = [:]
        for entry in list.models.value {
            if case .prices(let records) = entry.value { cards[entry.name.text] = records.map { RateCard($0, windowPrefix: prefix) } }
        }
        return list.models.value.compactMap { entry in
            var name = entry.name
            if case .same(let other) = entry.value { name = other }
            guard let own = cards[name.text] else {
                self.diagnostics.append(Diagnostic(.error, .unknownName, "model `\(name.text)` is not in this list", at: name.span))
                return nil
            }
            return PriceBook.Row(provider: list.provider.value, model: entry.name.text, cards: own)
        }
    }

    /// The windows of the list, those that they refer to under their new names as well.
    private mutating func windows(of list: PriceListRecord) -> [String: DispatchWindow] {
        guard !list.windows.value.isEmpty else { return [:] }
        var document = PolicyDocument()
        document.windows = list.windows
        var linker = PolicyLinker(document, book: PriceBook(), now: .distantPast)
        let windows = linker.linkWindows(zone: "UTC")
        self.diagnostics += linker.diagnostics
        return windows.mapValues { $0.renamed { PriceBookLoader.prefix(list) + $0 } }
    }

    /// No policy can name a window so: names of its own stand before the slash.
    private static func prefix(_ list: PriceListRecord) -> String { "price book/\(list.provider.value)/" }
}

extension DispatchWindow {
    fileprivate func renamed(_ name: (String) -> String) -> DispatchWindow {
        switch self {
        case .hours: self
        case .named(let old): .named(name(old))
        case .any(let windows): .any(windows.map { $0.renamed(name) })
        case .all(let windows): .all(windows.map { $0.renamed(name) })
        case .not(let window): .not(window.renamed(name))
        case .except(let window, let windows): .except(window.renamed(name), windows.map { $0.renamed(name) })
        }
    }
}
