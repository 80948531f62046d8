import SluiceCore

extension RouteMatch {
    /// Whether everything that `other` matches is matched by this one too; false where that is not plain to see.
    func covers(_ other: RouteMatch) -> Bool {
        func covers(_ mine: [Glob], _ theirs: [Glob]) -> Bool {
            mine.isEmpty || (!theirs.isEmpty && theirs.allSatisfy { their in mine.contains { $0.covers(their) } })
        }
        func coversFields(_ mine: [Field], _ theirs: [Field]) -> Bool {
            mine.allSatisfy { field in theirs.contains { $0.name == field.name && covers(field.values, $0.values) } }
        }
        guard covers(self.tenants, other.tenants), covers(self.keys, other.keys), covers(self.models, other.models),
            coversFields(self.headers, other.headers), coversFields(self.metadata, other.metadata)
        else { return false }
        guard self.endpoints.isEmpty || (!other.endpoints.isEmpty && self.endpoints.isSuperset(of: other.endpoints)) else { return false }
        if let least = self.minInputTokens, other.minInputTokens.map({ $0 < least }) ?? (least > 0) { return false }
        if let most = self.maxInputTokens, other.maxInputTokens.map({ $0 > most }) ?? true { return false }
        if let stream = self.stream, other.stream != stream { return false }
        if let async = self.async, other.async != async { return false }
        // What this one leaves out must be left out by the other as well.
        return self.not.allSatisfy { mine in other.not.contains { $0.covers(mine) } }
    }

    /// Whether only clients that agreed to wait can match.
    var wantsConsent: Bool {
        self.async == true || self.not.contains { $0.async == false && $0.isAsyncAlone }
    }

    private var isAsyncAlone: Bool {
        var rest = self
        rest.async = nil
        return rest.isEmpty
    }
}
