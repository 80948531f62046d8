import SluiceCore
import Testing

@Suite struct ClientWishesTests {
    private func wishes(_ name: String, _ value: String) throws(Refusal) -> ClientWishes {
        var wishes = ClientWishes()
        try wishes.read(header: name, value: value)
        return wishes
    }

    @Test(
        arguments: [
            ("800ms", nil, nil, 800), ("first_token=800ms", 800, nil, nil), ("first_token=800ms, total=20s", 800, 20_000, nil),
            (" total = 20s ", nil, 20_000, nil), ("1s,total=2s", nil, 2000, 1000),
        ] as [(String, Int64?, Int64?, Int64?)])
    func readsLatencyBudgets(_ text: String, _ first: Int64?, _ total: Int64?, _ plain: Int64?) throws {
        let wishes = try self.wishes("sluice-latency-budget", text)
        #expect(wishes.latency.firstToken == first.map { .milliseconds($0) })
        #expect(wishes.latency.total == total.map { .milliseconds($0) })
        #expect(wishes.plainBudget == plain.map { .milliseconds($0) })
    }

    @Test(arguments: [
        ("sluice-latency-budget", "soon"), ("sluice-latency-budget", "first_token=-1s"), ("sluice-latency-budget", "0s"),
        ("sluice-latency-budget", "last_token=1s"),
        ("sluice-latency-budget", "total=1s=2s"), ("sluice-latency-budget", ""), ("sluice-latency-budget", ","), ("sluice-deadline", "yesterday"),
        ("sluice-deadline", "0s"), ("sluice-deadline", "3661d"), ("sluice-deadline", "99999999999h"), ("sluice-latency-budget", "total=3661d"),
        ("sluice-latency-budget", "99999999999999999999999999999999999999999h"), ("sluice-deadline", "25:00"), ("sluice-deadline", ""),
        ("sluice-max-cost", "cheap"), ("sluice-max-cost", "-1"), ("sluice-max-cost", "1e-3"), ("sluice-max-cost", ""), ("sluice-class", ""),
    ])
    func refusesValuesThatAreNone(_ name: String, _ value: String) {
        do throws(Refusal) {
            _ = try self.wishes(name, value)
            Issue.record("\(name): \(value) was taken")
        } catch {
            #expect(error.status == 400 && error.code == .invalidRequest && error.param?.lowercased() == name)
        }
    }

    @Test(arguments: [
        ("4h", ClientWishes.Deadline.within(.seconds(14_400))), ("06:00", .clock(second: 21_600)),
        ("2026-11-24T06:00:00Z", .at(Timestamp(seconds: 1_795_500_000))),
    ])
    func readsDeadlines(_ text: String, _ deadline: ClientWishes.Deadline) throws {
        #expect(try self.wishes("sluice-deadline", text).deadline == deadline)
    }

    @Test(
        arguments: [("600", 600_000), ("0.5", 500), ("0", nil), ("-1", nil), ("NOT_GIVEN", nil), ("1e9", nil), ("100000", nil), ("", nil)] as [(String, Int64?)]
    )
    func readTimeoutsThatAreNoneAreIgnored(_ text: String, _ milliseconds: Int64?) throws {
        for name in ["x-stainless-read-timeout", "x-stainless-timeout"] {
            #expect(try self.wishes(name, text).readTimeout == milliseconds.map { .milliseconds($0) })
        }
    }

    @Test(arguments: [
        // Noon in UTC is 13:00 in Berlin.
        (13 * 3600 + 60, "2026-11-23T12:01:00.000Z"), (13 * 3600, "2026-11-24T12:00:00.000Z"), (6 * 3600, "2026-11-24T05:00:00.000Z"),
        (86_400, "2026-11-23T23:00:00.000Z"),
    ])
    func aTimeOfDayIsTheNextOneOnTheTenantsClock(_ second: Int, _ instant: String) {
        #expect(ClientWishes.Deadline.clock(second: second).instant(after: SamplePolicy.noon, zone: "Europe/Berlin").description == instant)
    }
}
