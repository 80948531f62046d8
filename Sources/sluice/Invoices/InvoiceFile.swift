import FoundationEssentials
import SluiceCore
import SluiceWire

/// A file of a provider's bill, read whatever its format is: its own shape tells.
struct InvoiceFile {
    /// The bill cannot be read.
    struct Unreadable: Error, CustomStringConvertible {
        var description: String

        init(_ path: String, _ why: String) {
            self.description = "\(path): \(why)"
        }
    }

    private let path: String
    private let map: ColumnMap?

    init(_ path: String, map: ColumnMap?) {
        self.path = path
        self.map = map
    }

    func read(into invoice: inout Invoice) throws(Unreadable) {
        guard let data = FileManager.default.contents(atPath: self.path) else { throw self.unreadable("cannot be read") }
        let bytes = Array(data)
        let first = bytes.first { $0 > 0x20 && $0 < 0x80 }
        guard first != nil else { throw self.unreadable("has no line") }
        let before = invoice.lines.count
        if first == UInt8(ascii: "{") || first == UInt8(ascii: "[") {
            let tree: JSONTree
            do throws(JSONFault) { tree = try JSONTree(bytes) } catch { throw self.unreadable("is no JSON: \(error.reason) at byte \(error.offset)") }
            try self.read(tree, into: &invoice)
        } else {
            guard let text = String(validating: bytes, as: UTF8.self) else { throw self.unreadable("is no text") }
            try self.read(CSVTable(text), into: &invoice)
        }
        if invoice.lines.count == before { throw self.unreadable("is an empty bill: it has no line, so there is no day to compare") }
    }

    private func unreadable(_ why: String) -> Unreadable { Unreadable(self.path, why) }

    // MARK: JSON

    private func read(_ tree: JSONTree, into invoice: inout Invoice) throws(Unreadable) {
        let buckets = tree["data"]?.elements ?? tree.elements
        guard !buckets.isEmpty || tree["data"] != nil else { throw self.unreadable("has no `data`") }
        if tree["has_more"]?.text == "true" { invoice.pages.more += 1 } else { invoice.pages.last += 1 }
        for bucket in buckets {
            guard let start = bucket["starting_at"] ?? bucket["start_time"] ?? bucket["date"], let day = InvoiceDay.read(start.text ?? "") else {
                throw self.unreadable("a bucket has no time that could be read")
            }
            // OpenRouter's activity has its rows at the top.
            for result in bucket["results"]?.elements ?? [bucket] { try self.read(result, on: day, into: &invoice) }
        }
    }

    private func read(_ result: JSONTree, on day: String, into invoice: inout Invoice) throws(Unreadable) {
        if let currency = (result["amount"]?["currency"] ?? result["currency"])?.text { invoice.currencies.insert(currency.uppercased()) }
        if let amount = result["amount"], amount["value"] != nil {
            try self.readOpenAICost(result, on: day, into: &invoice)
        } else if result["amount"] != nil {
            try self.readAnthropicCost(result, on: day, into: &invoice)
        } else if result["input_tokens"] != nil || result["num_model_requests"] != nil {
            self.readOpenAIUsage(result, on: day, into: &invoice)
        } else if result["uncached_input_tokens"] != nil {
            self.readAnthropicUsage(result, on: day, into: &invoice)
        } else if let usage = result["usage"]?.text, let model = (result["model_permaslug"] ?? result["model"])?.text {
            var line = InvoiceLine(day: day, model: model, meter: .whole)
            line.requests = result["requests"]?.count.map { Int($0) }
            try self.add(line, amount: usage, to: &invoice)
        } else {
            throw self.unreadable("a result of \(day) is of no kind that is known")
        }
    }

    /// `line_item`: `gpt-large, cached input`, with `batch` in it for the lane.
    private func readOpenAICost(_ result: JSONTree, on day: String, into invoice: inout Invoice) throws(Unreadable) {
        guard let item = result["line_item"]?.text else {
            throw self.unreadable("costs are not split; export them with group_by=line_item")
        }
        let parts = item.split(separator: ",").map { $0.trimmed }
        var model = parts.first ?? item
        var line = InvoiceLine(day: day, model: "", meter: parts.count > 1 ? InvoiceLine.Meter(reading: parts[parts.count - 1]) : .whole)
        for word in [" batch api", " batch", " flex", " priority"] where item.lowercased().contains(word) {
            line.tier = word.split(separator: " ").first.map(String.init)
            if model.lowercased().hasSuffix(word) { model = String(model.dropLast(word.count)) }
            break
        }
        line.model = model
        line.quantity = result["quantity"]?.count
        try self.add(line, amount: result["amount"]?["value"]?.text, to: &invoice)
    }

    /// Counts that include cached ones; no amounts.
    private func readOpenAIUsage(_ result: JSONTree, on day: String, into invoice: inout Invoice) {
        guard let model = result["model"]?.text else { return }
        let tier = result["batch"]?.text == "true" ? "batch" : result["service_tier"]?.text
        let cached = result["input_cached_tokens"]?.count ?? 0
        let input = result["input_uncached_tokens"]?.count ?? (result["input_tokens"]?.count ?? 0) - cached
        let counts: [(TokenClass, Int128)] = [
            (.input, input), (.cachedInput, cached), (.output, result["output_tokens"]?.count ?? 0), (.audioInput, result["input_audio_tokens"]?.count ?? 0),
            (.audioOutput, result["output_audio_tokens"]?.count ?? 0),
        ]
        self.add(counts, requests: result["num_model_requests"]?.count, InvoiceLine(day: day, model: model, meter: .whole, tier: tier), to: &invoice)
    }

    /// Amounts are decimal strings in cents.
    private func readAnthropicCost(_ result: JSONTree, on day: String, into invoice: inout Invoice) throws(Unreadable) {
        guard let text = result["amount"]?.text, let amount = DecimalText.round(text, decimals: 10) else {
            throw self.unreadable("an amount of \(day) is no number")
        }
        let meter = (result["token_type"] ?? result["cost_type"])?.text.map { InvoiceLine.Meter(reading: $0) } ?? .whole
        let line = InvoiceLine(day: day, model: result["model"]?.text ?? result["description"]?.text ?? "", meter: meter, tier: result["service_tier"]?.text)
        try self.add(line, amount: MoneySum(pico: amount).description, to: &invoice)
    }

    private func readAnthropicUsage(_ result: JSONTree, on day: String, into invoice: inout Invoice) {
        guard let model = result["model"]?.text else { return }
        let writes = result["cache_creation"]
        let counts: [(TokenClass, Int128)] = [
            (.input, result["uncached_input_tokens"]?.count ?? 0), (.cachedInput, result["cache_read_input_tokens"]?.count ?? 0),
            (.cacheWrite5m, writes?["ephemeral_5m_input_tokens"]?.count ?? 0), (.cacheWrite1h, writes?["ephemeral_1h_input_tokens"]?.count ?? 0),
            (.output, result["output_tokens"]?.count ?? 0),
        ]
        self.add(counts, requests: nil, InvoiceLine(day: day, model: model, meter: .whole, tier: result["service_tier"]?.text), to: &invoice)
    }

    private func add(_ counts: [(TokenClass, Int128)], requests: Int128?, _ common: InvoiceLine, to invoice: inout Invoice) {
        for (index, (tokenClass, count)) in counts.enumerated() where count != 0 || index == 0 {
            var line = common
            line.meter = InvoiceLine.Meter(tokenClass)
            line.quantity = count
            line.requests = index == 0 ? requests.map { Int($0) } : nil
            invoice.add(line, amount: nil)
        }
    }

    // MARK: CSV

    private func read(_ table: CSVTable, into invoice: inout Invoice) throws(Unreadable) {
        guard let map = self.map ?? ColumnMap(knownIn: table) else {
            throw self.unreadable("its columns are of no bill that is known; name them with --map (it has \(table.columns.prefix(12).joined(separator: ", ")))")
        }
        if let missing = map.missing(in: table) { throw self.unreadable("there is no column `\(missing)`") }
        if let row = table.ragged { throw self.unreadable("row \(row) has more cells than there are columns") }
        if table.isCutOff { throw self.unreadable("ends in the midst of a quoted cell") }
        let reader = ColumnReader(map, of: table)
        for (number, row) in table.rows.enumerated() {
            if let currency = reader.currency(row) { invoice.currencies.insert(currency.uppercased()) }
            if let column = reader.missing(in: row) { throw self.unreadable("row \(number + 2) ends before its column `\(column)`") }
            if let count = reader.unreadableCount(row) { throw self.unreadable("the count `\(count.prefix(40))` in row \(number + 2) is no number") }
            guard let line = reader.line(row) else { throw self.unreadable("row \(number + 2) has no day that could be read") }
            guard line.model != nil || reader.amount(row) != nil else { continue }
            var entry = InvoiceLine(day: line.day, model: line.model ?? "", meter: line.meter, tier: line.tier)
            (entry.quantity, entry.unitPrice, entry.requests) = (line.quantity, line.unitPrice, line.requests)
            if let amount = reader.amount(row) {
                try self.add(entry, amount: amount, to: &invoice)
            } else {
                invoice.add(entry, amount: nil)
            }
        }
    }

    private func add(_ line: InvoiceLine, amount text: String?, to invoice: inout Invoice) throws(Unreadable) {
        guard let text, let pico = DecimalText.round(text, decimals: 12) else {
            throw self.unreadable("the amount \(text.map { "`\($0.prefix(40))`" } ?? "of a line") of \(line.day) is no number")
        }
        var line = line
        line.amount = MoneySum(pico: pico)
        invoice.add(line, amount: text)
    }
}

/// The day of an instant as bills write it: a date, RFC 3339, or seconds since 1970.
enum InvoiceDay {
    static func read(_ text: String) -> String? {
        if let seconds = Int64(text), seconds > 1_000_000_000 { return String(Timestamp(seconds: seconds).description.prefix(10)) }
        let iso = text.replacing(" ", with: "T")
        if iso.utf8.count > 10, let instant = Timestamp(rfc3339: iso) ?? Timestamp(rfc3339: iso + "Z") { return String(instant.description.prefix(10)) }
        let day = String(text.prefix(10))
        return Timestamp(rfc3339: day) != nil ? day : nil
    }
}
