import SluiceCore

/// The money of one request: asks the budgets before each of its attempts, and holds what was set aside for the next one.
struct Purse {
    private let budgets: Budgets
    private var spender: Spender
    private var reservation: BudgetBook.Reservation?

    init(budgets: Budgets, spender: Spender) {
        self.budgets = budgets
        self.spender = spender
    }

    /// The next attempt goes to this pool.
    mutating func aim(at pool: String) { self.spender.pool = pool }

    /// The budget that would refuse the amount now; nothing is taken.
    func refusal(of amount: Money?, at now: Timestamp) -> Budget? {
        self.budgets.refusal(of: amount, for: self.spender, at: now)
    }

    /// Sets the amount aside, or gives the budget that refuses it.
    mutating func take(_ amount: Money?, at now: Timestamp) -> Budget? {
        switch self.budgets.reserve(amount, for: self.spender, at: now) {
        case .refused(let budget, _): return budget
        case .granted(let reservation):
            self.reservation = reservation
            return nil
        }
    }

    /// The attempt that the amount was set aside for takes it over, and settles it.
    mutating func handOver() -> BudgetBook.Reservation? {
        defer { self.reservation = nil }
        return self.reservation
    }

    /// - Parameter end: What the attempt cost; its high end counts where it is an interval, the reserved amount where it has no price.
    func settle(_ reservation: BudgetBook.Reservation, _ end: LedgerEntry.Settlement, at now: Timestamp) {
        self.budgets.settle(reservation, as: end.cost ?? end.costHigh, at: now)
    }

    /// The attempt was not made.
    func giveBack(_ reservation: BudgetBook.Reservation, at now: Timestamp) {
        self.budgets.settle(reservation, as: .zero, at: now)
    }
}
