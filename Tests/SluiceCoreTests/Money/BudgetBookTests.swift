import SluiceCore
import Testing

@Suite struct BudgetBookTests {
    private let noon = Timestamp(rfc3339: "2026-11-25T12:00:00Z") ?? .distantPast
    private let anyone = Spender(tenant: "web", key: nil, tags: [:])

    private func budget(
        _ name: String = "day", scope: Budget.Scope = .all, limit: Int64 = 100, period: Budget.Period = .day,
        thresholds: [(share: PriceFactor, action: Budget.Action)] = [(.one, .reject)]
    ) -> Budget {
        Budget(index: 0, name: name, scope: scope, limit: Money(pico: limit), period: period, thresholds: thresholds)
    }

    private func book(_ budgets: Budget..., zone: String = "UTC") -> BudgetBook {
        var book = BudgetBook()
        for gap in book.adopt(budgets, zone: zone, at: self.noon, isFirst: true) { book.fill(gap, with: .zero) }
        return book
    }

    private func reserve(_ amount: Int64?, of book: inout BudgetBook, as spender: Spender? = nil, at now: Timestamp? = nil) -> BudgetBook.Reservation? {
        guard
            case .granted(let reservation) = book.reserve(amount.map { Money(pico: $0) }, for: spender ?? self.anyone, at: now ?? self.noon)
        else { return nil }
        return reservation
    }

    private func share(_ percent: Int64) -> PriceFactor { PriceFactor(millionths: percent * 10_000) }

    @Test func grantsNoMoreThanTheLimitHowEverManyAskAtOnce() {
        var book = self.book(self.budget(limit: 100))
        let granted = (0..<64).count { _ in self.reserve(7, of: &book) != nil }
        #expect(granted == 14)
    }

    @Test func givesBackWhatAnAttemptDidNotCost() throws {
        var book = self.book(self.budget(limit: 100))
        for _ in 0..<50 {
            let reservation = try #require(self.reserve(90, of: &book))
            _ = book.settle(reservation, as: .zero, at: self.noon)
        }
        #expect(book.standing.first?.spent == .zero)
    }

    @Test func countsWhatItCostAndNotWhatWasReserved() throws {
        var book = self.book(self.budget(limit: 100))
        let reservation = try #require(self.reserve(90, of: &book))
        _ = book.settle(reservation, as: Money(pico: 30), at: self.noon)
        #expect(self.reserve(70, of: &book) != nil)
        #expect(self.reserve(1, of: &book) == nil)
    }

    @Test func keepsTheReservedAmountWhereTheCostIsNotKnown() throws {
        var book = self.book(self.budget(limit: 100))
        let reservation = try #require(self.reserve(90, of: &book))
        _ = book.settle(reservation, as: nil, at: self.noon)
        #expect(self.reserve(11, of: &book) == nil)
    }

    @Test func settlesAnAttemptOnce() throws {
        var book = self.book(self.budget(limit: 100))
        let reservation = try #require(self.reserve(90, of: &book))
        for _ in 0..<3 { _ = book.settle(reservation, as: Money(pico: 40), at: self.noon) }
        #expect(book.standing.first?.spent == MoneySum(pico: 40))
    }

    @Test func letsWhatCostsNothingThroughAnEmptyBudget() {
        var book = self.book(self.budget(limit: 0))
        #expect(self.reserve(0, of: &book) != nil)
        #expect(self.reserve(1, of: &book) == nil)
    }

    @Test func refusesWhatHasNoPriceOnceNothingIsLeft() throws {
        var book = self.book(self.budget(limit: 100))
        _ = try #require(self.reserve(nil, of: &book))
        _ = try #require(self.reserve(100, of: &book))
        #expect(self.reserve(nil, of: &book) == nil)
    }

    @Test func takesFromAllBudgetsOrFromNone() {
        var book = self.book(self.budget("wide", limit: 1000), self.budget("narrow", scope: .tenant(Glob("web")), limit: 10))
        #expect(self.reserve(20, of: &book) == nil)
        #expect(book.standing.allSatisfy { $0.reserved == .zero })
    }

    @Test(arguments: [
        (Budget.Scope.all, true), (.tenant(Glob("w*")), true), (.tenant(Glob("research")), false), (.key(Glob("ci-*")), true), (.key(Glob("prod")), false),
        (.tag(name: "job", value: Glob("eval")), true), (.tag(name: "job", value: Glob("etl")), false), (.tag(name: "team", value: Glob("*")), false),
    ])
    func countsTheSpendersOfItsScope(_ scope: Budget.Scope, _ isCounted: Bool) {
        let spender = Spender(tenant: "web", key: "ci-7", tags: ["job": "eval"])
        var book = self.book(self.budget(scope: scope, limit: 10))
        #expect((book.refusal(of: Money(pico: 11), for: spender, at: self.noon) != nil) == isCounted)
    }

    @Test(arguments: [("live", "house", false), ("live", "api", true), ("other", "api", false), ("live", nil, false)] as [(String, String?, Bool)])
    func whatAClassSpendsOutsideItsFirstPoolIsAnAccountOfItsOwn(_ trafficClass: String, _ pool: String?, _ isCounted: Bool) {
        let spender = Spender(tenant: "web", key: nil, tags: [:], trafficClass: trafficClass, pool: pool)
        var book = self.book(self.budget(scope: .beyond(pool: "house", trafficClass: "live"), limit: 10))
        #expect((book.refusal(of: Money(pico: 11), for: spender, at: self.noon) != nil) == isCounted)
    }

    @Test func tellsAThresholdOnceInAPeriod() throws {
        var book = self.book(self.budget(limit: 100, thresholds: [(self.share(50), .warn), (self.share(80), .warn)]))
        func spend(_ amount: Int64, at now: Timestamp) throws -> [Int64] {
            let reservation = try #require(self.reserve(amount, of: &book, at: now))
            return book.settle(reservation, as: Money(pico: amount), at: now).map { $0.share.millionths / 10_000 }
        }
        #expect(try spend(49, at: self.noon) == [])
        #expect(try spend(1, at: self.noon) == [50])
        #expect(try spend(40, at: self.noon) == [80])
        #expect(try spend(10, at: self.noon) == [])
        #expect(try spend(60, at: self.noon + .seconds(86_400)) == [50])
    }

    @Test func tellsTheFirstRefusalOfAPeriod() {
        var book = self.book(self.budget(limit: 10))
        #expect(book.refusal(of: Money(pico: 11), for: self.anyone, at: self.noon)?.isFirst == true)
        #expect(book.refusal(of: Money(pico: 11), for: self.anyone, at: self.noon)?.isFirst == false)
    }

    @Test func aCorrectionCountsForItsSpenderAtOnce() {
        var book = self.book(self.budget(scope: .tenant(Glob("a")), limit: 100))
        let (mine, other) = (Spender(tenant: "a", key: nil, tags: [:]), Spender(tenant: "b", key: nil, tags: [:]))
        _ = book.correct(by: Money(pico: 100), for: other, at: self.noon)
        #expect(self.reserve(1, of: &book, as: mine) != nil)
        _ = book.correct(by: Money(pico: 100), for: mine, at: self.noon)
        #expect(self.reserve(1, of: &book, as: mine) == nil)
        _ = book.correct(by: Money(pico: -50), for: mine, at: self.noon)
        #expect(self.reserve(1, of: &book, as: mine) != nil)
    }

    @Test func downgradesFromItsShareOn() {
        var book = self.book(self.budget(limit: 100, thresholds: [(self.share(50), .downgrade(3)), (.one, .reject)]))
        #expect(book.downgrades(of: self.anyone, at: self.noon) == [])
        _ = self.reserve(50, of: &book)
        #expect(book.downgrades(of: self.anyone, at: self.noon) == [3])
    }

    @Test func turnsAtMidnightOfItsZoneAndKeepsWhatIsUnderWay() throws {
        var book = self.book(self.budget(limit: 100), zone: "Europe/Berlin")
        let under = try #require(self.reserve(40, of: &book))
        let spent = try #require(self.reserve(60, of: &book))
        _ = book.settle(spent, as: Money(pico: 60), at: self.noon)
        let before = try #require(Timestamp(rfc3339: "2026-11-25T22:59:59Z"))
        #expect(self.reserve(1, of: &book, at: before) == nil)
        #expect(self.reserve(60, of: &book, at: before + .seconds(1)) != nil)
        #expect(self.reserve(1, of: &book, at: before + .seconds(1)) == nil)
        _ = book.settle(under, as: Money(pico: 5), at: before + .seconds(2))
        #expect(book.standing.first?.spent == MoneySum(pico: 5))
    }

    @Test func aClockThatGoesBackOpensNoPeriodAgain() throws {
        var book = self.book(self.budget(limit: 100))
        let tomorrow = self.noon + .seconds(86_400)
        let reservation = try #require(self.reserve(80, of: &book, at: tomorrow))
        _ = book.settle(reservation, as: Money(pico: 80), at: self.noon)
        #expect(self.reserve(30, of: &book, at: self.noon) == nil)
    }

    @Test func aReloadKeepsWhatIsSpentAndReserved() throws {
        var book = self.book(self.budget(limit: 100))
        let spent = try #require(self.reserve(30, of: &book))
        _ = book.settle(spent, as: Money(pico: 30), at: self.noon)
        let under = try #require(self.reserve(20, of: &book))
        #expect(book.adopt([self.budget(limit: 60), self.budget("new", limit: 60)], zone: "UTC", at: self.noon, isFirst: false).map(\.budget.name) == ["new"])
        #expect(self.reserve(11, of: &book) == nil)
        _ = book.settle(under, as: Money(pico: 20), at: self.noon)
        #expect(book.standing.map(\.spent) == [MoneySum(pico: 50), MoneySum(pico: 20)])
        #expect(book.standing.allSatisfy { $0.reserved == .zero })
    }

    @Test func learnsFromTheLedgerWhatANewBudgetHasSpent() throws {
        var book = BudgetBook()
        let gap = try #require(book.adopt([self.budget(limit: 100)], zone: "UTC", at: self.noon, isFirst: true).first)
        #expect(gap.since == Timestamp(rfc3339: "2026-11-25T00:00:00Z"))
        book.fill(gap, with: MoneySum(pico: 95))
        #expect(self.reserve(6, of: &book) == nil)
        #expect(self.reserve(5, of: &book) != nil)
    }
}

@Suite struct BudgetPeriodTests {
    @Test(arguments: [
        (Budget.Period.day, "UTC", "2026-11-25T12:00:00Z", "2026-11-25T00:00:00Z", "2026-11-26T00:00:00Z"),
        (.day, "Europe/Berlin", "2026-11-25T22:59:59Z", "2026-11-24T23:00:00Z", "2026-11-25T23:00:00Z"),
        (.day, "Europe/Berlin", "2026-10-25T12:00:00Z", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),
        (.day, "Asia/Kolkata", "2026-11-25T18:29:59Z", "2026-11-24T18:30:00Z", "2026-11-25T18:30:00Z"),
        (.month, "Europe/Berlin", "2026-10-31T23:30:00Z", "2026-10-31T23:00:00Z", "2026-11-30T23:00:00Z"),
        (.month, "UTC", "2028-02-29T23:59:59Z", "2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z"),
        (.month, "America/New_York", "2027-01-01T04:59:59Z", "2026-12-01T05:00:00Z", "2027-01-01T05:00:00Z"),
    ])
    func runsFromMidnightToMidnight(_ period: Budget.Period, _ zone: String, _ at: String, _ from: String, _ to: String) throws {
        let clock = try #require(ZonedClock(zone))
        let span = period.span(around: try #require(Timestamp(rfc3339: at)), in: clock)
        #expect(span.lowerBound == Timestamp(rfc3339: from))
        #expect(span.upperBound == Timestamp(rfc3339: to))
    }
}
