import GRDB
import GRDBSQLite

/// A prepared statement without GRDB in between: what runs for every job binds and reads by hand, which takes a third of the time.
///
/// It belongs to a connection, is used on its queue, and has been stepped to its end when a call returns.
struct RawStatement {
    enum Value {
        case null
        case integer(Int64)
        case text(String)
        case bytes([UInt8])

        static func integer(_ value: Int) -> Value { .integer(Int64(value)) }
        static func integer(_ value: Int?) -> Value { value.map { .integer(Int64($0)) } ?? .null }
        static func integer(_ value: Int64?) -> Value { value.map { .integer($0) } ?? .null }
        static func integer(_ value: Bool) -> Value { .integer(value ? 1 : 0) }
        static func text(_ value: String?) -> Value { value.map { .text($0) } ?? .null }
    }

    private let handle: OpaquePointer
    private let db: Database

    /// The statement of this text; it is prepared once for a connection.
    init(_ sql: String, in db: Database) throws {
        self.handle = try db.cachedStatement(sql: sql).sqliteStatement
        self.db = db
    }

    /// Runs it, and gives how many rows it changed.
    @discardableResult
    func run(_ values: Value...) throws -> Int {
        try self.bound(to: values) {
            while try self.step() {}
            return self.db.changesCount
        }
    }

    /// Its only row, if there is one.
    func first<T>(_ values: Value..., read: (RawRow) throws -> T) throws -> T? {
        try self.bound(to: values) {
            guard try self.step() else { return nil }
            let value = try read(RawRow(handle: self.handle))
            while try self.step() {}
            return value
        }
    }

    /// All its rows.
    func all<T>(_ values: Value..., read: (RawRow) throws -> T) throws -> [T] {
        try self.bound(to: values) {
            var rows: [T] = []
            while try self.step() { rows.append(try read(RawRow(handle: self.handle))) }
            return rows
        }
    }

    /// Its rows one after another, none of them kept.
    func each(_ values: Value..., read: (RawRow) throws -> Void) throws {
        try self.bound(to: values) {
            while try self.step() { try read(RawRow(handle: self.handle)) }
        }
    }

    private func step() throws -> Bool {
        switch sqlite3_step(self.handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        case let code: throw DatabaseError(resultCode: ResultCode(rawValue: code), message: self.db.lastErrorMessage)
        }
    }

    private func bound<T>(to values: [Value], _ body: () throws -> T) throws -> T {
        precondition(values.count == Int(sqlite3_bind_parameter_count(self.handle)), "a statement with another number of values than places")
        defer { self.reset() }
        return try self.bind(values[...], body)
    }

    /// Binds one value after another and then does the work, inside of the calls that lend the bytes of texts and blobs: SQLite copies none of them.
    private func bind<T>(_ values: ArraySlice<Value>, _ body: () throws -> T) throws -> T {
        for index in values.indices {
            let place = Int32(index + 1)
            switch values[index] {
            case .null: try self.check(sqlite3_bind_null(self.handle, place))
            case .integer(let value): try self.check(sqlite3_bind_int64(self.handle, place, value))
            case .text(""): try self.check(sqlite3_bind_text(self.handle, place, "", 0, RawStatement.copied))
            case .text(var text):
                return try text.withUTF8 { bytes in
                    try self.check(sqlite3_bind_text(self.handle, place, bytes.baseAddress, Int32(bytes.count), nil))
                    return try self.bind(values[(index + 1)...], body)
                }
            case .bytes(let blob):
                return try blob.withUnsafeBytes { bytes in
                    try self.check(
                        bytes.isEmpty
                            ? sqlite3_bind_zeroblob(self.handle, place, 0) : sqlite3_bind_blob(self.handle, place, bytes.baseAddress, Int32(bytes.count), nil))
                    return try self.bind(values[(index + 1)...], body)
                }
            }
        }
        return try body()
    }

    private func check(_ code: CInt) throws {
        guard code == SQLITE_OK else { throw DatabaseError(resultCode: ResultCode(rawValue: code), message: self.db.lastErrorMessage) }
    }

    /// What SQLite calls `SQLITE_TRANSIENT`: the bytes are copied before the call returns.
    private static var copied: sqlite3_destructor_type { unsafeBitCast(-1, to: sqlite3_destructor_type.self) }

    private func reset() {
        sqlite3_reset(self.handle)
        sqlite3_clear_bindings(self.handle)
    }
}

/// The row at which a ``RawStatement`` stands; not to be kept.
struct RawRow {
    fileprivate let handle: OpaquePointer

    func isNull(_ column: Int32) -> Bool { sqlite3_column_type(self.handle, column) == SQLITE_NULL }

    func long(_ column: Int32) -> Int64 { sqlite3_column_int64(self.handle, column) }
    func longOrNil(_ column: Int32) -> Int64? { self.isNull(column) ? nil : self.long(column) }

    func int(_ column: Int32) -> Int { Int(self.long(column)) }
    func intOrNil(_ column: Int32) -> Int? { self.isNull(column) ? nil : self.int(column) }

    func bool(_ column: Int32) -> Bool { self.long(column) != 0 }

    func text(_ column: Int32) -> String { String(decoding: self.bytes(column), as: UTF8.self) }
    func textOrNil(_ column: Int32) -> String? { self.isNull(column) ? nil : self.text(column) }

    func array(_ column: Int32) -> [UInt8] { Array(self.bytes(column)) }

    /// Of a text or a blob; they are gone with the next step.
    func bytes(_ column: Int32) -> UnsafeRawBufferPointer {
        // In this order: the call for the bytes may change the form of the value, and with it its length.
        let start = sqlite3_column_blob(self.handle, column)
        return UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(self.handle, column)))
    }
}
