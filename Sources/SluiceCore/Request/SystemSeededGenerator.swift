/// A generator of numbers that nobody outside can guess from the time, without a system call for each: seeded by the system's, now and then
/// anew. For ids and draws, not for keys.
package struct SystemSeededGenerator: RandomNumberGenerator, Sendable {
    private static let drawsPerSeed = 4096

    private var state: UInt64 = 0
    private var secret: UInt64 = 0
    private var left = 0

    package init() {}

    package mutating func next() -> UInt64 {
        if self.left == 0 {
            var system = SystemRandomNumberGenerator()
            self.state = system.next()
            self.secret = system.next() | 1
            self.left = SystemSeededGenerator.drawsPerSeed
        }
        self.left -= 1
        // wyrand by Wang Yi (public domain), with a secret of our own.
        self.state &+= 0xA076_1D64_78BD_642F
        let product = self.state.multipliedFullWidth(by: self.state ^ self.secret)
        return product.high ^ product.low
    }
}
