import SluiceCore

/// Spend over time by one dimension: the dearest values have bars of their own, the rest stands together.
struct SpendSeries {
    enum Step: String {
        case hour, day, month
    }

    struct Slot {
        var name: String
        /// By value, in the order of ``values``; the last is that of the rest where there is one.
        var spent: [MoneySum]
        var baseline = MoneySum.zero
    }

    private static let mostValues = 5
    private static let mostSlots = 24 * 366

    let step: Step
    let values: [String]
    let hasRest: Bool
    let slots: [Slot]

    /// - Parameter rows: Of a report by hour and the dimension, in this order.
    init(_ rows: [Report.Row]) {
        let hours = rows.compactMap { $0.key[0] }
        let (first, last) = (hours.min() ?? "", hours.max() ?? "")
        let step = SpendSeries.step(from: first, to: last)
        var totals: [String: MoneySum] = [:]
        for row in rows { totals[row.key[1] ?? "(none)", default: .zero] += row.measures.spent + row.measures.idle }
        let ranked = totals.sorted { $0.value == $1.value ? $0.key < $1.key : $0.value > $1.value }.map(\.key)
        let values = Array(ranked.prefix(SpendSeries.mostValues))
        let place = Dictionary(uniqueKeysWithValues: values.enumerated().map { ($1, $0) })
        let columns = values.count + (ranked.count > values.count ? 1 : 0)
        var slots: [String: Slot] = [:]
        for row in rows {
            guard let hour = row.key[0] else { continue }
            let name = SpendSeries.name(hour, step)
            var slot = slots[name] ?? Slot(name: name, spent: Array(repeating: .zero, count: columns))
            slot.spent[place[row.key[1] ?? "(none)"] ?? columns - 1] += row.measures.spent + row.measures.idle
            slot.baseline += row.measures.baseline
            slots[name] = slot
        }
        self.step = step
        self.values = values
        self.hasRest = columns > values.count
        self.slots = SpendSeries.names(from: first, to: last, step).map { slots[$0] ?? Slot(name: $0, spent: Array(repeating: .zero, count: columns)) }
    }

    private static func step(from first: String, to last: String) -> Step {
        guard let start = Timestamp(rfc3339: first), let end = Timestamp(rfc3339: last) else { return .hour }
        let days = (end - start).components.seconds / 86_400
        return days < 8 ? .hour : days < 180 ? .day : .month
    }

    private static func name(_ hour: String, _ step: Step) -> String {
        switch step {
        case .hour: String(hour.prefix(13)) + ":00"
        case .day: String(hour.prefix(10))
        case .month: String(hour.prefix(7))
        }
    }

    /// Every slot of the time, those in which nothing happened too.
    private static func names(from first: String, to last: String, _ step: Step) -> [String] {
        guard let start = Timestamp(rfc3339: first), let end = Timestamp(rfc3339: last) else { return [] }
        var names: [String] = []
        var instant = start
        while instant <= end, names.count < self.mostSlots {
            let name = self.name(instant.description, step)
            if names.last != name { names.append(name) }
            instant = instant + .seconds(step == .hour ? 3600 : 86_400)
        }
        let final = self.name(last, step)
        if names.last != final { names.append(final) }
        return names
    }

    // MARK: Picture

    func picture(currency: String) -> String {
        let tops = self.slots.map { slot in slot.spent.reduce(0) { $0 + max(0, PlotScale.amount($1)) } }
        let baselines = self.slots.map { PlotScale.amount($0.baseline) }
        let scale = PlotScale(tops + baselines, slots: self.slots.count)
        var content = scale.axis()
        for (index, slot) in self.slots.enumerated() {
            var height = 0.0
            for (column, spent) in slot.spent.enumerated() {
                let amount = max(0, PlotScale.amount(spent))
                guard amount > 0 else { continue }
                content += scale.box(index, from: height, to: height + amount, share: 0.86, style: "class=\"\(self.colour(column))\"")
                height += amount
            }
        }
        let line = baselines.enumerated().map { index, value in
            "\(PlotScale.short(scale.x(index))),\(PlotScale.short(scale.y(value)))L\(PlotScale.short(scale.x(index + 1))),\(PlotScale.short(scale.y(value)))"
        }
        if !line.isEmpty { content += "<path class=\"baseline\" d=\"M\(line.joined(separator: "L"))\"/>" }
        let every = max(1, (self.slots.count + 6) / 7)
        for index in stride(from: 0, to: self.slots.count, by: every) { content += scale.label(self.shortName(index), under: index) }
        return PlotScale.picture("Spend per \(self.step.rawValue) in \(currency), and what the baseline would have cost", content)
    }

    private func shortName(_ index: Int) -> String {
        let name = self.slots[index].name
        return self.step == .hour ? String(name.dropFirst(5).prefix(5)) + " " + String(name.suffix(5)) : self.step == .day ? String(name.dropFirst(5)) : name
    }

    func colour(_ column: Int) -> String { self.hasRest && column == self.values.count ? "rest" : "c\(column + 1)" }

    var legend: String {
        let names = self.values + (self.hasRest ? ["others"] : [])
        let items = names.enumerated().map {
            "<span><svg class=\"key\" viewBox=\"0 0 10 10\"><rect width=\"10\" height=\"10\" class=\"\(self.colour($0))\"/></svg>\($1.htmlEscaped)</span>"
        }
        return "<div class=\"legend\">\(items.joined())<span>┄ baseline</span></div>"
    }

    /// The figures behind the picture, slots without any left out.
    func table(_ money: (MoneySum) -> String) -> TextTable {
        let names = self.values + (self.hasRest ? ["others"] : [])
        var table = TextTable([.init(title: "\(self.step.rawValue) (UTC)")] + (names + ["baseline"]).map { .init(title: $0, alignment: .right) })
        let busy = self.slots.filter { $0.baseline != .zero || $0.spent.contains { $0 != .zero } }
        table.rows = busy.map { slot in [slot.name.replacing("T", with: " ")] + slot.spent.map(money) + [money(slot.baseline)] }
        return table
    }
}
