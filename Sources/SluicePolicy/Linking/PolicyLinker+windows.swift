import SluiceCore

extension PolicyLinker {
    mutating func linkWindows(zone: String) -> [String: DispatchWindow] {
        var windows: [String: DispatchWindow] = [:]
        for entry in self.document.windows.value {
            if ["any", "none", "never"].contains(entry.name.text) {
                self.report(
                    .error, .badValue, "a window cannot be called `\(entry.name.text)`: the word has a meaning of its own",
                    at: entry.name.span)
            }
            windows[entry.name.text] = self.window(entry.value, zone: zone)
        }
        self.checkCircles(windows)
        return windows
    }

    /// The window that a list of expressions stands for: open while any of them is; nil for an empty list.
    mutating func window(anyOf expressions: [WindowExpression], zone: String) -> DispatchWindow? {
        let windows = expressions.compactMap { self.window($0, zone: zone) }
        return windows.count > 1 ? .any(windows) : windows.first
    }

    private mutating func window(_ expression: WindowExpression, zone: String) -> DispatchWindow? {
        switch expression {
        case .named(let name): self.resolve(name, in: self.windows) == nil ? nil : .named(name.text)
        case .inline(let record): self.window(record, zone: zone)
        }
    }

    private mutating func window(_ record: Located<WindowRecord>, zone: String) -> DispatchWindow? {
        let value = record.value
        let filters = [value.days.span, value.hours.span, value.dates.span, value.daysOfMonth.span, value.months.span, value.timezone.span]
        let bases = [("any", value.any.span), ("all", value.all.span), ("not", value.not.span)].filter { $0.1 != nil }
        let givesHours = filters.contains { $0 != nil }
        guard givesHours || !bases.isEmpty || value.except.isGiven else {
            self.report(.error, .emptySection, "this window says nothing", at: record.span, hint: "for every day write `days: [mon-sun]`")
            return nil
        }
        guard bases.count + (givesHours ? 1 : 0) <= 1 else {
            let others = (givesHours ? ["days and hours"] : []) + bases.map { "`\($0.0)`" }
            self.report(
                .error, .notApplicable,
                "a window is either days and hours, or one of `any`, `all` and `not`; this one has \(others.joined(separator: " and "))",
                at: record.span, hint: "give one part a name of its own, and combine them with `all: […]`")
            return nil
        }
        var window: DispatchWindow
        switch bases.first?.0 {
        case "any": window = .any(value.any.value.compactMap { self.window($0, zone: zone) })
        case "all": window = .all(value.all.value.compactMap { self.window($0, zone: zone) })
        case "not": window = .not(.any(value.not.value.compactMap { self.window($0, zone: zone) }))
        default: window = .hours(self.hours(value, zone: zone))
        }
        if value.except.isGiven { window = .except(window, value.except.value.compactMap { self.window($0, zone: zone) }) }
        return window
    }

    private mutating func hours(_ record: WindowRecord, zone: String) -> DispatchWindow.Hours {
        var hours = DispatchWindow.Hours(zone: record.timezone.value.map { self.zone($0) ?? zone } ?? zone)
        if record.days.isGiven { hours.days = Set(record.days.value.flatMap { $0.members(in: 0...6) }) }
        if record.months.isGiven { hours.months = Set(record.months.value.flatMap { $0.members(in: 1...12) }) }
        if record.daysOfMonth.isGiven { hours.daysOfMonth = Set(record.daysOfMonth.value.flatMap { $0.members(in: 1...31) }) }
        hours.ranges = record.hours.value
        hours.dates = record.dates.value
        return hours
    }

    private mutating func checkCircles(_ windows: [String: DispatchWindow]) {
        var done: Set<String> = []
        for entry in self.document.windows.value {
            guard let circle = PolicyLinker.circle(from: entry.name.text, in: windows, path: [], done: &done) else { continue }
            self.report(
                .error, .windowCircle, "window `\(entry.name.text)` leads back to itself: \(circle.joined(separator: " → "))",
                at: entry.name.span)
            done.formUnion(circle)
        }
    }

    private static func circle(from name: String, in windows: [String: DispatchWindow], path: [String], done: inout Set<String>)
        -> [String]?
    {
        if let start = path.firstIndex(of: name) { return path[start...] + [name] }
        guard !done.contains(name) else { return nil }
        for reference in windows[name]?.references ?? [] {
            if let circle = self.circle(from: reference, in: windows, path: path + [name], done: &done) { return circle }
        }
        done.insert(name)
        return nil
    }
}
