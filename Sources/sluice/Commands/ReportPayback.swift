import ArgumentParser
import SluiceCore
import SluicePolicy
import SluiceSQLite

struct ReportPayback: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "payback", abstract: "Sets hardware of one's own against what the same tokens would have cost at the baseline.",
        discussion: """
            All its costs count, idle hours as well. With the policy at hand (--config) it has paid for itself once what was not paid elsewhere, less \
            running costs, covers the purchase; a month that is to come is told from the mean so far.
            """)

    @OptionGroup var policy: PolicyOptions
    @OptionGroup var data: DataOptions

    @Option(help: "The currency to report on; else that of the newest entry.")
    var currency: String?

    @Option(help: "text or json.")
    var output = OutputFormat.text

    func run() throws {
        let console = Console()
        let now = Timestamp.now
        let policy = (try? self.policy.read(at: now))?.policy
        let hardware = policy?.backends.reduce(into: [String: Backend.Owned]()) { $0[$1.name] = $1.owned } ?? [:]
        let outcome = try console.failing(as: self.output) { () throws(StoreError) -> PaybackOutcome in
            let ledger = SQLiteLedger(reading: try self.data.reader())
            let newest = try Report(of: ledger, since: nil, until: nil, by: []).currency
            let currency = self.currency ?? newest
            return PaybackOutcome(try Payback(of: ledger, hardware: hardware, currency: currency, at: now), currency: currency)
        }
        switch self.output {
        case .json: try console.print(json: outcome)
        case .text: console.print(outcome.text(TextStyle(console)), terminator: "")
        }
    }
}

/// What `report payback` says: `sluice.payback/v1`.
struct PaybackOutcome: Codable {
    struct Month: Codable {
        var month: String
        var owned: String
        var baseline: String
        var saved: String
        /// Of `owned`, what would not have been paid without any work.
        var marginal: String
        /// The share of paid time at work.
        @OrNull var utilisation: Double?
    }

    struct Node: Codable {
        var backend: String
        var months: [Month]
        @OrNull var break_even: String?

        fileprivate var verdict: String {
            if let break_even {
                return break_even > self.months.last?.month ?? "" ? "will have paid for itself in \(break_even)" : "has paid for itself in \(break_even)"
            }
            return self.months.allSatisfy { $0.utilisation == nil }
                ? "has no whole hour behind it yet, so nothing can be said" : "does not pay for itself at this rate"
        }
    }

    var schema = "sluice.payback/v1"
    var currency: String
    var backends: [Node]

    init(_ payback: Payback, currency: String) {
        self.currency = currency
        self.backends = payback.nodes.map { node in
            Node(
                backend: node.backend,
                months: node.months.map { month in
                    let isPaid = month.paid > .zero
                    return Month(
                        month: month.month, owned: month.owned.description, baseline: month.baseline.description, saved: month.saved.description,
                        marginal: month.marginal.description,
                        utilisation: isPaid ? Double(month.busy.milliseconds * 10_000 / month.paid.milliseconds) / 10_000 : nil)
                }, break_even: node.breakEven)
        }
    }

    func text(_ style: TextStyle) -> String {
        guard !self.backends.isEmpty else { return "No hardware of one's own has done anything yet.\n" }
        return self.backends.map { node in
            var table = TextTable(
                [.init(title: node.backend)] + ["cost", "at the baseline", "saved", "at work"].map { .init(title: $0, alignment: .right) })
            table.rows = node.months.map { month in
                let share = month.utilisation.map { ReportText.percent(Int128($0 * 1_000_000)) } ?? "–"
                return [month.month, month.owned, month.baseline, month.saved, share]
            }
            return table.text(style) + "\(node.backend) \(node.verdict)\n"
        }.joined(separator: "\n")
    }
}
