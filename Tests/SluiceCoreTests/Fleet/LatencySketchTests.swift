import SluiceCore
import SluiceTesting
import Testing

@Suite struct LatencySketchTests {
    private func at(_ seconds: Double) -> MonotonicInstant { SamplePolicy.instant(seconds) }

    @Test func saysNothingOfTooFewCalls() {
        var sketch = LatencySketch()
        sketch.record(.seconds(1), at: self.at(0))
        sketch.record(.seconds(1), at: self.at(0))
        #expect(sketch.quantile(0.5, at: self.at(0)) == nil)
        sketch.record(.seconds(1), at: self.at(0))
        #expect(sketch.quantile(0.5, at: self.at(0)) != nil)
    }

    @Test(arguments: [0.5, 0.9, 0.99])
    func staysWithinAQuarterOfTheTruth(_ fraction: Double) throws {
        var chance = SeededGenerator(seed: 1)
        var sketch = LatencySketch()
        var truth: [Double] = []
        for _ in 0..<5000 {
            let milliseconds = 2 * Double.random(in: 1...300, using: &chance)
            truth.append(milliseconds)
            sketch.record(.microseconds(Int64(milliseconds * 1000)), at: self.at(0))
        }
        let exact = truth.sorted()[Int(fraction * 5000) - 1]
        let told = Double(try #require(sketch.quantile(fraction, at: self.at(0))).nanoseconds) / 1e6
        #expect(told >= exact * 0.99 && told <= exact * 1.26, "\(told) for \(exact)")
    }

    @Test(arguments: [Duration.zero, .microseconds(1), .milliseconds(1), .seconds(1), .seconds(3600), .seconds(100_000), .seconds(-1)])
    func takesWhateverComes(_ duration: Duration) throws {
        var sketch = LatencySketch()
        for _ in 0..<3 { sketch.record(duration, at: self.at(0)) }
        let told = try #require(sketch.quantile(0.9, at: self.at(0)))
        #expect(told > .zero && told < .seconds(3600 * 2))
    }

    @Test func forgetsByHalvesAndThenAltogether() {
        var sketch = LatencySketch()
        for _ in 0..<12 { sketch.record(.seconds(1), at: self.at(0)) }
        #expect(sketch.quantile(0.5, at: self.at(59)) != nil, "six are left")
        #expect(sketch.quantile(0.5, at: self.at(90)) == nil, "one and a half is left")
        #expect(sketch.quantile(0.5, at: self.at(1e6)) == nil)
    }

    @Test func newCallsOutweighOldOnes() throws {
        var sketch = LatencySketch()
        for _ in 0..<100 { sketch.record(.seconds(10), at: self.at(0)) }
        for _ in 0..<10 { sketch.record(.milliseconds(100), at: self.at(240)) }
        #expect(try #require(sketch.quantile(0.9, at: self.at(240))) < .milliseconds(130))
    }

    /// They may lag by a sixty-fourth of the weight, which moves them by no more than a step in calls whose durations do not change.
    @Test(arguments: [(LatencySketch.Usual.half, 0.5), (.nineOfTen, 0.9), (.nineteenOfTwenty, 0.95)])
    func usualFractionsAreThoseOfTheCalls(_ usual: LatencySketch.Usual, _ fraction: Double) throws {
        var chance = SeededGenerator(seed: 2)
        var sketch = LatencySketch()
        for call in 0..<20_000 {
            let now = self.at(Double(call) / 100)
            sketch.record(.milliseconds(Int64.random(in: 1...400, using: &chance)), at: now)
            guard call >= 2 else {
                #expect(sketch.quantile(usual, at: now) == nil)
                continue
            }
            let (told, exact) = (try #require(sketch.quantile(usual, at: now)), try #require(sketch.quantile(fraction, at: now)))
            if call < 64 { #expect(told == exact) } else { #expect(told <= exact * 5 / 4 + .milliseconds(1) && exact <= told * 5 / 4 + .milliseconds(1)) }
        }
        // A flood long past does not keep it from looking at the few that come now.
        for _ in 0..<3 { sketch.record(.seconds(20), at: self.at(2000)) }
        #expect(try #require(sketch.quantile(usual, at: self.at(2000))) > .seconds(19))
    }
}
