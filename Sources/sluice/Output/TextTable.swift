/// Rows in aligned columns, for people; as CSV or Markdown for whatever reads those.
struct TextTable {
    enum Alignment {
        case left, right
    }

    struct Column {
        var title: String
        var alignment = Alignment.left
    }

    var columns: [Column]
    var rows: [[String]] = []
    /// A last row, set apart.
    var footer: [String]?

    init(_ columns: [Column]) {
        self.columns = columns
    }

    /// - Parameter style: Colours, where the terminal has them.
    func text(_ style: TextStyle) -> String {
        let titles = self.columns.map(\.title)
        let all = [titles] + self.rows + (self.footer.map { [$0] } ?? [])
        let widths = self.columns.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        func line(_ cells: [String]) -> String {
            let padded = self.columns.indices.map { self.pad(cells[$0], to: widths[$0], self.columns[$0].alignment) }
            return String(padded.joined(separator: "  ").trimmingTrailingSpaces)
        }
        var lines = [style.bold(line(titles))] + self.rows.map(line)
        if let footer {
            lines.append(style.dim(String(repeating: style.rule, count: widths.reduce(0, +) + 2 * (widths.count - 1))))
            lines.append(style.bold(line(footer)))
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private func pad(_ cell: String, to width: Int, _ alignment: Alignment) -> String {
        let space = String(repeating: " ", count: width - cell.count)
        return alignment == .left ? cell + space : space + cell
    }

    /// RFC 4180.
    var csv: String {
        func line(_ cells: [String]) -> String {
            cells.map { cell in
                let needsQuotes = cell.contains { $0 == "," || $0 == "\"" || $0.isNewline }
                return needsQuotes ? "\"" + cell.replacing("\"", with: "\"\"") + "\"" : cell
            }.joined(separator: ",") + "\r\n"
        }
        return ([self.columns.map(\.title)] + self.rows).map(line).joined()
    }

    var markdown: String {
        // Tags come from clients: nothing of them may be read as HTML.
        func cell(_ text: String) -> String { text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing("|", with: "\\|") }
        func line(_ cells: [String]) -> String { "| " + cells.map(cell).joined(separator: " | ") + " |\n" }
        let rule = "| " + self.columns.map { $0.alignment == .left ? "---" : "---:" }.joined(separator: " | ") + " |\n"
        return line(self.columns.map(\.title)) + rule + (self.rows + (self.footer.map { [$0.map { $0.isEmpty ? "" : "**\($0)**" }] } ?? [])).map(line).joined()
    }
}

/// How text looks where it is shown.
struct TextStyle {
    var isColoured = false
    var isUnicode = true

    init() {}

    init(_ console: Console) {
        self.isColoured = console.isColoured
        self.isUnicode = console.isUnicode
    }

    var rule: String { self.isUnicode ? "─" : "-" }

    func bold(_ text: String) -> String { self.coded("1", text) }
    func dim(_ text: String) -> String { self.coded("2", text) }
    func good(_ text: String) -> String { self.coded("32", text) }
    func bad(_ text: String) -> String { self.coded("31", text) }

    private func coded(_ code: String, _ text: String) -> String { self.isColoured ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text }
}

extension String {
    fileprivate var trimmingTrailingSpaces: Substring {
        var rest = self[...]
        while rest.last == " " { rest = rest.dropLast() }
        return rest
    }
}
