import SluiceCore

/// An entry of `windows:`, or a window written where one is wanted.
struct WindowRecord: PolicyRecord {
    var days = Setting<[WordRange]>([])
    var hours = Setting<[DispatchWindow.SecondsOfDay]>([])
    var timezone = Setting<Name?>(nil)
    var dates = Setting<[ClosedRange<CivilDate>]>([])
    var daysOfMonth = Setting<[WordRange]>([])
    var months = Setting<[WordRange]>([])
    var any = Setting<[WindowExpression]>([])
    var all = Setting<[WindowExpression]>([])
    var not = Setting<[WindowExpression]>([])
    var except = Setting<[WindowExpression]>([])

    static let noun = "window"
    static let sentence =
        "When something may happen: hours of days in a zone, or an expression over other windows. Half-open, by the local clock."
    static let fields: [Field<Self>] = [
        Field(
            "days", \.days, Written.days.list, "Days of the week; a range that runs past midnight belongs to the day on which it starts.",
            default: "every day"),
        Field("hours", \.hours, Written.hours.list, "Times of day; an end at or before the start is on the next day.", default: "all day"),
        Field("timezone", \.timezone, Written.name("zone").ifGiven(), "The zone whose clock counts.", default: "`timezone` of the policy"),
        Field("dates", \.dates, Written.dates.list, "Days of the calendar, single or `first..last`.", default: "every date"),
        Field("days_of_month", \.daysOfMonth, Written.daysOfMonth.list, "Days of the month; -1 is the last.", default: "every day"),
        Field("months", \.months, Written.monthsOfYear.list, "Months of the year.", default: "every month"),
        Field("any", \.any, WindowExpression.type.list, "Open while any of these windows is."),
        Field("all", \.all, WindowExpression.type.list, "Open while all of these windows are."),
        Field("not", \.not, WindowExpression.type.list, "Open while none of these windows is."),
        Field("except", \.except, WindowExpression.type.list, "Closed while any of these windows is open, whatever the rest says."),
    ]
}

/// A window where one is wanted: by its name, or written out.
indirect enum WindowExpression: Sendable {
    case named(Name)
    case inline(Located<WindowRecord>)

    static let type = FieldType<WindowExpression>(
        word: "window", schema: ["anyOf": [["$ref": "#/definitions/window"], .anyScalar]], records: [WindowRecord.self],
        read: { node, reader in
            if case .mapping = node.content { return WindowRecord.read(node, &reader).map { .inline(Located(value: $0, span: node.span)) } }
            return reader.text(of: node, wants: "a window").map { .named(Name(text: $0, span: node.span)) }
        },
        show: { expression in
            switch expression {
            case .named(let name): .scalar(name.text)
            case .inline(let record): WindowRecord.type.show(record.value)
            }
        })

    var span: SourceSpan {
        switch self {
        case .named(let name): name.span
        case .inline(let record): record.span
        }
    }
}

/// `mon-fri`, `jan`, `1-5`: a run of days or months, its end included.
struct WordRange: Hashable, Sendable {
    var first: Int
    var last: Int

    /// Every number in it; a run whose end comes before its start goes round through `cycle`.
    func members(in cycle: ClosedRange<Int>) -> [Int] {
        self.first <= self.last ? Array(self.first...self.last) : Array(self.first...cycle.upperBound) + Array(cycle.lowerBound...self.last)
    }
}

extension Written {
    static var days: FieldType<WordRange> {
        self.words("day or run of days", ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], first: 0, example: "mon-fri")
    }

    static var monthsOfYear: FieldType<WordRange> {
        self.words(
            "month or run of months", ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], first: 1,
            example: "jun-aug")
    }

    static var daysOfMonth: FieldType<WordRange> {
        .scalar(
            "day of the month", example: "-1", schema: .numeric("-?[0-9]{1,2}(-[0-9]{1,2})?"),
            parse: { text in
                if let day = Int(text) { return day != 0 && (-31...31).contains(day) ? WordRange(first: day, last: day) : nil }
                let ends = text.split(separator: "-", omittingEmptySubsequences: false).compactMap { UInt8($0) }.map { Int($0) }
                guard ends.count == 2, (1...31).contains(ends[0]), (ends[0]...31).contains(ends[1]) else { return nil }
                return WordRange(first: ends[0], last: ends[1])
            },
            show: { $0.first == $0.last ? "\($0.first)" : "\($0.first)-\($0.last)" })
    }

    private static func words(_ word: String, _ words: [String], first: Int, example: String) -> FieldType<WordRange> {
        let pattern = words.joined(separator: "|") + "|[0-9]{1,2}"
        return .scalar(
            word, example: example, schema: ["anyOf": [.text(matching: "(\(pattern))(-(\(pattern)))?"), ["type": "integer"]]],
            parse: { text in
                let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { end in
                    words.firstIndex(of: String(end)).map { $0 + first }
                        ?? (first == 1 ? Int(end).flatMap { (1...words.count).contains($0) ? $0 : nil } : nil)
                }
                guard ends.count <= 2, let start = ends[0], let end = ends[ends.count - 1] else { return nil }
                return WordRange(first: start, last: end)
            },
            show: { $0.first == $0.last ? words[$0.first - first] : "\(words[$0.first - first])-\(words[$0.last - first])" })
    }

    /// `22:00-06:00`; start and end must differ.
    static var hours: FieldType<DispatchWindow.SecondsOfDay> {
        FieldType(
            word: "range of hours", schema: .text(matching: "\\d{2}:\\d{2}(:\\d{2})?-\\d{2}:\\d{2}(:\\d{2})?"),
            read: { node, reader in
                guard let text = reader.text(of: node, wants: "a range of hours") else { return nil }
                let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { ClockText.parse($0.trimmed) }
                guard ends.count == 2, let start = ends[0], let end = ends[1], start < 86_400 else {
                    reader.report(
                        .error, .badValue, "`\(text.cutForMessage)` is not a range of hours", at: node.span,
                        hint: "write it like `22:00-06:00`")
                    return nil
                }
                guard start != end else {
                    reader.report(
                        .error, .badValue, "`\(text.cutForMessage)` starts and ends at the same time", at: node.span,
                        hint: "the whole day is `00:00-24:00`")
                    return nil
                }
                return DispatchWindow.SecondsOfDay(start: start, end: end)
            },
            show: { .scalar("\(ClockText.format($0.start))-\(ClockText.format($0.end))") })
    }

    /// `2026-12-24`, or `2026-12-24..2027-01-01`, the last day included.
    static var dates: FieldType<ClosedRange<CivilDate>> {
        .scalar(
            "day or run of days", example: "2026-12-24..2027-01-01",
            schema: .text(matching: "\\d{4}-\\d{2}-\\d{2}(\\.\\.\\d{4}-\\d{2}-\\d{2})?"),
            parse: { text in
                let dots = text.utf8.firstRange(of: "..".utf8)
                guard let dots else { return CivilDate(iso: text).map { $0...$0 } }
                guard let first = CivilDate(iso: text[..<dots.lowerBound]), let last = CivilDate(iso: text[dots.upperBound...]),
                    first <= last
                else { return nil }
                return first...last
            },
            show: { $0.lowerBound == $0.upperBound ? $0.lowerBound.iso : "\($0.lowerBound.iso)..\($0.upperBound.iso)" })
    }
}

extension ClockText {
    /// `HH:MM`, with seconds where there are any.
    static func format(_ second: Int) -> String {
        func padded(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let minutes = "\(padded(second / 3600)):\(padded(second / 60 % 60))"
        return second % 60 == 0 ? minutes : "\(minutes):\(padded(second % 60))"
    }
}
