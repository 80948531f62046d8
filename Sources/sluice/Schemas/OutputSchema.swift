import SluiceCore
import SluicePolicy

/// The JSON Schema of something that a command prints, made from the type that is printed.
struct OutputSchema {
    let name: String
    private let body: JSONValue

    /// Every output that has a schema; a new one is added here.
    static let all = [
        OutputSchema("backends", ServerOutputs.Backends.self),
        OutputSchema("batch", QueueOutputs.Batch.self),
        OutputSchema("batches", QueueOutputs.Batches.self),
        OutputSchema("check", CheckReport.self),
        OutputSchema("checkpoints", MoneyOutputs.Checkpoints.self),
        OutputSchema("config", ConfigReport.self),
        OutputSchema("deliveries", QueueOutputs.Deliveries.self),
        OutputSchema("doctor", Checkup.self),
        OutputSchema("error", CommandFailure.self),
        OutputSchema("explain", ExplainReport.self),
        OutputSchema("job", QueueOutputs.Job.self),
        OutputSchema("key", ServerOutputs.Key.self),
        OutputSchema("key_revoked", ServerOutputs.KeyRevoked.self),
        OutputSchema("keys", ServerOutputs.Keys.self),
        OutputSchema("ledger", MoneyOutputs.Ledger.self),
        OutputSchema("payback", PaybackOutcome.self),
        OutputSchema("policy_in_force", ServerOutputs.PolicyInForce.self),
        OutputSchema("prices_diff", PricesDifference.self),
        OutputSchema("queue", QueueOutputs.Queue.self),
        OutputSchema("ready", ServerOutputs.Ready.self),
        OutputSchema("recompute", RecomputeOutcome.self),
        OutputSchema("reconcile", ReconcileOutcome.self),
        OutputSchema("reload", ServerOutputs.Reload.self),
        OutputSchema("report", MoneyOutputs.Report.self),
        OutputSchema("requests", ServerOutputs.Requests.self),
        OutputSchema("verification", QueueOutputs.Verification.self),
        OutputSchema("verifications", QueueOutputs.Verifications.self),
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
