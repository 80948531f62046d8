import Crypto
import Synchronization

/// The API keys that are valid now, by their SHA-256: what every request is checked against. Replaced whole when a key is made or revoked.
package final class KeyRing: Sendable {
    package struct Identity: Hashable, Sendable {
        package var name: String
        /// The tenant that the key was made for; nil where the policy's patterns decide.
        package var tenant: String?

        package init(name: String, tenant: String?) {
            self.name = name
            self.tenant = tenant
        }
    }

    private let keys: Mutex<[[UInt8]: Identity]>

    package init(_ keys: [[UInt8]: Identity] = [:]) {
        self.keys = Mutex(keys)
    }

    package var isEmpty: Bool { self.keys.withLock { $0.isEmpty } }

    package func replace(with keys: [[UInt8]: Identity]) {
        self.keys.withLock { $0 = keys }
    }

    /// Whose key this is; nil for none of ours. Only hashes are looked up and compared, so that no timing tells anything of a key.
    package func identity(of key: some Sequence<UInt8>) -> Identity? {
        var hash = SHA256()
        hash.update(data: Array(key))
        let digest = Array(hash.finalize())
        return self.keys.withLock { $0[digest] }
    }
}
