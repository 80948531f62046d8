package import SluiceCore

/// Reads a policy from disk, with the price book where it is wanted.
package struct PolicyReader: Sendable {
    package let folder: PolicyFolder
    private let environment: PolicyEnvironment
    private let book: @Sendable (Set<String>?) -> PriceBook

    /// - Parameter prices: The folder of the price book; nil for none.
    package init(_ folder: PolicyFolder, environment: PolicyEnvironment, prices: String?) {
        self.init(folder, environment: environment) { hosts in
            guard let prices, let files = try? PolicyFolder([prices]).read().files else { return PriceBook() }
            var loader = PriceBookLoader()
            return loader.load(files, hosts: hosts)
        }
    }

    /// - Parameter book: The price book for these hosts, or all of it for nil.
    package init(_ folder: PolicyFolder, environment: PolicyEnvironment, book: @escaping @Sendable (Set<String>?) -> PriceBook) {
        self.folder = folder
        self.environment = environment
        self.book = book
    }

    /// - Throws: Where there is no policy at all.
    package func read(at now: Timestamp) throws(PolicyFolder.Missing) -> LoadedPolicy {
        let contents = try self.folder.read()
        let loader = PolicyLoader(environment: self.environment, now: now, book: self.book)
        return loader.load(contents.files, problems: contents.problems)
    }
}
