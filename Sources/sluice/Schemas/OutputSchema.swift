import SluiceCore
import SluicePolicy

/// The JSON Schema of something that a command prints, made from the type that is printed.
struct OutputSchema {
    let name: String
    private let body: JSONValue

    /// Every output that has a schema; a new one is added here.
    static let all = [
        OutputSchema("check", CheckReport.self),
        OutputSchema("doctor", Checkup.self),
        OutputSchema("error", CommandFailure.self),
        OutputSchema("explain", ExplainReport.self),
        OutputSchema("ledger", MoneyOutputs.Ledger.self),
        OutputSchema("prices_diff", PricesDifference.self),
        OutputSchema("payback", PaybackOutcome.self),
        OutputSchema("recompute", RecomputeOutcome.self),
        OutputSchema("reconcile", ReconcileOutcome.self),
        OutputSchema("report", MoneyOutputs.Report.self),
        OutputSchema("verify", MoneyOutputs.Verify.self),
        OutputSchema("windows", WindowListing.self),
    ]

    init(_ name: String, _ type: (some Decodable).Type) {
        self.name = name
        self.body = SchemaDecoder.schema(of: type)
    }

    var json: JSONValue {
        guard case .object(var members) = self.body, case .object(var properties)? = members["properties"] else { return self.body }
        properties["schema"] = ["const": .string("sluice.\(self.name)/v1")]
        members["properties"] = .object(properties)
        members["$schema"] = "http://json-schema.org/draft-07/schema#"
        members["title"] = .string("sluice.\(self.name)/v1")
        return .object(members)
    }
}
