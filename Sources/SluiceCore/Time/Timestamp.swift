/// An instant on the wall clock, in milliseconds since 1970 (UTC): what deadlines, windows and ledger rows are written in.
package struct Timestamp: Hashable, Comparable, Sendable {
    package let milliseconds: Int64

    package init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    package init(seconds: Int64) {
        self.milliseconds = seconds * 1000
    }

    package static let distantPast = Timestamp(milliseconds: .min / 4)
    package static let distantFuture = Timestamp(milliseconds: .max / 4)

    package static func < (a: Timestamp, b: Timestamp) -> Bool { a.milliseconds < b.milliseconds }
    package static func + (a: Timestamp, b: Duration) -> Timestamp { Timestamp(milliseconds: a.milliseconds + b.milliseconds) }
    package static func - (a: Timestamp, b: Duration) -> Timestamp { Timestamp(milliseconds: a.milliseconds - b.milliseconds) }
    package static func - (a: Timestamp, b: Timestamp) -> Duration { .milliseconds(a.milliseconds - b.milliseconds) }

    /// Whole seconds since 1970, as OpenAI's objects count them.
    package var seconds: Int64 { self.milliseconds.flooringQuotient(1000) }

    /// The start of the hour (UTC) that holds this instant: the key of the roll-ups.
    package var hour: Timestamp { Timestamp(milliseconds: self.milliseconds.flooringQuotient(3_600_000) * 3_600_000) }
}

extension Timestamp: CustomStringConvertible {
    /// RFC 3339 with milliseconds in UTC: `2026-11-25T21:00:03.120Z`.
    package var description: String {
        var text: [UInt8] = []
        text.append(atMost: Timestamp.longestText) { $0.write(self) }
        return String(decoding: text, as: UTF8.self)
    }

    /// Years have four digits, but for those that no request will see.
    static let longestText = 48

    /// Reads RFC 3339 (`2026-11-24T06:00:00+01:00`, fraction optional, a date alone is its midnight in UTC); nil where the text is none.
    package init?(rfc3339 text: some StringProtocol) {
        var scan = DigitScan(text.utf8)
        guard let year = scan.digits(4), scan.skip("-"), let month = scan.digits(2), scan.skip("-"), let day = scan.digits(2),
            let date = CivilDate(year: year, month: month, day: day)
        else { return nil }
        let midnight = date.daysSince1970 * 86_400_000
        if scan.isAtEnd {
            self.init(milliseconds: midnight)
            return
        }
        guard scan.skip("T") || scan.skip("t") || scan.skip(" "), let hour = scan.digits(2), scan.skip(":"), let minute = scan.digits(2),
            hour < 24, minute < 60
        else { return nil }
        var second = 0
        var fraction = 0
        if scan.skip(":") {
            guard let value = scan.digits(2), value <= 60 else { return nil }
            second = value
            if scan.skip(".") {
                guard let value = scan.milliseconds() else { return nil }
                fraction = value
            }
        }
        var offset = 0
        if !scan.skip("Z"), !scan.skip("z") {
            let east = scan.skip("+")
            guard east || scan.skip("-"), let hours = scan.digits(2), scan.skip(":"), let minutes = scan.digits(2), hours < 24, minutes < 60
            else { return nil }
            offset = (hours * 60 + minutes) * (east ? 1 : -1)
        }
        guard scan.isAtEnd else { return nil }
        self.init(milliseconds: midnight + Int64(((hour * 60 + minute - offset) * 60 + second) * 1000 + fraction))
    }
}

/// A day of the Gregorian calendar, without a zone.
package struct CivilDate: Hashable, Comparable, Sendable {
    package let year: Int
    package let month: Int
    package let day: Int

    /// nil where there is no such day.
    package init?(year: Int, month: Int, day: Int) {
        guard (1...9999).contains(year), (1...12).contains(month), day >= 1, day <= CivilDate.days(in: month, of: year) else { return nil }
        self.year = year
        self.month = month
        self.day = day
    }

    /// Howard Hinnant's `civil_from_days` (public domain): exact for every day, without a calendar object.
    package init(daysSince1970 days: Int64) {
        let shifted = days + 719_468
        let era = shifted.flooringQuotient(146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * dayOfYear + 2) / 153
        self.day = Int(dayOfYear - (153 * month + 2) / 5 + 1)
        self.month = Int(month < 10 ? month + 3 : month - 9)
        self.year = Int(yearOfEra + era * 400) + (self.month <= 2 ? 1 : 0)
    }

    /// The inverse: `days_from_civil`.
    package var daysSince1970: Int64 {
        let year = Int64(self.month <= 2 ? self.year - 1 : self.year)
        let era = year.flooringQuotient(400)
        let yearOfEra = year - era * 400
        let dayOfYear = Int64((153 * (self.month > 2 ? self.month - 3 : self.month + 9) + 2) / 5 + self.day - 1)
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    /// 0 is Monday.
    package var weekday: Int { Int((self.daysSince1970 + 3).flooringRemainder(7)) }

    package var daysInMonth: Int { CivilDate.days(in: self.month, of: self.year) }

    package static func < (a: CivilDate, b: CivilDate) -> Bool { a.daysSince1970 < b.daysSince1970 }

    private static func days(in month: Int, of year: Int) -> Int {
        switch month {
        case 2: (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}

extension Duration {
    /// Whole milliseconds, rounded down.
    package var milliseconds: Int64 { Int64(self.attoseconds / 1_000_000_000_000_000) }
}

extension Int64 {
    fileprivate func flooringQuotient(_ divisor: Int64) -> Int64 {
        let quotient = self / divisor
        return self % divisor < 0 ? quotient - 1 : quotient
    }

    fileprivate func flooringRemainder(_ divisor: Int64) -> Int64 { self - self.flooringQuotient(divisor) * divisor }
}

extension ByteWriter {
    /// RFC 3339, as ``Timestamp/description`` gives it.
    mutating func write(_ instant: Timestamp) {
        let day = instant.milliseconds.flooringQuotient(86_400_000)
        let time = UInt64(instant.milliseconds - day * 86_400_000)
        let date = CivilDate(daysSince1970: day)
        let year = UInt64(max(0, date.year))
        if year < 10_000 {
            self.write(twoDigits: year / 100)
            self.write(twoDigits: year % 100)
        } else {
            self.write(digits: year, width: 4)
        }
        self.write(UInt8(ascii: "-"))
        self.write(twoDigits: UInt64(date.month))
        self.write(UInt8(ascii: "-"))
        self.write(twoDigits: UInt64(date.day))
        self.write(UInt8(ascii: "T"))
        self.write(twoDigits: time / 3_600_000)
        self.write(UInt8(ascii: ":"))
        self.write(twoDigits: time / 60_000 % 60)
        self.write(UInt8(ascii: ":"))
        self.write(twoDigits: time / 1000 % 60)
        self.write(UInt8(ascii: "."))
        self.write(twoDigits: time % 1000 / 10)
        self.write(UInt8(ascii: "0") + UInt8(time % 10))
        self.write(UInt8(ascii: "Z"))
    }

    /// - Parameter value: Below 100.
    @inline(__always)
    private mutating func write(twoDigits value: UInt64) {
        let tens = value / 10
        self.take(2).storeBytes(of: UInt16(littleEndian: UInt16(truncatingIfNeeded: tens | (value &- tens &* 10) << 8 | 0x3030)), as: UInt16.self)
    }
}

/// Reads fixed-width digits off a text.
private struct DigitScan<Bytes: Collection> where Bytes.Element == UInt8 {
    private var rest: Bytes.SubSequence

    init(_ bytes: Bytes) {
        self.rest = bytes[...]
    }

    var isAtEnd: Bool { self.rest.isEmpty }

    mutating func skip(_ character: Unicode.Scalar) -> Bool {
        guard self.rest.first == UInt8(ascii: character) else { return false }
        self.rest = self.rest.dropFirst()
        return true
    }

    mutating func digits(_ width: Int) -> Int? {
        var value = 0
        for _ in 0..<width {
            guard let digit = self.digit() else { return nil }
            value = value * 10 + digit
        }
        return value
    }

    /// A fraction of any length, cut to milliseconds.
    mutating func milliseconds() -> Int? {
        var value = 0
        var count = 0
        while let digit = self.digit() {
            if count < 3 { value = value * 10 + digit }
            count += 1
        }
        guard count > 0 else { return nil }
        for _ in count..<max(count, 3) { value *= 10 }
        return value
    }

    private mutating func digit() -> Int? {
        guard let byte = self.rest.first, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
        self.rest = self.rest.dropFirst()
        return Int(byte - UInt8(ascii: "0"))
    }
}
