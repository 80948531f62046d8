import SluiceCore

/// A file of comma-separated values with a head (RFC 4180); columns are found by name.
struct CSVTable {
    let columns: [String]
    private(set) var rows: [[String]] = []
    /// Whether a quoted cell has no end: what comes after it is gone.
    let isCutOff: Bool

    init(_ text: String) {
        var (records, isCutOff) = CSVTable.records(text)
        self.isCutOff = isCutOff
        if records.first?.first?.hasPrefix("\u{FEFF}") == true { records[0][0].removeFirst() }
        self.columns = records.first?.map(\.trimmed) ?? []
        self.rows = records.dropFirst().filter { $0.count > 1 || !($0.first ?? "").isEmpty }
    }

    /// The first row whose cells cannot be told apart: it has more of them than there are columns, as an amount with an unquoted comma makes it.
    var ragged: Int? {
        self.rows.firstIndex { $0.dropFirst(self.columns.count).contains { !$0.isEmpty } }.map { $0 + 2 }
    }

    func index(of column: String) -> Int? {
        self.columns.firstIndex(of: column) ?? self.columns.firstIndex { $0.lowercased() == column.lowercased() }
    }

    func has(_ columns: String...) -> Bool { columns.allSatisfy { self.index(of: $0) != nil } }

    /// The cell of a row, nil where it is missing, empty or the word for null.
    func cell(_ row: [String], _ column: Int?) -> String? {
        guard let column, column < row.count else { return nil }
        let text = row[column].trimmed
        return text.isEmpty || text == "NULL" ? nil : text
    }

    private static func records(_ text: String) -> (records: [[String]], isCutOff: Bool) {
        var records: [[String]] = []
        var record: [String] = []
        var field: [UInt8] = []
        var isQuoted = false
        var wasQuote = false
        func close() {
            record.append(String(decoding: field, as: UTF8.self))
            field.removeAll(keepingCapacity: true)
        }
        for byte in text.utf8 {
            if isQuoted {
                if byte == UInt8(ascii: "\"") {
                    isQuoted = false
                    wasQuote = true
                } else {
                    field.append(byte)
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""):
                if wasQuote { field.append(byte) }
                isQuoted = true
            case UInt8(ascii: ","): close()
            case UInt8(ascii: "\n"):
                if field.last == UInt8(ascii: "\r") { field.removeLast() }
                close()
                records.append(record)
                record = []
            default: field.append(byte)
            }
            wasQuote = false
        }
        if !field.isEmpty || !record.isEmpty {
            close()
            records.append(record)
        }
        return (records, isQuoted)
    }
}

/// Counts and amounts as bills print them.
enum DecimalCount {
    /// A whole number, with a fraction of zeros or thousands separators if need be.
    static func read(_ text: String) -> Int128? {
        let plain = self.plain(text)
        // A count has no decimals, so that even one comma can only set thousands apart.
        return DecimalText.round(self.isGrouped(plain) ? plain.filter { $0 != "," } : plain, decimals: 0)
    }

    /// Without currency sign and thousands separators. A comma that may be a decimal one stays, and is no number then.
    static func plain(_ text: String) -> String {
        let kept = text.filter { !"$€£ ".contains($0) }
        let isPlain = kept.contains(".") || kept.count { $0 == "," } > 1
        return isPlain && self.isGrouped(kept) ? kept.filter { $0 != "," } : kept
    }

    /// Whether its commas set groups of three digits apart, before any point.
    private static func isGrouped(_ text: String) -> Bool {
        let whole = text.prefix { $0 != "." }
        guard !text.dropFirst(whole.count).contains(",") else { return false }
        return whole.split(separator: ",", omittingEmptySubsequences: false).dropFirst().allSatisfy { $0.utf8.count == 3 }
    }
}
