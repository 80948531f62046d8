/// Exact decimals as text: how money and prices are read and written.
package enum DecimalText {
    /// The value of `text` times 10^`decimals`.
    ///
    /// - Returns: nil where the text is not `-?digits[.digits]`, has more decimals than that (zeros beyond are fine), or
    ///   more than 37 digits in all.
    package static func parse(_ text: some StringProtocol, decimals: Int) -> Int128? {
        var value: Int128 = 0
        var digits = 0
        var fraction: Int?
        var negative = false
        for (index, byte) in text.utf8.enumerated() {
            switch byte {
            case UInt8(ascii: "-") where index == 0:
                negative = true
            case UInt8(ascii: ".") where fraction == nil && digits > 0:
                fraction = 0
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                digits += 1
                if let places = fraction {
                    if places == decimals {
                        guard byte == UInt8(ascii: "0") else { return nil }
                        continue
                    }
                    fraction = places + 1
                }
                guard digits <= 37 else { return nil }
                value = value * 10 + Int128(byte - UInt8(ascii: "0"))
            default:
                return nil
            }
        }
        guard digits > 0, fraction != 0 || decimals == 0 else { return nil }
        for _ in (fraction ?? 0)..<decimals {
            let (scaled, overflow) = value.multipliedReportingOverflow(by: 10)
            guard !overflow else { return nil }
            value = scaled
        }
        return negative ? -value : value
    }

    /// The value of a JSON number times 10^`decimals`, its exponent taken into account, what is beyond rounded half to even.
    ///
    /// Providers print amounts as binary floating point numbers: `1.3999999999999998e-05`. Their text is exact all the same.
    ///
    /// - Returns: nil where the text is no number or too large.
    package static func round(_ text: some StringProtocol, decimals: Int) -> Int128? {
        let mark = text.firstIndex { $0 == "e" || $0 == "E" }
        guard let exponent = mark.map({ Int(text[text.index(after: $0)...]) }) ?? 0, abs(exponent) < 400 else { return nil }
        // Seventeen digits are all that a double has; what is beyond 30 decimals cannot change a rounding.
        let parts = text[..<(mark ?? text.endIndex)].split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        let fraction = parts.count > 1 ? parts[1].prefix(30) : ""
        guard parts.count == 1 || !fraction.isEmpty, let digits = self.parse(String(parts[0]) + fraction, decimals: 0) else { return nil }
        let shift = decimals + exponent - fraction.utf8.count
        if shift >= 0 { return self.scaled(digits, by: shift) }
        return shift < -38 ? 0 : self.scaled(1, by: -shift).map { digits.dividedHalfEven(by: $0) }
    }

    private static func scaled(_ value: Int128, by power: Int) -> Int128? {
        guard value != 0 else { return 0 }
        var result = value
        for _ in 0..<power {
            let (product, overflow) = result.multipliedReportingOverflow(by: 10)
            guard !overflow else { return nil }
            result = product
        }
        return result
    }

    /// `value` × 10^-`decimals`, without exponent and without trailing zeros.
    package static func format(_ value: Int128, decimals: Int) -> String {
        var magnitude = value.magnitude
        var fraction: [UInt8] = []
        for _ in 0..<decimals {
            let (quotient, digit) = magnitude.quotientAndRemainder(dividingBy: 10)
            if digit != 0 || !fraction.isEmpty { fraction.append(UInt8(ascii: "0") + UInt8(digit)) }
            magnitude = quotient
        }
        var text = value < 0 ? "-" : ""
        text += String(magnitude)
        if !fraction.isEmpty {
            text += "."
            text += String(decoding: fraction.reversed(), as: UTF8.self)
        }
        return text
    }
}

extension Int128 {
    /// The quotient rounded half to even, the one rounding that money knows here.
    package func dividedHalfEven(by divisor: Int128) -> Int128 {
        let (quotient, remainder) = self.quotientAndRemainder(dividingBy: divisor)
        let twice = remainder.magnitude * 2
        let away: Int128 = (self < 0) == (divisor < 0) ? 1 : -1
        if twice > divisor.magnitude || (twice == divisor.magnitude && quotient & 1 != 0) { return quotient + away }
        return quotient
    }
}
