/// Which part of a list is wanted. Cursors are ids of the list, so pages stay whole while others are inserted.
package struct PageRequest: Hashable, Sendable {
    package enum Cursor: Hashable, Sendable {
        case first
        /// Strictly after this id, in the order of the list.
        case after(String)
        /// Strictly before this id; the page nearest to it.
        case before(String)
    }

    package enum Order: Sendable {
        case newestFirst, oldestFirst
    }

    package var cursor = Cursor.first
    package var limit: Int
    package var order = Order.newestFirst

    package init(limit: Int) { self.limit = limit }
}

package struct Page<Element: Sendable>: Sendable {
    package var data: [Element]
    /// Whether the list goes on in the direction of reading.
    package var hasMore: Bool

    package init(data: [Element], hasMore: Bool) {
        self.data = data
        self.hasMore = hasMore
    }
}
