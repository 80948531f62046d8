import SluiceCore

/// A report for spreadsheets and scripts: a line for each row, every digit, under the names that the JSON has.
struct ReportCSV {
    private let report: Report

    init(_ report: Report) {
        self.report = report
    }

    var text: String {
        let names = ReportCSV.columns.map(\.name) + TokenClass.allCases.map { "usage_\($0.name)" }
        var table = TextTable((self.report.by.map(\.rawValue) + ["currency"] + names).map { .init(title: $0) })
        func cells(_ key: [String?], _ measures: RollupMeasures) -> [String] {
            let figures = ReportCSV.columns.map { $0.value(measures) } + TokenClass.allCases.map { "\(measures.usage[$0])" }
            return key.map { $0 ?? "" } + [self.report.currency] + figures
        }
        table.rows = self.report.by.isEmpty ? [cells([], self.report.total)] : self.report.rows.map { cells($0.key, $0.measures) }
        return table.csv
    }

    /// Empty where nothing is known.
    private static var columns: [(name: String, value: (RollupMeasures) -> String)] {
        func ratio(_ millionths: Int128?) -> String { millionths.map { DecimalText.format($0, decimals: 6) } ?? "" }
        return [
            ("requests", { "\($0.requests)" }), ("attempts", { "\($0.attempts)" }), ("cost", { $0.cost.description }),
            ("cost_low", { $0.costLow.description }), ("cost_high", { $0.costHigh.description }), ("waste", { $0.waste.description }),
            ("verification", { $0.verification.description }), ("idle", { $0.idle.description }), ("baseline", { $0.baseline.description }),
            ("saved", { $0.saved.description }),
            ("saved_ratio", { ratio($0.savedRatio) }), ("unpriced", { "\($0.unpriced)" }), ("unbaselined", { "\($0.unbaselined)" }),
            ("unreconciled", { "\($0.unreconciled)" }), ("coverage", { ratio($0.coverage) }), ("marginal_cost", { $0.marginal.description }),
            ("utilisation", { ratio($0.utilisation) }),
        ]
    }
}
