import GRDB
import SluiceCore

/// Where a page begins in a table whose `id` is the order of arrival, and which way it goes.
struct PagePlace {
    private let start: Int64?
    private let isAscending: Bool
    private let isReversed: Bool
    private let limit: Int

    /// - Parameter number: Gives the `id` of a cursor; nil where there is none, and then there is no place.
    init?(_ page: PageRequest, number: (String) throws -> Int64?) throws {
        let isOldestFirst = page.order == .oldestFirst
        self.limit = page.limit
        switch page.cursor {
        case .first:
            self.start = nil
            self.isAscending = isOldestFirst
            self.isReversed = false
        case .after(let id):
            guard let number = try number(id) else { return nil }
            self.start = number
            self.isAscending = isOldestFirst
            self.isReversed = false
        case .before(let id):
            // Read backwards from the cursor, so that the nearest come, and turned round.
            guard let number = try number(id) else { return nil }
            self.start = number
            self.isAscending = !isOldestFirst
            self.isReversed = true
        }
    }

    var condition: SQL {
        guard let start else { return "true" }
        return self.isAscending ? "id > \(start)" : "id < \(start)"
    }

    /// One more than the page has, to know whether the list goes on.
    var order: SQL { self.isAscending ? "ORDER BY id LIMIT \(self.limit + 1)" : "ORDER BY id DESC LIMIT \(self.limit + 1)" }

    func page<Element: Sendable>(of rows: [Row], _ element: (Row) throws -> Element) rethrows -> Page<Element> {
        let data = try rows.prefix(self.limit).map(element)
        return Page(data: self.isReversed ? data.reversed() : data, hasMore: rows.count > self.limit)
    }
}
