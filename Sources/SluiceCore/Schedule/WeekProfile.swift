/// How much comes in each hour of the week, learnt from hours that have passed.
///
/// An hour of the week that was seen less than twice borrows from the same hour of other days, and that one from all hours.
package struct WeekProfile: Sendable {
    private static let hours = 168

    private var byHour = [Double](repeating: 0, count: WeekProfile.hours)

    /// Expects nothing.
    package init() {}

    /// - Parameters:
    ///   - amounts: By the start of the hour; hours that are missing had nothing.
    ///   - since: The first hour that is known, missing or not.
    ///   - until: The end of the last one.
    package init(_ amounts: [Timestamp: Double], since: Timestamp, until: Timestamp) {
        var sums = [Double](repeating: 0, count: WeekProfile.hours)
        var counts = [Int](repeating: 0, count: WeekProfile.hours)
        var hour = since.hour
        while hour < until.hour {
            sums[WeekProfile.index(of: hour)] += amounts[hour] ?? 0
            counts[WeekProfile.index(of: hour)] += 1
            hour = hour + .seconds(3600)
        }
        let seen = counts.reduce(0, +)
        guard seen > 0 else { return }
        let all = sums.reduce(0, +) / Double(seen)
        for index in 0..<WeekProfile.hours {
            let sameHour = stride(from: index % 24, to: WeekProfile.hours, by: 24)
            let (sum, count) = sameHour.reduce((0.0, 0)) { ($0.0 + sums[$1], $0.1 + counts[$1]) }
            let day = count > 1 ? sum / Double(count) : all
            self.byHour[index] = counts[index] > 1 ? sums[index] / Double(counts[index]) : day
        }
    }

    /// What an hour like the one that holds `instant` brings.
    package func amount(at instant: Timestamp) -> Double { self.byHour[WeekProfile.index(of: instant)] }

    /// 0 is Monday, midnight UTC.
    private static func index(of instant: Timestamp) -> Int {
        // 1970 began on a Thursday.
        let hour = (instant.hour.milliseconds / 3_600_000 + 72) % Int64(self.hours)
        return Int(hour < 0 ? hour + Int64(self.hours) : hour)
    }
}
