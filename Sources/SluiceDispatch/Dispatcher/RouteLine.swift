import SluiceCore

/// `sluice-route`, in words that are spelt already.
struct RouteLine {
    let trafficClass: [UInt8]
    let route: [UInt8]
    let pool: [UInt8]
    let backend: [UInt8]
    let policy: [UInt8]
    let substituted: [UInt8]

    var longest: Int {
        96 + self.trafficClass.count + self.route.count + self.pool.count + self.backend.count + self.policy.count + self.substituted.count
    }

    func write(attempt: Int, into out: inout ByteWriter) {
        out.write("sluice-route: ")
        out.write(self.trafficClass)
        out.write(";route=")
        out.write(self.route)
        out.write(";pool=")
        out.write(self.pool)
        out.write(";backend=")
        out.write(self.backend)
        out.write(";attempt=")
        out.write(number: Int64(attempt))
        out.write(";policy=")
        out.write(self.policy)
        out.write(self.substituted)
        out.write("\r\n")
    }

    /// What says that another model answers than the one that was asked for.
    ///
    /// - Parameter rule: nil where the policy has it no more: then nobody knows why.
    static func substituted(_ requested: String, by model: String, _ rule: Substitution?) -> [UInt8] {
        var mark = Array(";substituted=".utf8) + LivePolicy.Words.structured("\(requested)->\(model)")
        if let rule { mark += Array(";why=".utf8) + Array(rule.why.structuredToken.utf8) }
        return mark
    }
}

/// `sluice-cost`: what an attempt came to, as far as that is known with the head.
struct CostLine {
    private let amount: Money?
    private let evidence: LedgerEntry.Evidence

    init(_ end: LedgerEntry.Settlement) {
        self.amount = end.cost
        self.evidence = end.evidence
    }

    /// Writes at most 96 bytes beside the currency.
    func write(currency: String, into out: inout ByteWriter) {
        out.write("sluice-cost: ")
        if let amount = self.amount { out.write(amount) } else { out.write("unknown") }
        out.write(";currency=")
        out.write(text: currency)
        out.write(self.evidence == .computed ? ";basis=usage\r\n" : ";basis=estimate\r\n")
    }
}
