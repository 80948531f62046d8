/// What hardware of one's own or rented hardware costs, by the clock.
///
/// Owned: (capex × (1 − residual) ÷ life + opex) a month of 730 hours, and energy by its draw and the price of the window. Rented: its rate
/// while its window is open. Amounts over a time are differences of one running sum, so that hours add up to a year to the picodollar.
package struct HardwareCost: Sendable {
    private static let hoursPerMonth: Int128 = 730
    private static let millisecondsPerHour: Int128 = 3_600_000
    /// Where the running sum begins: far enough back for any ledger, and near enough for its products to fit.
    private static let origin: Int64 = 1_577_836_800_000

    /// How busy time is shared among requests.
    package enum Charge: Hashable, Sendable {
        case byGPUSecond
        case byToken(perHour: Int)
    }

    package let charge: Charge
    package let gpus: Int
    private let owned: Backend.Owned?
    private let rented: Backend.Rented?
    private let calendar: WindowCalendar

    /// nil for a backend that is neither owned nor rented.
    package init?(_ backend: Backend, calendar: WindowCalendar) {
        guard backend.owned != nil || backend.rented != nil else { return nil }
        self.owned = backend.owned
        self.rented = backend.rented
        self.calendar = calendar
        self.gpus = backend.owned?.gpus ?? backend.rented?.gpus ?? 1
        switch backend.owned?.charge {
        case .byToken: self.charge = .byToken(perHour: max(1, backend.owned?.tokensPerHour ?? 1))
        case .byGPUSecond, nil: self.charge = .byGPUSecond
        }
    }

    // MARK: Over a time

    /// Paid whether or not anything is done; energy is besides.
    package func fixed(in span: Range<Timestamp>) -> MoneySum {
        guard let rented else { return self.runningFixed(until: span.upperBound) - self.runningFixed(until: span.lowerBound) }
        let open = rented.when.map { self.calendar.intervals(of: $0, in: span).intervals } ?? [span]
        let milliseconds = open.reduce(into: Int128(0)) { $0 += Int128($1.upperBound.milliseconds - $1.lowerBound.milliseconds) }
        return MoneySum(pico: (Int128(rented.hourlyRate.pico) * Int128(rented.gpus) * milliseconds).dividedHalfEven(by: HardwareCost.millisecondsPerHour))
    }

    private func runningFixed(until instant: Timestamp) -> MoneySum {
        guard let owned else { return .zero }
        let (numerator, denominator) = HardwareCost.monthly(owned)
        let elapsed = Int128(instant.milliseconds - HardwareCost.origin)
        let perMonth = denominator * HardwareCost.hoursPerMonth * HardwareCost.millisecondsPerHour
        // Whole months first: the product with all milliseconds could be too wide.
        let (whole, rest) = numerator.quotientAndRemainder(dividingBy: perMonth)
        return MoneySum(pico: whole * elapsed + (rest * elapsed).dividedHalfEven(by: perMonth))
    }

    /// A month's cost as a fraction.
    private static func monthly(_ owned: Backend.Owned) -> (numerator: Int128, denominator: Int128) {
        let life = Int128(max(1, owned.lifeMonths))
        let million: Int128 = 1_000_000
        return (Int128(owned.capex.pico) * Int128(owned.residual.complement.millionths) + Int128(owned.monthlyOpex.pico) * life * million, life * million)
    }

    /// Energy that is drawn without any work.
    package func idleEnergy(in span: Range<Timestamp>) -> MoneySum { self.energy(watts: self.owned?.power?.idleWatts ?? 0, in: span) }

    /// What work draws beyond that.
    package func busyEnergy(in span: Range<Timestamp>) -> MoneySum { self.energy(watts: self.extraWatts, in: span) }

    private var extraWatts: Int { self.owned?.power.map { max(0, $0.busyWatts - $0.idleWatts) } ?? 0 }

    private func energy(watts: Int, in span: Range<Timestamp>) -> MoneySum {
        guard watts > 0, let power = self.owned?.power else { return .zero }
        var rest = IntervalSet([span])
        var wattMilliseconds = MoneySum.zero
        func add(_ set: IntervalSet, _ price: Money) {
            let milliseconds = set.intervals.reduce(into: Int128(0)) { $0 += Int128($1.upperBound.milliseconds - $1.lowerBound.milliseconds) }
            wattMilliseconds.pico += Int128(watts) * milliseconds * Int128(price.pico)
        }
        for (window, price) in power.during {
            let open = self.calendar.intervals(of: .named(window), in: span).intersection(rest)
            add(open, price)
            rest = rest.intersection(open.complement(in: span))
        }
        add(rest, power.pricePerKWh)
        return MoneySum(pico: wattMilliseconds.pico.dividedHalfEven(by: 1000 * HardwareCost.millisecondsPerHour))
    }

    // MARK: At an instant

    /// An hour at work at this instant's prices, and of it what would not be paid without work.
    package func hour(at instant: Timestamp) -> (full: MoneySum, marginal: MoneySum) {
        let hour = instant.hour..<instant.hour + .seconds(3600)
        let price =
            self.owned?.power.map { power in
                power.during.first { self.calendar.isOpen(.named($0.window), at: instant) }?.price ?? power.pricePerKWh
            } ?? .zero
        func energy(_ watts: Int) -> MoneySum { MoneySum(pico: (Int128(watts) * Int128(price.pico)).dividedHalfEven(by: 1000)) }
        let isOpen = self.rented?.when.map { self.calendar.isOpen($0, at: instant) } ?? true
        let rent = self.rented.flatMap { isOpen ? MoneySum(pico: Int128($0.hourlyRate.pico) * Int128($0.gpus)) : nil }
        let fixed = rent ?? (self.owned != nil ? self.fixed(in: hour) : .zero)
        let marginal = energy(self.extraWatts)
        return (fixed + energy(self.owned?.power?.idleWatts ?? 0) + marginal, marginal)
    }

    /// The price of a token where tokens are charged.
    package func tokenPrice(at instant: Timestamp) -> UnitPrice? {
        guard case .byToken(let perHour) = self.charge else { return nil }
        return UnitPrice(value: (self.hour(at: instant).full.pico * UnitPrice.perPico).dividedHalfEven(by: Int128(perHour)))
    }

    /// What so many tokens, or so much work alone on the node, are expected to cost.
    package func estimate(_ usage: TokenUsage, work: Duration, at instant: Timestamp) -> Money? {
        if let price = self.tokenPrice(at: instant) { return PricedUsage.cost(of: usage, at: UnitPrices(repeating: price), perRequest: .zero) }
        let share = self.hour(at: instant).full.pico * Int128(work.milliseconds)
        return Int64(exactly: share.dividedHalfEven(by: HardwareCost.millisecondsPerHour)).map { Money(pico: $0) }
    }
}
