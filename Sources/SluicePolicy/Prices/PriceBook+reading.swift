import FoundationEssentials
package import SluiceCore

extension PriceBook {
    /// Reads a folder or file of price lists, or LiteLLM's map where the name ends in `.json`.
    ///
    /// - Parameter day: The day by which a map was made.
    /// - Throws: Where nothing is there, or it is neither.
    package static func read(_ path: String, asOf day: String) throws -> PriceBook {
        guard path.hasSuffix(".json") else {
            var loader = PriceBookLoader()
            let book = loader.load(try PolicyFolder([path]).read().files)
            if let error = loader.diagnostics.first(where: { $0.severity == .error }) {
                throw PriceFileError(message: "\(error.span.place.text): \(error.message)")
            }
            return book
        }
        guard let json = FileManager.default.contents(atPath: path) else { throw PriceFileError(message: "\(path) cannot be read") }
        let lists = try LiteLLMPriceMap(Array(json), asOf: day).lists
        return PriceBook(
            rows: lists.flatMap { list in list.models.map { Row(provider: list.provider, model: $0.key, cards: $0.value) } },
            hosts: lists.reduce(into: [:]) { hosts, list in for host in list.hosts { hosts[host] = list.provider } })
    }
}

/// A file of prices that cannot be used.
package struct PriceFileError: Error, CustomStringConvertible {
    package var message: String
    package var description: String { self.message }

    package init(message: String) {
        self.message = message
    }
}

extension PriceList {
    /// Reads one file of the price book.
    ///
    /// - Throws: Where it is not there, wrong, or has windows, which this value does not keep.
    package init(file path: String) throws {
        guard let bytes = FileManager.default.contents(atPath: path) else { throw PriceFileError(message: "\(path) cannot be read") }
        var loader = PriceBookLoader()
        let book = loader.load([PolicyFile(path: path, bytes: Array(bytes))])
        if let error = loader.diagnostics.first(where: { $0.severity == .error }) {
            throw PriceFileError(message: "\(error.span.place.text): \(error.message)")
        }
        guard book.windows.isEmpty else { throw PriceFileError(message: "\(path) has windows, which no map knows; change it by hand") }
        let rows = book.rows
        self.init(
            provider: rows.first?.provider ?? "", hosts: book.hosts.keys.sorted(), currency: book.currency,
            models: rows.reduce(into: [:]) { $0[$1.model] = $1.cards })
    }
}
