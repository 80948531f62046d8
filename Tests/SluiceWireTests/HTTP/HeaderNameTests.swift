import Testing

@testable import SluiceWire

@Suite struct HeaderNameTests {
    private static let known: [HeaderName] = (1...UInt8.max).lazy.map { HeaderName(rawValue: $0) }.prefix { $0 != nil }.compactMap { $0 }

    private func identified(_ name: String) -> HeaderName { Array(name.utf8).withUnsafeBytes { HeaderName.identify($0) } }

    @Test(arguments: known)
    func knowsEveryNameInAnyCase(_ name: HeaderName) {
        let spelling = name.spelling.description
        #expect(self.identified(spelling) == name)
        #expect(self.identified(spelling.uppercased()) == name)
    }

    @Test(arguments: ["x", "hosts", "h0st", "xontent-length", "content_length", "content-lengti", "sluice-clasz", "x-stainless-read-timeou"])
    func everythingElseIsOther(_ name: String) {
        #expect(self.identified(name) == .other)
    }
}
