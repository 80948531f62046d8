/// How long a provider's batch lane takes, learnt from what has ended there and from what is still under way (Kaplan and Meier's estimate).
///
/// While a lane is slow only the quick ones end, so that those alone would look well just when they are not; the age of what is under way says
/// the rest. Until there is enough of it, what the provider publishes counts as well: any instant within a day is as likely as any other.
package struct LaneCurve: Sendable {
    /// How many of one hour of the week are kept, and as many as that are enough for a curve.
    package static let mostEnds = 300
    /// Within which a batch ends, by the providers' own words.
    package static let window = Duration.seconds(86_400)
    /// How many ends what is published counts for.
    private static let weightOfWindow = 5.0

    /// When some have ended, the earliest first: how many, and the share that takes longer.
    private let steps: [(at: Int64, left: Double)]
    /// How much is known.
    private let weight: Double

    /// - Parameters:
    ///   - ends: How long those took that have ended.
    ///   - open: How long those have been under way that have not.
    package init(ends: [Duration], open: [Duration] = []) {
        let times = ends.map(\.milliseconds).sorted()
        let ages = open.map(\.milliseconds).sorted()
        var left = 1.0
        var steps: [(at: Int64, left: Double)] = []
        var (ended, gone) = (0, 0)
        while ended < times.count {
            let at = times[ended]
            let same = times[ended...].prefix { $0 == at }.count
            // Whoever is as old as this has outlived it.
            while gone < ages.count, ages[gone] < at { gone += 1 }
            left *= 1 - Double(same) / Double(times.count - ended + ages.count - gone)
            steps.append((at, left))
            ended += same
        }
        self.steps = steps
        self.weight = Double(times.count)
    }

    /// The chance that something which has been under way for `age` ends before it is `limit` old, 0…1.
    package func chance(ofEndBefore limit: Duration, age: Duration = .zero) -> Double {
        guard limit > age else { return 0 }
        let before = self.left(after: age)
        guard before > 0 else { return 0 }
        return 1 - self.left(after: limit) / before
    }

    /// The share that takes longer than this.
    private func left(after age: Duration) -> Double {
        let published = max(0, 1 - Double(age.milliseconds) / Double(LaneCurve.window.milliseconds))
        let seen = self.steps.last { $0.at <= age.milliseconds }?.left ?? 1
        return (published * LaneCurve.weightOfWindow + seen * self.weight) / (LaneCurve.weightOfWindow + self.weight)
    }
}
