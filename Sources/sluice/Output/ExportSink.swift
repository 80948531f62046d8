import FoundationEssentials
import Glibc

/// Where an export goes: a file, or stdout.
final class ExportSink {
    let path: String?
    private let file: UnsafeMutablePointer<FILE>?

    /// - Throws: Where the file cannot be made.
    init(_ path: String?) throws {
        self.path = path
        guard let path else {
            self.file = nil
            return
        }
        guard let file = fopen(path, "w") else { throw CocoaError(.fileWriteUnknown) }
        self.file = file
    }

    func write(_ text: String) {
        guard let file else { return Console().print(text, terminator: "") }
        var text = text
        _ = text.withUTF8 { fwrite($0.baseAddress, 1, $0.count, file) }
    }

    func close() {
        if let file { fclose(file) }
    }
}

/// DuckDB's command line, which turns CSV into Parquet.
struct DuckDB {
    private let program: String

    /// nil where there is none in `PATH`.
    init?(environment: [String: String]) {
        let folders = (environment["PATH"] ?? "").split(separator: ":")
        guard let folder = folders.first(where: { FileManager.default.isExecutableFile(atPath: "\($0)/duckdb") }) else { return nil }
        self.program = "\(folder)/duckdb"
    }

    /// Turns a CSV into Parquet and removes it. Decimal columns become decimals, so that no cent passes through floating point.
    func convert(_ csv: String, to path: String, _ console: Console) throws {
        defer { unlink(csv) }
        func quoted(_ text: String) -> String { "'" + text.replacing("'", with: "''") + "'" }
        let decimals = FocusTable.decimalColumns.map { "\(quoted($0)): 'DECIMAL(38,12)'" }.joined(separator: ", ")
        let times = FocusTable.timeColumns.map { "\(quoted($0)): 'TIMESTAMP'" }.joined(separator: ", ")
        let read = "read_csv(\(quoted(csv)), header = true, nullstr = 'NULL', all_varchar = false, auto_detect = true, types = {\(decimals), \(times)})"
        let status = DuckDB.run(self.program, ["-batch", "-c", "COPY (SELECT * FROM \(read)) TO \(quoted(path)) (FORMAT parquet)"])
        guard status == 0 else {
            throw CommandFailure(message: "\(self.program) could not write \(path) (exit \(status))").report(as: .text, on: console)
        }
    }

    private static func run(_ program: String, _ arguments: [String]) -> Int32 {
        var pointers: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) }
        pointers.append(nil)
        defer { for pointer in pointers { free(pointer) } }
        var child: pid_t = 0
        guard posix_spawn(&child, program, nil, nil, pointers, environ) == 0 else { return 127 }
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0, errno == EINTR {}
        return status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + status & 0x7F
    }
}

extension FocusTable {
    static let decimalColumns = [
        "BilledCost", "CommitmentDiscountQuantity", "ConsumedQuantity", "ContractedCost", "ContractedUnitPrice", "EffectiveCost", "ListCost",
        "ListUnitPrice", "PricingCurrencyContractedUnitPrice", "PricingCurrencyEffectiveCost", "PricingCurrencyListUnitPrice", "PricingQuantity",
        "x_SluiceBaselineCost", "x_SluiceCostHigh", "x_SluiceCostLow", "x_SluiceWasteCost",
    ]
    static let timeColumns = ["BillingPeriodEnd", "BillingPeriodStart", "ChargePeriodEnd", "ChargePeriodStart"]
}
