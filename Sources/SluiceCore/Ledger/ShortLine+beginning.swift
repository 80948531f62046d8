extension ShortLine {
    /// What the lines of an intent and of its end have in common, written once for both.
    package struct Beginning: Sendable {
        /// Three runs of members, a line break between any two: behind the first comes the model that was served, behind the second the tier.
        private let bytes: [UInt8]
        private let second: Int
        private let third: Int

        /// - Parameter scratch: Is overwritten, and spares an allocation when it is used again.
        package init(_ intent: LedgerEntry, scratch: inout [UInt8]) {
            var (second, third) = (0, 0)
            scratch.removeAll(keepingCapacity: true)
            scratch.append(atMost: LedgerLine.longestBody(of: intent)) { out in
                out.isShort = true
                LedgerLine.writeFirst(of: intent, into: &out)
                second = out.count
                LedgerLine.writeSecond(of: intent, into: &out)
                third = out.count
                LedgerLine.writeThird(of: intent, into: &out)
            }
            // It is kept as long as the call takes: no more of it than is written.
            self.bytes = scratch.withUnsafeBytes { bytes in [UInt8](atMost: bytes.count) { $0.write(bytes) } }
            self.second = second
            self.third = third
        }

        /// Overwrites `line` with the short line of the intent, or of an end of the same attempt.
        package func write(_ entry: LedgerEntry, to line: inout [UInt8]) {
            line.removeAll(keepingCapacity: true)
            line.append(atMost: self.bytes.count + LedgerLine.longestRest(of: entry)) { out in
                out.isShort = true
                out.member("kind", entry.kind.rawValue)
                out.member("at", entry.at)
                self.bytes.withUnsafeBytes { bytes in
                    out.write(UInt8(ascii: "\n"))
                    out.write(UnsafeRawBufferPointer(rebasing: bytes[..<self.second]))
                    out.member("model_served", entry.ended?.settlement.modelServed)
                    out.write(UnsafeRawBufferPointer(rebasing: bytes[self.second..<self.third]))
                    out.member("tier_served", entry.ended?.settlement.tierServed)
                    out.write(UnsafeRawBufferPointer(rebasing: bytes[self.third...]))
                }
                LedgerLine.writeRest(of: entry, into: &out)
            }
        }
    }
}
