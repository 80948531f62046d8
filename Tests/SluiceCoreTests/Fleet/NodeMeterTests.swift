import SluiceCore
import Testing

@Suite struct NodeMeterTests {
    /// 10 an hour, exactly.
    private static func owned(power: Backend.Owned.Power? = nil, capex: String = "262800", charge: Backend.Owned.Charge = .byGPUSecond) -> Backend.Owned {
        var owned = Backend.Owned(
            capex: Money(capex) ?? .zero, lifeMonths: 36, residual: PriceFactor(millionths: 0), monthlyOpex: .zero, gpus: 8, charge: charge)
        owned.power = power
        return owned
    }

    private func cost(_ owned: Backend.Owned, windows: [String: DispatchWindow] = [:]) throws -> HardwareCost {
        var backend = Backend(index: 0, name: "h100", api: .vllm)
        backend.owned = owned
        return try #require(HardwareCost(backend, calendar: WindowCalendar(named: windows)))
    }

    private let noon = Timestamp(rfc3339: "2026-11-25T12:00:00Z") ?? .distantPast

    private func now(_ milliseconds: Int64, wall: Int64? = nil) -> Now {
        Now(wall: self.noon + .milliseconds(wall ?? milliseconds), monotonic: MonotonicInstant(nanoseconds: 1 + milliseconds * 1_000_000))
    }

    @Test func sharesEachBusyInstantEvenly() throws {
        var meter = NodeMeter(try self.cost(Self.owned()), at: self.now(0))
        let first = meter.begin(at: self.now(0))
        let second = meter.begin(at: self.now(360_000))
        #expect(meter.share(since: first, at: self.now(720_000)).cost.description == "1.5")
        meter.end(at: self.now(720_000))
        #expect(meter.share(since: second, at: self.now(1_080_000)).cost.description == "1.5")
    }

    @Test func chargesNothingForIdleTime() throws {
        var meter = NodeMeter(try self.cost(Self.owned()), at: self.now(0))
        let mark = meter.begin(at: self.now(3_000_000))
        #expect(meter.share(since: mark, at: self.now(3_360_000)).cost.description == "1")
    }

    @Test func knowsTheBusyTimeOfEachHour() throws {
        var meter = NodeMeter(try self.cost(Self.owned()), at: self.now(0))
        _ = meter.begin(at: self.now(3_500_000))
        meter.end(at: self.now(3_700_000))
        #expect(meter.takeHour(self.noon, at: self.now(3_700_000)).busy == .seconds(100))
        #expect(meter.takeHour(self.noon + .seconds(3600), at: self.now(3_700_000)).busy == .seconds(100))
        #expect(meter.takeHour(self.noon, at: self.now(3_700_000)).busy == .zero)
    }

    @Test func countsTimeThatPassedAndNotWhatTheWallClockSkipped() throws {
        var meter = NodeMeter(try self.cost(Self.owned()), at: self.now(0))
        let mark = meter.begin(at: self.now(0))
        #expect(meter.share(since: mark, at: self.now(360_000, wall: 7_560_000)).cost.description == "1")
    }

    @Test func separatesWhatWouldNotBePaidWithoutWork() throws {
        let power = Backend.Owned.Power(idleWatts: 1000, busyWatts: 5000, pricePerKWh: Money("0.25") ?? .zero, during: [])
        var meter = NodeMeter(try self.cost(Self.owned(power: power)), at: self.now(0))
        let mark = meter.begin(at: self.now(0))
        let share = meter.share(since: mark, at: self.now(3_600_000))
        #expect(share.cost.description == "11.25" && share.marginal.description == "1")
    }

    @Test func paysEnergyByTheWindow() throws {
        var hours = DispatchWindow.Hours(zone: "UTC")
        hours.ranges = [.init(start: 12 * 3600, end: 12 * 3600 + 1800)]
        let power = Backend.Owned.Power(
            idleWatts: 2000, busyWatts: 6000, pricePerKWh: Money("0.30") ?? .zero, during: [(window: "cheap", price: Money("0.10") ?? .zero)])
        let cost = try self.cost(Self.owned(power: power), windows: ["cheap": .hours(hours)])
        let hour = self.noon..<self.noon + .seconds(3600)
        #expect(cost.idleEnergy(in: hour).description == "0.4")
        #expect(cost.busyEnergy(in: hour).description == "0.8")
        #expect(cost.hour(at: self.noon).full.description == "10.6" && cost.hour(at: self.noon + .seconds(1800)).full.description == "11.8")
    }

    @Test func hoursAddUpToAYearToThePicodollar() throws {
        var owned = Self.owned(capex: "265000.000000000007")
        owned.residual = PriceFactor(millionths: 150_000)
        owned.monthlyOpex = Money("1900.33") ?? .zero
        let cost = try self.cost(owned)
        let hours = (0..<8760).map { self.noon + .seconds(3600 * $0) }
        let sum = hours.reduce(into: MoneySum.zero) { $0 += cost.fixed(in: $1..<$1 + .seconds(3600)) }
        #expect(sum == cost.fixed(in: self.noon..<self.noon + .seconds(3600 * 8760)))
        // ((265000.000000000007 × 0.85) ÷ 36 + 1900.33) × 12 = 97887.2933333333353…
        #expect(sum.description == "97887.293333333335")
    }

    @Test func rentsOnlyWhileItsWindowIsOpen() throws {
        var backend = Backend(index: 0, name: "l4", api: .llamaCpp)
        var rented = Backend.Rented(hourlyRate: Money("0.62") ?? .zero, gpus: 4)
        var night = DispatchWindow.Hours(zone: "UTC")
        night.ranges = [.init(start: 22 * 3600, end: 6 * 3600)]
        rented.when = .hours(night)
        backend.rented = rented
        let cost = try #require(HardwareCost(backend, calendar: WindowCalendar(named: [:])))
        let day = Timestamp(rfc3339: "2026-11-25T12:00:00Z").map { $0..<$0 + .seconds(86_400) }
        #expect(cost.fixed(in: try #require(day)).description == "19.84")
        #expect(cost.hour(at: self.noon).full == .zero)
    }

    @Test func pricesATokenByTheMeasuredCapacity() throws {
        var owned = Self.owned(charge: .byToken)
        owned.tokensPerHour = 4_000_000
        let cost = try self.cost(owned)
        #expect(cost.tokenPrice(at: self.noon)?.perMillion == "2.5")
        #expect(cost.estimate(TokenUsage(input: 300, output: 100), work: .zero, at: self.noon)?.description == "0.001")
    }

    @Test func requestsAndIdleTimeAddUpToTheHour() throws {
        let power = Backend.Owned.Power(idleWatts: 1000, busyWatts: 5000, pricePerKWh: Money("0.25") ?? .zero, during: [])
        let cost = try self.cost(Self.owned(power: power))
        var meter = NodeMeter(cost, at: self.now(0))
        var spent = MoneySum.zero
        for start in stride(from: Int64(1000), to: 3_000_000, by: 7919) {
            let mark = meter.begin(at: self.now(start))
            spent += meter.share(since: mark, at: self.now(start + 3331)).cost
            meter.end(at: self.now(start + 3331))
        }
        let hour = CapacityHour(
            backend: "h100", span: self.noon..<self.noon + .seconds(3600), hardware: cost, use: meter.takeHour(self.noon, at: self.now(3_600_000)),
            isWatched: true)
        let entry = hour.entry(spent: spent, currency: "EUR")
        #expect(spent + MoneySum(try #require(entry.settlement?.cost)) == hour.cost)
        // Idle time costs what an idle node costs, but for the rounding of each request.
        let idle = 3_600_000 - Int64(try #require(entry.capacity).busy.milliseconds)
        let expected = MoneySum(pico: Int128(10_250_000_000_000) * Int128(idle) / 3_600_000)
        #expect(abs(Int64((MoneySum(try #require(entry.settlement?.cost)) - expected).pico)) < 1000)
    }

    @Test func tellsTheWorkOfAnHourFromTheLedgersRows() throws {
        func entry(_ end: Int64, total: Int64) -> LedgerEntry {
            var entry = LedgerEntry(kind: .settled, at: self.noon + .seconds(end), subject: nil, attempt: 1, target: nil, estimate: nil)
            entry.settlement = LedgerEntry.Settlement(outcome: .ok, status: 200, evidence: .computed)
            entry.settlement?.total = .seconds(total)
            return entry
        }
        let power = Backend.Owned.Power(idleWatts: 0, busyWatts: 1000, pricePerKWh: Money("0.36") ?? .zero, during: [])
        let use = NodeMeter.Hour(
            from: [entry(30, total: 60), entry(100, total: 20), entry(110, total: 20)], in: self.noon..<self.noon + .seconds(3600),
            on: try self.cost(Self.owned(power: power)))
        #expect(use.busy == .seconds(60) && use.energy.description == "0.006")
    }
}
