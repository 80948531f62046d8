import GRDB
import SluiceCore

/// Where in a database file the rows of a table lie, byte by byte, from the file format alone (sqlite.org/fileformat2.html).
struct StoredRows {
    private let file: [UInt8]
    private let pageSize: Int
    private let usable: Int
    /// For each row the bytes of its key and record.
    private(set) var rows: [[Int]] = []

    init(_ file: [UInt8], rootPage: Int) {
        self.file = file
        let size = Int(file[16]) << 8 | Int(file[17])
        self.pageSize = size == 1 ? 65_536 : size
        self.usable = self.pageSize - Int(file[20])
        self.take(page: rootPage)
    }

    private func number(at offset: Int, bytes: Int) -> Int {
        self.file[offset..<offset + bytes].reduce(0) { $0 << 8 | Int($1) }
    }

    private func varint(at offset: inout Int) -> Int {
        var value = 0
        for index in 0..<9 {
            let byte = self.file[offset]
            offset += 1
            if index == 8 { return value << 8 | Int(byte) }
            value = value << 7 | Int(byte & 0x7F)
            if byte & 0x80 == 0 { break }
        }
        return value
    }

    private mutating func take(page: Int) {
        let start = (page - 1) * self.pageSize
        let header = start + (page == 1 ? 100 : 0)
        let kind = self.file[header]
        let isInterior = kind == 2 || kind == 5
        let cells = (0..<self.number(at: header + 3, bytes: 2)).map {
            start + self.number(at: header + (isInterior ? 12 : 8) + 2 * $0, bytes: 2)
        }
        for cell in cells {
            if isInterior { self.take(page: self.number(at: cell, bytes: 4)) }
            // The keys in the inner pages of a table are no rows.
            if kind != 5 { self.rows.append(self.bytes(ofCell: isInterior ? cell + 4 : cell, isTable: kind == 13)) }
        }
        if isInterior { self.take(page: self.number(at: header + 8, bytes: 4)) }
    }

    private func bytes(ofCell start: Int, isTable: Bool) -> [Int] {
        var offset = start
        let length = self.varint(at: &offset)
        if isTable { _ = self.varint(at: &offset) }
        let most = isTable ? self.usable - 35 : (self.usable - 12) * 64 / 255 - 23
        guard length > most else { return Array(start..<offset + length) }
        let least = (self.usable - 12) * 32 / 255 - 23
        let fitting = least + (length - least) % (self.usable - 4)
        let local = fitting <= most ? fitting : least
        var bytes = Array(start..<offset + local)
        var left = length - local
        var page = self.number(at: offset + local, bytes: 4)
        while left > 0, page > 0 {
            let start = (page - 1) * self.pageSize
            let count = min(left, self.usable - 4)
            bytes += start + 4..<start + 4 + count
            left -= count
            page = self.number(at: start, bytes: 4)
        }
        return bytes
    }
}
