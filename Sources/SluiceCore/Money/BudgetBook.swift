/// What every budget has left: amounts are reserved before an attempt and settled after it.
///
/// A pure value; the dispatcher guards it with one lock, so that of many attempts at once no two are granted the same money. An amount counts
/// from its reservation on, and in the period in which it is settled, as in the ledger. When a period turns, what was settled is forgotten and
/// what is reserved stays.
package struct BudgetBook: Sendable {
    /// A granted amount that waits for its settlement.
    package struct Reservation: Hashable, Sendable {
        fileprivate let number: UInt64
    }

    package enum Verdict: Sendable {
        /// nil where no budget counts the spender.
        case granted(Reservation?)
        /// - Parameter isFirst: It is the first refusal of the period.
        case refused(Budget, isFirst: Bool)
    }

    /// A threshold that was reached; each is told once in a period.
    package struct Alarm: Sendable {
        package var budget: Budget
        package var share: PriceFactor
        package var action: Budget.Action
        package var spent: MoneySum
    }

    /// What a budget does not know yet: the sum of the ledger for a part of its period.
    package struct Gap: Sendable {
        package var budget: Budget
        package var since: Timestamp
        /// Exclusive; nil where nothing was under way when the budget came into force.
        package var until: Timestamp?
    }

    private struct Line: Sendable {
        var budget: Budget
        var period: Range<Timestamp>
        var spent = MoneySum.zero
        var reserved = MoneySum.zero
        /// The thresholds of this period that were told, by their position.
        var told: Set<Int> = []

        var counted: MoneySum { self.spent + self.reserved }
    }

    private struct Open: Sendable {
        var spender: Spender
        var amount: Money
    }

    private var zone: ZonedClock?
    private var lines: [Line] = []
    private var open: [UInt64: Open] = [:]
    private var nextNumber: UInt64 = 0

    package init() {}

    /// Takes over the budgets of a policy. Those that were in force under the same name, scope and period keep what they know.
    ///
    /// - Parameter isFirst: Nothing is under way yet: the ledger has all there is, whatever its time.
    /// - Returns: What is to be summed from the ledger and told to ``fill(_:with:)``.
    package mutating func adopt(_ budgets: [Budget], zone name: String, at now: Timestamp, isFirst: Bool) -> [Gap] {
        guard let zone = ZonedClock(name) else { preconditionFailure("unknown zone \(name)") }
        let old = self.lines
        self.zone = zone
        self.lines = []
        var gaps: [Gap] = []
        for budget in budgets {
            var line = Line(budget: budget, period: budget.period.span(around: now, in: zone))
            if let known = old.first(where: { $0.budget.isSameAccount(as: budget) && $0.period.lowerBound == line.period.lowerBound }) {
                line.spent = known.spent
                line.told = known.budget.hasSameThresholds(as: budget) ? known.told : []
            } else {
                gaps.append(Gap(budget: budget, since: line.period.lowerBound, until: isFirst ? nil : now))
            }
            for open in self.open.values where budget.counts(open.spender) { line.reserved += open.amount }
            self.lines.append(line)
        }
        return gaps
    }

    /// Adds what the ledger says of a gap. Thresholds that it passes were told before.
    package mutating func fill(_ gap: Gap, with spent: MoneySum) {
        guard let index = self.lines.firstIndex(where: { $0.budget.isSameAccount(as: gap.budget) && $0.period.lowerBound == gap.since }) else { return }
        self.lines[index].spent += spent
        for (position, threshold) in self.lines[index].budget.thresholds.enumerated()
        where self.lines[index].spent >= self.lines[index].budget.level(threshold.share) {
            self.lines[index].told.insert(position)
        }
    }

    /// The budget that would refuse an attempt of this amount now, and whether it is its first refusal of the period. Takes nothing.
    package mutating func refusal(of amount: Money?, for spender: Spender, at now: Timestamp) -> (budget: Budget, isFirst: Bool)? {
        self.turn(at: now)
        let index = self.lines.firstIndex { $0.budget.counts(spender) && BudgetBook.isBeyond(amount, $0) }
        return index.map { (self.lines[$0].budget, self.tellRefusal($0)) }
    }

    /// Sets an amount aside, in all budgets that count the spender or in none.
    ///
    /// - Parameter amount: nil where the attempt has no price: refused only where nothing is left.
    package mutating func reserve(_ amount: Money?, for spender: Spender, at now: Timestamp) -> Verdict {
        if let refusal = self.refusal(of: amount, for: spender, at: now) { return .refused(refusal.budget, isFirst: refusal.isFirst) }
        return .granted(self.hold(amount, for: spender, at: now))
    }

    /// Sets an amount aside without asking; nil where no budget counts the spender.
    package mutating func hold(_ amount: Money?, for spender: Spender, at now: Timestamp) -> Reservation? {
        self.turn(at: now)
        let counting = self.lines.indices.filter { self.lines[$0].budget.counts(spender) }
        guard !counting.isEmpty else { return nil }
        for index in counting { self.lines[index].reserved += amount ?? .zero }
        self.nextNumber += 1
        self.open[self.nextNumber] = Open(spender: spender, amount: amount ?? .zero)
        return Reservation(number: self.nextNumber)
    }

    /// Puts what an attempt cost in the place of what was reserved for it.
    ///
    /// - Parameter amount: The high end where it is not certain; nil where it is not known: what was reserved counts.
    /// - Returns: Thresholds that are now reached for the first time.
    package mutating func settle(_ reservation: Reservation, as amount: Money?, at now: Timestamp) -> [Alarm] {
        self.turn(at: now)
        guard let open = self.open.removeValue(forKey: reservation.number) else { return [] }
        var alarms: [Alarm] = []
        for index in self.lines.indices where self.lines[index].budget.counts(open.spender) {
            self.lines[index].reserved -= open.amount
            self.lines[index].spent += amount ?? open.amount
            alarms += self.tellReached(index)
        }
        return alarms
    }

    /// Adds what a correction of the ledger changes; it counts in the period in which it is written, as in the ledger.
    ///
    /// - Returns: Thresholds that are now reached for the first time.
    package mutating func correct(by amount: Money, for spender: Spender, at now: Timestamp) -> [Alarm] {
        self.turn(at: now)
        var alarms: [Alarm] = []
        for index in self.lines.indices where self.lines[index].budget.counts(spender) {
            self.lines[index].spent += MoneySum(amount)
            alarms += self.tellReached(index)
        }
        return alarms
    }

    /// The classes that budgets give to this spender for now, in place of more urgent ones.
    package mutating func downgrades(of spender: Spender, at now: Timestamp) -> [Int] {
        self.turn(at: now)
        return self.lines.filter { $0.budget.counts(spender) }.flatMap { line in
            line.budget.thresholds.compactMap { threshold in
                if case .downgrade(let trafficClass) = threshold.action, line.counted >= line.budget.level(threshold.share) { trafficClass } else { nil }
            }
        }
    }

    /// What counts against each budget, by its name.
    package var standing: [(budget: Budget, spent: MoneySum, reserved: MoneySum)] { self.lines.map { ($0.budget, $0.spent, $0.reserved) } }

    private static func isBeyond(_ amount: Money?, _ line: Line) -> Bool {
        guard let ceiling = line.budget.ceiling else { return false }
        guard let amount else { return line.counted >= ceiling }
        return amount > .zero && line.counted + MoneySum(amount) > ceiling
    }

    /// A clock that goes back opens no period again.
    private mutating func turn(at now: Timestamp) {
        guard let zone else { return }
        for index in self.lines.indices where now >= self.lines[index].period.upperBound {
            self.lines[index].period = self.lines[index].budget.period.span(around: now, in: zone)
            self.lines[index].spent = .zero
            self.lines[index].told = []
        }
    }

    private mutating func tellRefusal(_ index: Int) -> Bool {
        guard let position = self.lines[index].budget.thresholds.firstIndex(where: { $0.action == .reject }) else { return false }
        return self.lines[index].told.insert(position).inserted
    }

    private mutating func tellReached(_ index: Int) -> [Alarm] {
        let line = self.lines[index]
        var alarms: [Alarm] = []
        for (position, threshold) in line.budget.thresholds.enumerated()
        where line.spent >= line.budget.level(threshold.share) && self.lines[index].told.insert(position).inserted {
            alarms.append(Alarm(budget: line.budget, share: threshold.share, action: threshold.action, spent: line.spent))
        }
        return alarms
    }
}

extension Budget {
    /// Whether what was spent under the one was spent under the other.
    fileprivate func isSameAccount(as other: Budget) -> Bool {
        self.name == other.name && self.scope == other.scope && self.period == other.period
    }

    fileprivate func hasSameThresholds(as other: Budget) -> Bool {
        self.limit == other.limit && self.thresholds.elementsEqual(other.thresholds) { $0 == $1 }
    }
}
