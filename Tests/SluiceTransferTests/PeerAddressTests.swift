import SluiceCore
import Testing

@testable import SluiceTransfer

@Suite struct PeerAddressTests {
    @Test(arguments: [
        "127.0.0.1", "127.255.255.254", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "0.0.0.0",
        "100.64.0.1", "198.18.0.1",
        "192.0.0.1", "224.0.0.1", "255.255.255.255", "::", "::1", "fc00::1", "fd12::1", "fe80::1", "ff02::1", "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::127.0.0.1", "64:ff9b::10.0.0.1", "2002:7f00:1::", "2002:c0a8:101::1",
    ])
    func knowsAddressesThatNobodyOutsideHas(_ text: String) throws {
        #expect(try #require(PeerAddress(text)).isPrivate)
    }

    @Test(arguments: [
        "1.1.1.1", "172.15.255.255", "172.32.0.1", "100.63.255.255", "100.128.0.1", "192.167.1.1", "169.253.0.1", "198.20.0.1",
        "223.255.255.255",
        "2606:4700::1111", "2a00:1450::1", "::ffff:1.1.1.1", "64:ff9b::1.1.1.1", "2002:101:101::1",
    ])
    func knowsPublicAddresses(_ text: String) throws {
        #expect(try #require(PeerAddress(text)).isPrivate == false)
    }

    @Test(arguments: ["", "localhost", "1.2.3", "1.2.3.4.5", "0x7f000001", "[::1]"])
    func takesDigitsOnly(_ text: String) {
        #expect(PeerAddress(text) == nil)
    }
}
