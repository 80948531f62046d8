package import Logging
package import SluiceCore
import Synchronization

/// The budgets in force, asked before each attempt and told after it; one for the whole program, so that it outlives reloads.
package final class Budgets: Sendable {
    private let book = Mutex(BudgetBook())
    private let logger: Logger

    package init(logger: Logger) {
        self.logger = logger
    }

    /// Takes over the budgets of a policy, before the policy itself comes into force.
    ///
    /// - Returns: What is to be summed from the ledger and told to ``fill(_:with:)``.
    package func adopt(_ policy: PolicySet, at now: Timestamp, isFirst: Bool) -> [BudgetBook.Gap] {
        self.book.withLock { $0.adopt(policy.budgets, zone: policy.zone, at: now, isFirst: isFirst) }
    }

    package func fill(_ gap: BudgetBook.Gap, with spent: MoneySum) {
        self.book.withLock { $0.fill(gap, with: spent) }
    }

    package var standing: [(budget: Budget, spent: MoneySum, reserved: MoneySum)] { self.book.withLock { $0.standing } }

    func refusal(of amount: Money?, for spender: Spender, at now: Timestamp) -> Budget? {
        guard let (budget, isFirst) = self.book.withLock({ $0.refusal(of: amount, for: spender, at: now) }) else { return nil }
        if isFirst { self.tellRefusal(budget) }
        return budget
    }

    func reserve(_ amount: Money?, for spender: Spender, at now: Timestamp) -> BudgetBook.Verdict {
        let verdict = self.book.withLock { $0.reserve(amount, for: spender, at: now) }
        if case .refused(let budget, isFirst: true) = verdict { self.tellRefusal(budget) }
        return verdict
    }

    /// Sets aside what is out already, whatever it comes to.
    func hold(_ amount: Money?, for spender: Spender, at now: Timestamp) -> BudgetBook.Reservation? {
        self.book.withLock { $0.hold(amount, for: spender, at: now) }
    }

    private func tellRefusal(_ budget: Budget) {
        self.logger.warning("a budget is used up: attempts are refused", metadata: budget.metadata)
    }

    func settle(_ reservation: BudgetBook.Reservation, as amount: Money?, at now: Timestamp) {
        self.tell(self.book.withLock { $0.settle(reservation, as: amount, at: now) })
    }

    /// Counts corrections that the ledger has: what was certain by its difference, what was in doubt by that of its high end.
    package func correct(_ corrections: [LedgerEntry], at now: Timestamp) {
        for entry in corrections {
            guard let spender = Spender(entry), let amount = entry.settlement?.costHigh ?? entry.settlement?.cost else { continue }
            self.tell(self.book.withLock { $0.correct(by: amount, for: spender, at: now) })
        }
    }

    private func tell(_ alarms: [BudgetBook.Alarm]) {
        for alarm in alarms {
            var metadata = alarm.budget.metadata
            metadata["budget.spent"] = "\(alarm.spent)"
            metadata["budget.threshold"] = "\(DecimalText.format(Int128(alarm.share.millionths), decimals: 4))%"
            metadata["budget.action"] = "\(alarm.action.word)"
            self.logger.warning("a budget has reached a threshold", metadata: metadata)
        }
    }

    func downgrades(of spender: Spender, at now: Timestamp) -> [Int] {
        self.book.withLock { $0.downgrades(of: spender, at: now) }
    }
}

extension Budget {
    fileprivate var metadata: Logger.Metadata {
        ["budget.name": "\(self.name)", "budget.limit": "\(self.limit)", "budget.period": "\(self.period.rawValue)"]
    }
}

extension Budget.Action {
    fileprivate var word: String {
        switch self {
        case .warn: "warn"
        case .reject: "reject"
        case .downgrade: "downgrade"
        }
    }
}
