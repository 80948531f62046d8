import ArgumentParser
import FoundationEssentials
import SluiceCore
import SluicePolicy
import SluiceSQLite

struct ReportPayback: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "payback", abstract: "Sets hardware of one's own against what the same tokens would have cost at the baseline.",
        discussion: """
            All its costs count, idle hours as well. It has paid for itself once what was not paid elsewhere, less running costs, covers the purchase; a \
            month that is to come is told from the mean so far. What the purchase cost stands in the policy: that of the running server, else --config.
            """)

    @OptionGroup var policy: PolicyOptions
    @OptionGroup var data: DataOptions

    @Option(help: "The currency to report on; else that of the newest entry.")
    var currency: String?

    @Option(help: "text or json.")
    var output = OutputFormat.text

    func run() throws {
        let console = Console()
        let outcome = try console.failing(as: self.output) { () throws(StoreError) in
            if let served = try self.served() { served } else { try self.read(at: .now) }
        }
        switch self.output {
        case .json: try console.print(json: outcome)
        case .text: console.print(outcome.text(TextStyle(console)), terminator: "")
        }
        if outcome.backends.contains(where: { $0.purchase == nil }) {
            console.talk("what the hardware cost to buy stands in the policy; name it with --config")
        }
    }

    /// From the server that runs on the folder, which has a policy; nil where none does, or another policy or currency is asked for.
    private func served() throws(StoreError) -> PaybackOutcome? {
        guard self.policy.config == nil, self.currency == nil, let client = AdminClient(self.data.folder()) else { return nil }
        return try? JSONDecoder().decode(PaybackOutcome.self, from: Data(try client.send("GET", "/api/report/payback")))
    }

    private func read(at now: Timestamp) throws(StoreError) -> PaybackOutcome {
        let policy = (try? self.policy.read(at: now))?.policy
        let ledger = SQLiteLedger(reading: try self.data.reader())
        let newest = try Report(of: ledger, since: nil, until: nil, by: []).currency
        return try PaybackOutcome(of: ledger, policy: policy, currency: self.currency ?? newest, at: now)
    }
}

/// What `report payback` says: `sluice.payback/v1`.
struct PaybackOutcome: Codable {
    struct Month: Codable {
        var month: String
        var owned: String
        @OrNull var baseline: String?
        @OrNull var saved: String?
        /// Of `owned`, what would not have been paid without any work.
        var marginal: String
        /// The share of paid time at work.
        @OrNull var utilisation: Double?
    }

    struct Node: Codable {
        var backend: String
        var months: [Month]
        /// What must be earned; null where no policy tells.
        @OrNull var purchase: String?
        @OrNull var break_even: String?

        fileprivate var verdict: String {
            if let break_even {
                return break_even > self.months.last?.month ?? "" ? "will have paid for itself in \(break_even)" : "has paid for itself in \(break_even)"
            }
            if self.purchase == nil { return "cost nobody knows what to buy, so it cannot be told when it has paid for itself" }
            if self.months.contains(where: { $0.baseline == nil }) {
                return "did work that has no price at the baseline, so it cannot be told when it has paid for itself"
            }
            return self.months.allSatisfy { $0.utilisation == nil }
                ? "has no whole hour behind it yet, so nothing can be said" : "does not pay for itself at this rate"
        }
    }

    var schema = "sluice.payback/v1"
    var currency: String
    var backends: [Node]

    init(of ledger: some Ledger, policy: PolicySet?, currency: String, at now: Timestamp) throws(StoreError) {
        self.currency = currency
        self.backends = try Payback(of: ledger, policy: policy, currency: currency, at: now).nodes.map { node in
            Node(
                backend: node.backend,
                months: node.months.map { month in
                    let isPaid = month.paid > .zero
                    return Month(
                        month: month.month, owned: month.owned.description, baseline: month.baseline?.description, saved: month.saved?.description,
                        marginal: month.marginal.description,
                        utilisation: isPaid ? Double(month.busy.milliseconds * 10_000 / month.paid.milliseconds) / 10_000 : nil)
                }, purchase: node.purchase?.description, break_even: node.breakEven)
        }
    }

    var json: [UInt8] {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            return Array(try encoder.encode(self))
        }
    }

    func text(_ style: TextStyle) -> String {
        guard !self.backends.isEmpty else { return "No hardware of one's own has done anything yet.\n" }
        return self.backends.map { node in
            var table = TextTable(
                [.init(title: node.backend)] + ["cost", "at the baseline", "saved", "at work"].map { .init(title: $0, alignment: .right) })
            table.rows = node.months.map { month in
                let share = month.utilisation.map { ReportText.percent(Int128($0 * 1_000_000)) } ?? "–"
                return [month.month, month.owned, month.baseline ?? "unknown", month.saved ?? "unknown", share]
            }
            return table.text(style) + "\(node.backend) \(node.verdict)\n"
        }.joined(separator: "\n")
    }
}
