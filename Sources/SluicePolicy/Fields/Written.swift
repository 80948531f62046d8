import SluiceCore

/// The ways in which values are written in a policy.
enum Written {
    static var version: FieldType<Int> {
        FieldType(
            word: "`1`", schema: ["const": 1],
            read: { node, reader in
                guard let text = reader.text(of: node, wants: "a version") else { return nil }
                if text == "1" { return 1 }
                reader.report(.error, .version, "this release reads version 1 of the language, not `\(text.cutForMessage)`", at: node.span)
                return nil
            },
            show: { .scalar(String($0)) })
    }

    static var text: FieldType<String> {
        .scalar("text", example: "text", parse: { $0.isEmpty ? nil : $0 }, show: { $0 })
    }

    static var currency: FieldType<String> {
        .scalar(
            "currency", example: "USD", schema: .text(matching: "[A-Z]{3}"),
            parse: { text in text.utf8.count == 3 && text.utf8.allSatisfy { (0x41...0x5A).contains($0) } ? text : nil }, show: { $0 })
    }

    /// A day, kept as text: prices are read on a day, not at an instant.
    static var day: FieldType<String> {
        .scalar(
            "day", example: "2026-11-01", schema: .text(matching: "\\d{4}-\\d{2}-\\d{2}"), parse: { CivilDate(iso: $0) == nil ? nil : $0 },
            show: { $0 })
    }

    /// A name that the policy defines elsewhere.
    static func name(_ noun: String) -> FieldType<Name> {
        FieldType(
            word: noun, schema: .anyScalar,
            read: { node, reader in reader.text(of: node, wants: "the name of \(noun.withArticle)").map { Name(text: $0, span: node.span) }
            },
            show: { .scalar($0.text) })
    }

    static var pattern: FieldType<Glob> {
        .scalar("pattern", example: "scan-*", parse: { $0.isEmpty ? nil : Glob($0) }, show: { $0.pattern })
    }

    static var flag: FieldType<Bool> {
        .scalar(
            "`true` or `false`", example: "true", schema: ["anyOf": [["type": "boolean"], .text(matching: "true|false")]],
            parse: { $0 == "true" ? true : $0 == "false" ? false : nil }, show: { $0 ? "true" : "false" })
    }

    /// More than nothing, unless `allowsZero`.
    static func duration(allowsZero: Bool = false) -> FieldType<Duration> {
        .scalar(
            "duration", example: "30s", schema: .text(matching: "[0-9]+(\\.[0-9]+)?(ms|s|m|h|d|mo)"),
            parse: { text in
                guard let duration = DurationText.parse(text), duration.nanoseconds % 1_000_000 == 0 else { return nil }
                return duration > .zero || allowsZero ? duration : nil
            },
            show: DurationText.format,
            limit: { DurationText.isTooLong($0) ? "at most `\(DurationText.format(DurationText.longest))`, a century" : nil })
    }

    static var duration: FieldType<Duration> { self.duration() }

    static var instant: FieldType<Timestamp> {
        .scalar(
            "instant", example: "2026-11-21T23:30:00+01:00", schema: .text(matching: "\\d{4}-\\d{2}-\\d{2}([Tt ].*)?"),
            parse: { Timestamp(rfc3339: $0) },
            show: { $0.description })
    }

    /// A whole number with `k`, `M` or `B` behind it if one likes.
    static func count(_ range: ClosedRange<Int> = 1...1_000_000_000_000_000) -> FieldType<Int> {
        .scalar(
            "count", example: "10k", schema: .numeric("[0-9]+(\\.[0-9]+)?[kMB]?"),
            parse: { text in CountText.parse(text).flatMap { range.contains($0) ? $0 : nil } }, show: CountText.format)
    }

    static func number(_ range: ClosedRange<Int>) -> FieldType<Int> {
        .scalar(
            "number from \(range.lowerBound) to \(range.upperBound)", example: "\(range.lowerBound)",
            schema: .numeric("-?[0-9]+"), parse: { text in Int(text).flatMap { range.contains($0) && !text.hasPrefix("+") ? $0 : nil } },
            show: { String($0) })
    }

    /// Power in watts: `400W`, `2.1kW`.
    static var power: FieldType<Int> {
        .scalar(
            "power", example: "2.1kW", schema: .text(matching: "[0-9]+(\\.[0-9]+)?k?W"),
            parse: { text in
                guard text.hasSuffix("W") else { return nil }
                let isKilo = text.hasSuffix("kW")
                guard let thousandths = DecimalText.parse(text.dropLast(isKilo ? 2 : 1), decimals: 3), thousandths >= 0 else { return nil }
                return isKilo ? Int(exactly: thousandths) : thousandths % 1000 == 0 ? Int(exactly: thousandths / 1000) : nil
            },
            show: { "\($0)W" })
    }

    /// A lifetime in months: `36mo`.
    static var months: FieldType<Int> {
        .scalar(
            "number of months", example: "36mo", schema: .text(matching: "[0-9]+mo"),
            parse: { text in text.hasSuffix("mo") ? Int(text.dropLast(2)).flatMap { (1...1200).contains($0) ? $0 : nil } : nil },
            show: { "\($0)mo" })
    }

    static func choice<Value: CaseIterable & RawRepresentable<String> & Sendable>() -> FieldType<Value> {
        self.choice(of: Array(Value.allCases))
    }

    /// One of a closed set of words.
    static func choice<Value: CaseIterable & RawRepresentable<String> & Sendable>(
        of words: [Value]
    ) -> FieldType<Value> {
        let list = words.map { $0.rawValue as String }
        return FieldType<Value>(
            word: list.count == 1 ? "`\(list[0])`" : list.dropLast().map { "`\($0)`" }.joined(separator: ", ") + " or `\(list.last ?? "")`",
            schema: .words(list),
            read: { node, reader in
                guard let text = reader.text(of: node, wants: "one of \(list.joined(separator: ", "))") else { return nil }
                if let value = words.first(where: { $0.rawValue == text }) { return value }
                let hint = NearName.best(for: text, among: list).map { "did you mean `\($0)`?" } ?? "one of \(list.joined(separator: ", "))"
                reader.report(.error, .badValue, "`\(text.cutForMessage)` is no value of \(reader.place)", at: node.span, hint: hint)
                return nil
            },
            show: { .scalar($0.rawValue) })
    }
}

/// Counts as people write them: `64`, `10k`, `2M`, `70B`.
enum CountText {
    private static let units: [(suffix: String, size: Int)] = [("B", 1_000_000_000), ("M", 1_000_000), ("k", 1000)]

    static func parse(_ text: String) -> Int? {
        let unit = self.units.first { text.hasSuffix($0.suffix) }
        guard let billionths = DecimalText.parse(text.dropLast(unit == nil ? 0 : 1), decimals: 9), billionths >= 0 else { return nil }
        let (scaled, overflow) = billionths.multipliedReportingOverflow(by: Int128(unit?.size ?? 1))
        guard !overflow, scaled % 1_000_000_000 == 0 else { return nil }
        return Int(exactly: scaled / 1_000_000_000)
    }

    static func format(_ count: Int) -> String {
        guard count != 0, let unit = self.units.first(where: { count % $0.size == 0 }) else { return String(count) }
        return "\(count / unit.size)\(unit.suffix)"
    }
}

extension CivilDate {
    /// `2026-11-01`
    init?(iso text: some StringProtocol) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].utf8.count == 4, parts[1].utf8.count == 2, parts[2].utf8.count == 2 else { return nil }
        let numbers = parts.compactMap { UInt($0) }.map { Int($0) }
        guard numbers.count == 3, !text.contains("+") else { return nil }
        self.init(year: numbers[0], month: numbers[1], day: numbers[2])
    }

    var iso: String {
        func padded(_ number: Int, _ width: Int) -> String {
            String(repeating: "0", count: max(0, width - String(number).count)) + String(number)
        }
        return "\(padded(self.year, 4))-\(padded(self.month, 2))-\(padded(self.day, 2))"
    }
}
