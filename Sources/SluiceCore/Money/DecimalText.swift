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
