extension Ledger {
    /// Hands out the entries that a filter wants in chain order, a page at a time: memory stays the same however many there are.
    package func walk(_ filter: LedgerFilter, _ body: (Int64, LedgerEntry) throws(StoreError) -> Void) throws(StoreError) {
        let page = 2000
        var last: Int64 = 0
        while true {
            let rows = try self.lines(filter, after: last, limit: page)
            guard let end = rows.last?.seq else { return }
            last = end
            for row in rows { try body(row.seq, try row.entry()) }
        }
    }
}

extension LedgerRow {
    /// - Throws: Where the line is none that a ledger would have.
    package func entry() throws(StoreError) -> LedgerEntry {
        do throws(LedgerLineError) {
            return try LedgerLine.read(self.line).entry
        } catch {
            throw StoreError(.other, "entry \(self.seq) of the ledger cannot be read: \(error.message)")
        }
    }
}
