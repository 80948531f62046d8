/// Where a webhook may go: public addresses by `https:`, and what the policy lists by `http:` too.
package enum WebhookTarget {
    /// The host is a name or address of `server: { webhooks: { allow } }`. A name counts by itself, whatever it resolves to.
    package static func isListed(_ host: String, in allowed: [String]) -> Bool {
        if allowed.contains(where: { $0.lowercased() == host.lowercased() }) { return true }
        guard let address = PeerAddress(host) else { return false }
        return allowed.contains { address.isIn($0) }
    }

    /// - Parameter addresses: What the host resolves to; the connection is checked again when it is made.
    /// - Returns: Why a webhook may not go there; nil where it may.
    package static func refusal(_ url: BackendURL, addresses: [PeerAddress], allowed: [String]) -> String? {
        guard !self.isListed(url.host, in: allowed) else { return nil }
        guard !addresses.contains(where: \.isPrivate) else {
            return "the address is private; name it in `server: { webhooks: { allow: [HOST or CIDR] } }` of the policy if it is meant"
        }
        return url.isSecure ? nil : "only `https:` addresses are taken, but for those that the policy lists"
    }
}
