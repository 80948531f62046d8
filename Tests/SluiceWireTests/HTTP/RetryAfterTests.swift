import SluiceCore
import SluiceWire
import Testing

/// `promises.md` P23: every form that was seen, and the exact wait that it means.
@Suite struct RetryAfterTests {
    /// `Sun, 06 Nov 1994 08:49:37 GMT`
    private let now = Timestamp(seconds: 784_111_777)

    @Test(
        arguments: [
            ("0", nil, 0), ("1", nil, 1000), (" 120 ", nil, 120_000), ("1.5", nil, 1500), ("0.020", nil, 20), ("3600", nil, 3_600_000),
            ("1000000000", nil, 3_600_000),
            ("99999999999999999999999999999999", nil, 3_600_000), ("-1", nil, nil), ("", nil, nil), ("soon", nil, nil), ("1e3", nil, nil), ("1h", nil, nil),
            ("5, 5", nil, nil), ("+5", nil, nil),
            (nil, "1500", 1500), (nil, "1500.4", 1500), (nil, "-1", nil), (nil, "x", nil), ("7", "250", 250), ("7", "x", 7000), ("7", "-5", 7000),
            (nil, nil, nil),
            ("Sun, 06 Nov 1994 08:49:47 GMT", nil, 10_000), ("Sun, 06 Nov 1994 08:49:37 GMT", nil, 0), ("Sun, 06 Nov 1994 08:00:00 GMT", nil, 0),
            ("Mon, 07 Nov 1994 08:49:37 GMT", nil, 3_600_000), ("Sunday, 06-Nov-94 08:49:47 GMT", nil, 10_000), ("Sun Nov  6 08:49:47 1994", nil, 10_000),
            ("Sun, 06 Nov 1994 08:49:47 CET", nil, nil), ("Sun, 31 Feb 1994 08:49:47 GMT", nil, nil), ("Sun, 06 Nov 1994 25:49:47 GMT", nil, nil),
        ] as [(String?, String?, Int64?)])
    func readsEveryForm(_ seconds: String?, _ milliseconds: String?, _ wait: Int64?) {
        #expect(RetryAfter.parse(seconds: seconds, milliseconds: milliseconds, at: self.now) == wait.map { .milliseconds($0) })
    }
}
