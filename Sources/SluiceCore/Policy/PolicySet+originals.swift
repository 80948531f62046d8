extension PolicySet {
    /// The pools on which a substitute is verified: those of the class that serve the original, else the baseline's backend, else whoever serves it.
    package func pools(ofOriginal model: Model, for trafficClass: TrafficClass, on endpoint: Endpoint) -> [Int] {
        func serves(_ backend: Int) -> Bool { model.offers[backend] != nil && self.serves(endpoint, at: backend) && !self.backends[backend].api.isBatchLane }
        let own = trafficClass.pools.filter { self.pools[$0].backends.contains(where: serves) }
        guard own.isEmpty else { return own }
        let alone = self.baseline.flatMap { serves($0.backend) ? [$0.backend] : nil } ?? self.backends.indices.filter(serves)
        // A backend is a pool of one; those of the policy itself stand first.
        return alone.compactMap { backend in self.pools.lastIndex { $0.name == self.backends[backend].name && $0.backends == [backend] } }
    }

    /// The rule by which a request that was substituted also runs on the original; nil where it does not.
    package func verification(of decision: Decision, requestID: String) -> Substitution? {
        guard decision.model != decision.requested else { return nil }
        return decision.substitutions.lazy.map { self.substitutions[$0] }.first { $0.verifies(requestID) }
    }
}
