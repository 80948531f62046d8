import SluiceCore
import Testing

@Suite struct DecimalTextTests {
    @Test(arguments: [
        ("0", "0"), ("2.50", "2.5"), ("1.4e-05", "0.000014"), ("1.3999999999999998e-05", "0.000014"), ("1E2", "100"), ("5e-13", "0"),
        ("1.5e-12", "0.000000000002"), ("2.5e-12", "0.000000000002"), ("-0.06000000000000001", "-0.06"), ("0.1000000000005", "0.1"),
        ("9.99e-300", "0"), ("123456.789012345678901234567890123456789", "123456.789012345679"), ("0e300", "0"),
    ])
    func roundsNumbersAsProvidersPrintThem(_ text: String, _ amount: String) {
        #expect(Money(rounding: text)?.description == amount)
    }

    @Test(arguments: ["", ".", "1.", "e5", "1e", "1e999", "1e30", "nan", "0x10", "1,000", "--1", "99999999999999999999999999999999999999"])
    func refusesWhatIsNoAmount(_ text: String) {
        #expect(Money(rounding: text) == nil)
    }

    @Test(arguments: [("1e-05", "0.00001"), ("2.5E+1", "25"), ("\"0.5\"", "0.5"), ("0", "0"), ("-1", nil), ("true", nil), ("\"1e3\"", nil), ("\"\"", nil)])
    func readsAmountsInJSONInAnySpellingOfANumber(_ json: String, _ amount: String?) {
        #expect(Money(json: json)?.description == amount)
    }

    @Test(arguments: ["0", "1", "-1", "0.000000000001", "9223372.036854775807", "-12.5"])
    func writesWhatItReads(_ text: String) {
        #expect(Money(text)?.description == text)
    }
}
