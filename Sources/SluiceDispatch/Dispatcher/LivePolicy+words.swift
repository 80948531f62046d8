import NIOCore
import SluiceCore

extension LivePolicy {
    /// The names of a policy as they stand in headers, spelt once.
    struct Words: Sendable {
        struct Name: Sendable {
            let text: String
            let structured: [UInt8]
        }

        let classes: [[UInt8]]
        let routes: [Name]
        let pools: [[UInt8]]
        let backends: [[UInt8]]
        let revision: [UInt8]

        init(_ policy: PolicySet) {
            self.classes = policy.classes.map { Array($0.name.structuredToken.utf8) }
            self.routes = policy.routes.map { Name(text: $0.displayName, structured: Words.structured($0.displayName)) }
            self.pools = policy.pools.map { Array($0.name.structuredToken.utf8) }
            self.backends = policy.backends.map { Array($0.name.structuredToken.utf8) }
            self.revision = Words.structured(policy.revision)
        }

        /// A string of RFC 9651: ASCII in quotes, the rest as `?`.
        static func structured(_ text: String) -> [UInt8] {
            var result = [UInt8(ascii: "\"")]
            for scalar in text.unicodeScalars {
                switch scalar {
                case "\"", "\\": result += [UInt8(ascii: "\\"), UInt8(ascii: scalar)]
                case " "..."~": result.append(UInt8(ascii: scalar))
                default: result.append(UInt8(ascii: "?"))
                }
            }
            return result + [UInt8(ascii: "\"")]
        }

        static func quoted(_ text: String) -> String { String(decoding: self.structured(text), as: UTF8.self) }
    }
}

extension String {
    /// As a token of RFC 9651 where it is one, else in quotes.
    package var structuredToken: String {
        let isToken = self.utf8.first.map { ($0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x7A) || $0 == UInt8(ascii: "*") } ?? false
        let rest = self.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
            default: "!#$%&'*+-.^_`|~:/".utf8.contains(byte)
            }
        }
        return isToken && rest ? self : LivePolicy.Words.quoted(self)
    }
}
