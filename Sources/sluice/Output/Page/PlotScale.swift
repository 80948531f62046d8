import SluiceCore

/// Where amounts stand on the page: a vertical axis whose ticks are 1, 2 or 5 times a power of ten, above a row of equal slots.
///
/// Only here does money become floating point, for pixels.
struct PlotScale {
    static let width = 640.0
    static let height = 220.0
    private static let left = 62.0
    private static let right = 8.0
    private static let top = 14.0
    private static let bottom = 22.0
    private static let mostTicks = 5.0

    let low: Double
    let high: Double
    let step: Double
    let slots: Int

    /// - Parameter values: What must be on it; 0 always is.
    init(_ values: [Double], slots: Int) {
        let (low, high) = (min(0, values.min() ?? 0), max(0, values.max() ?? 0))
        let span = high - low > 0 ? high - low : 1
        self.step = PlotScale.step(atLeast: span / PlotScale.mostTicks)
        self.low = (low / self.step).rounded(.down) * self.step
        self.high = max((high / self.step).rounded(.up) * self.step, self.low + self.step)
        self.slots = max(1, slots)
    }

    private static func step(atLeast least: Double) -> Double {
        var power = 1.0
        while power > least { power /= 10 }
        while power * 10 <= least { power *= 10 }
        return [1, 2, 5, 10].map { $0 * power }.first { $0 >= least * 0.999 } ?? power * 10
    }

    static func amount(_ sum: MoneySum) -> Double { Double(sum.pico) / 1e12 }

    func y(_ value: Double) -> Double {
        PlotScale.height - PlotScale.bottom - (PlotScale.height - PlotScale.bottom - PlotScale.top) * (value - self.low) / (self.high - self.low)
    }

    /// The left edge of a slot; that of the slot behind the last is the right edge of the plot.
    func x(_ slot: Int) -> Double {
        PlotScale.left + (PlotScale.width - PlotScale.left - PlotScale.right) * Double(slot) / Double(self.slots)
    }

    /// Lines and figures of the axis.
    func axis(unit: String = "") -> String {
        let count = Int(((self.high - self.low) / self.step).rounded())
        let (left, right) = (PlotScale.short(PlotScale.left), PlotScale.short(PlotScale.width - PlotScale.right))
        let margin = PlotScale.short(PlotScale.left - 6)
        var content = ""
        for index in 0...max(1, count) {
            let value = self.low + self.step * Double(index)
            let (line, text) = (PlotScale.short(self.y(value)), PlotScale.short(self.y(value) + 4))
            content += "<line x1=\"\(left)\" x2=\"\(right)\" y1=\"\(line)\" y2=\"\(line)\" class=\"grid\"/>"
            content += "<text x=\"\(margin)\" y=\"\(text)\" text-anchor=\"end\">\(self.figure(value))\(unit)</text>"
        }
        return content
    }

    /// A word under a slot.
    func label(_ text: String, under slot: Int) -> String {
        let x = (self.x(slot) + self.x(slot + 1)) / 2
        return "<text x=\"\(PlotScale.short(x))\" y=\"\(PlotScale.short(PlotScale.height - 6))\" text-anchor=\"middle\">\(text.htmlEscaped)</text>"
    }

    func box(_ slot: Int, from: Double, to: Double, share: Double = 0.78, style: String) -> String {
        let width = (self.x(slot + 1) - self.x(slot)) * share
        let left = self.x(slot) + width * (1 - share) / (2 * share)
        let (top, bottom) = (self.y(max(from, to)), self.y(min(from, to)))
        let height = PlotScale.short(max(0.75, bottom - top))
        return "<rect x=\"\(PlotScale.short(left))\" width=\"\(PlotScale.short(width))\" y=\"\(PlotScale.short(top))\" height=\"\(height)\" \(style)/>"
    }

    /// As many decimals as the step has.
    private func figure(_ value: Double) -> String {
        var decimals = 0
        var scaled = self.step
        var unit = 1.0
        while scaled < 0.999, decimals < 12 {
            scaled *= 10
            unit *= 10
            decimals += 1
        }
        let whole = Int128((value * unit).rounded())
        let digits = String(whole.magnitude)
        let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
        let sign = whole < 0 ? "-" : ""
        let front = sign + ReportText.grouped(String(padded.dropLast(decimals)))
        return decimals == 0 ? front : front + "." + padded.suffix(decimals)
    }

    /// A coordinate with two decimals.
    static func short(_ value: Double) -> String { DecimalText.format(Int128((value * 100).rounded()), decimals: 2) }

    /// A whole picture, with what it shows in one sentence for those who do not see it.
    static func picture(_ summary: String, _ content: String) -> String {
        "<svg viewBox=\"0 0 \(Int(self.width)) \(Int(self.height))\" role=\"img\" aria-label=\"\(summary.htmlEscaped)\">\(content)</svg>"
    }
}

extension String {
    /// For a text or an attribute of a page.
    var htmlEscaped: String {
        guard self.utf8.contains(where: { [0x26, 0x3C, 0x3E, 0x22, 0x27].contains($0) }) else { return self }
        var text = ""
        for character in self.unicodeScalars {
            switch character {
            case "&": text += "&amp;"
            case "<": text += "&lt;"
            case ">": text += "&gt;"
            case "\"": text += "&quot;"
            case "'": text += "&#39;"
            default: text.unicodeScalars.append(character)
            }
        }
        return text
    }
}
