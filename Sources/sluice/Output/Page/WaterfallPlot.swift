import SluiceCore

/// From the baseline to what was paid, lever by lever in their fixed order.
struct WaterfallPlot {
    private static let names = [
        "model": "Model", "backend": "Backend", "lane": "Lane", "window": "Window", "cache": "Cache", "waste": "Waste", "idle": "Idle",
    ]

    let measures: RollupMeasures
    let money: (MoneySum) -> String

    var picture: String {
        let steps = self.measures.waterfall
        let actual = self.measures.baseline - self.measures.saved
        var running = self.measures.baseline
        var edges: [MoneySum] = [running]
        for step in steps {
            running = running - step.amount
            edges.append(running)
        }
        let scale = PlotScale(edges.map(PlotScale.amount), slots: steps.count + 2)
        var content = scale.axis()
        func bar(_ slot: Int, _ from: MoneySum, _ to: MoneySum, _ style: String, _ name: String, _ figure: String) {
            let (a, b) = (PlotScale.amount(from), PlotScale.amount(to))
            content += scale.box(slot, from: a, to: b, style: "class=\"\(style)\"")
            let x = (scale.x(slot) + scale.x(slot + 1)) / 2
            content += "<text x=\"\(PlotScale.short(x))\" y=\"\(PlotScale.short(scale.y(max(a, b)) - 4))\" text-anchor=\"middle\">\(figure)</text>"
            content += scale.label(name, under: slot)
        }
        bar(0, .zero, self.measures.baseline, "rest", "Baseline", self.money(self.measures.baseline))
        for (index, step) in steps.enumerated() {
            let style = step.amount == .zero ? "rest" : step.amount < .zero ? "loss" : "gain"
            let figure = step.amount == .zero ? "0" : (step.amount < .zero ? "+" : "−") + self.money(MoneySum(pico: Int128(step.amount.pico.magnitude)))
            bar(index + 1, edges[index], edges[index + 1], style, WaterfallPlot.names[step.lever] ?? step.lever, figure)
        }
        bar(steps.count + 1, .zero, actual, "rest", "Actual", self.money(actual))
        return PlotScale.picture("From the baseline of \(self.money(self.measures.baseline)) to \(self.money(actual)), lever by lever", content)
    }
}
