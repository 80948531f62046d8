package import Glibc

/// The IP address at the other end of a connection, as the kernel or libcurl name it.
package struct PeerAddress: Hashable, Sendable {
    /// IPv6 in network order; IPv4 as `::ffff:a.b.c.d`.
    private let high: UInt64
    private let low: UInt64

    /// nil for anything but IPv4 and IPv6.
    package init?(_ address: UnsafePointer<sockaddr>) {
        switch Int32(address.pointee.sa_family) {
        case AF_INET:
            self = address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { PeerAddress($0.pointee.sin_addr) }
        case AF_INET6:
            self = address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { PeerAddress($0.pointee.sin6_addr) }
        default:
            return nil
        }
    }

    /// From digits, without brackets.
    package init?(_ text: UnsafePointer<CChar>) {
        var four = in_addr()
        var six = in6_addr()
        if inet_pton(AF_INET, text, &four) == 1 {
            self.init(four)
        } else if inet_pton(AF_INET6, text, &six) == 1 {
            self.init(six)
        } else {
            return nil
        }
    }

    private init(_ address: in_addr) {
        self.high = 0
        self.low = 0xFFFF_0000_0000 | UInt64(UInt32(bigEndian: address.s_addr))
    }

    private init(_ address: in6_addr) {
        (self.high, self.low) = withUnsafeBytes(of: address) {
            (UInt64(bigEndian: $0.loadUnaligned(as: UInt64.self)), UInt64(bigEndian: $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
        }
    }

    /// Whether no host on the public Internet can have it: loopback, private, link-local, shared, multicast, reserved; IPv4 inside IPv6
    /// (mapped, compatible, NAT64, 6to4) is looked through.
    package var isPrivate: Bool {
        if self.high == 0, self.low >> 32 == 0xFFFF || self.low >> 32 == 0 {
            return PeerAddress.isPrivate(UInt32(truncatingIfNeeded: self.low))
        }
        if self.high == 0x0064_FF9B_0000_0000 { return PeerAddress.isPrivate(UInt32(truncatingIfNeeded: self.low)) }
        if self.high >> 48 == 0x2002 { return PeerAddress.isPrivate(UInt32(truncatingIfNeeded: self.high >> 16)) }
        // Global unicast is 2000::/3 and nothing else.
        return self.high >> 61 != 1
    }

    private static func isPrivate(_ four: UInt32) -> Bool {
        switch (four >> 24, four >> 16 & 0xFF, four >> 8 & 0xFF) {
        case (0, _, _), (10, _, _), (127, _, _), (224..., _, _): true
        case (100, 64...127, _), (169, 254, _), (172, 16...31, _), (192, 168, _), (198, 18...19, _), (192, 0, 0): true
        default: false
        }
    }

    /// Whether it lies in a network such as `10.0.0.0/8` or `fd00::/8`; a plain address is a network of one.
    package func isIn(_ network: String) -> Bool {
        let parts = network.split(separator: "/", maxSplits: 1)
        guard let text = parts.first.map(String.init), let base = PeerAddress(text) else { return false }
        let isFour = !text.contains(":")
        guard let given = parts.count == 2 ? Int(parts[1]) : isFour ? 32 : 128, (0...(isFour ? 32 : 128)).contains(given) else { return false }
        let bits = isFour ? given + 96 : given
        func differs(_ a: UInt64, _ b: UInt64, _ bits: Int) -> Bool { bits > 0 && (a ^ b) >> (64 - UInt64(min(bits, 64))) != 0 }
        return !differs(self.high, base.high, bits) && !differs(self.low, base.low, bits - 64)
    }
}
