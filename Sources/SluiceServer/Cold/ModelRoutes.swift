import Hummingbird
import SluiceCore
import SluiceDispatch
import SluiceWire

/// `GET /v1/models` and `/v1/models/{id}`: the policy's models that the key may use, in the words of the dialect that asks.
struct ModelRoutes {
    let policy: PolicyInForce
    /// When the policy's models came to be, as far as clients are told: the start of the process.
    let since: Timestamp

    func add(to router: some RouterMethods<APIContext>) {
        router.get("/v1/models") { request, context -> Response in
            let models = try self.models(of: context)
            return .json(request.dialect == .anthropic ? self.anthropicList(models) : self.openAIList(models))
        }
        // The id is the rest of the path, percent-decoded once: ids hold `/` and `:`.
        router.get("/v1/models/**") { request, context -> Response in
            guard let id = request.uri.path.dropFirst("/v1/models/".count).percentDecoded else {
                throw Refusal.invalid("the model's id is not percent-encoded as it must be", param: "model")
            }
            let models = try self.models(of: context)
            guard let model = models.first(where: { $0 == id }) else {
                let near = NearName.best(for: id, among: models)
                throw Refusal(
                    404, .modelNotFound, "the model \(id.quotedForMessage) does not exist\(near.map { "; did you mean `\($0)`?" } ?? "")", param: "model")
            }
            return .json(request.dialect == .anthropic ? self.anthropicModel(model) : self.openAIModel(model))
        }
    }

    private func models(of context: APIContext) throws -> [String] {
        let tenant = try context.authenticated()
        return self.policy.live.policy.models.map(\.name).filter(tenant.mayUse)
    }

    private func openAIList(_ models: [String]) -> [UInt8] {
        var json: [UInt8] = []
        json.append(text: "{\"object\":\"list\",\"data\":[")
        json.append(list: models.map(self.openAIModel))
        json.append(text: "]}")
        return json
    }

    private func openAIModel(_ name: String) -> [UInt8] {
        var json: [UInt8] = []
        json.append(text: "{\"id\":")
        json.append(jsonString: name)
        json.append(text: ",\"object\":\"model\",\"created\":\(self.since.seconds),\"owned_by\":\"sluice\"}")
        return json
    }

    private func anthropicList(_ models: [String]) -> [UInt8] {
        var json: [UInt8] = []
        json.append(text: "{\"data\":[")
        json.append(list: models.map(self.anthropicModel))
        json.append(text: "],\"has_more\":false,\"first_id\":")
        json.append(optional: models.first)
        json.append(text: ",\"last_id\":")
        json.append(optional: models.last)
        json.append(text: "}")
        return json
    }

    private func anthropicModel(_ name: String) -> [UInt8] {
        var json: [UInt8] = []
        json.append(text: "{\"type\":\"model\",\"id\":")
        json.append(jsonString: name)
        json.append(text: ",\"display_name\":")
        json.append(jsonString: name)
        json.append(text: ",\"created_at\":\"\(self.since)\"}")
        return json
    }
}

extension [UInt8] {
    /// JSON values with commas between them.
    mutating func append(list: [[UInt8]]) {
        for (index, item) in list.enumerated() {
            if index > 0 { self.append(UInt8(ascii: ",")) }
            self.append(contentsOf: item)
        }
    }

    mutating func append(optional text: String?) {
        if let text { self.append(jsonString: text) } else { self.append(text: "null") }
    }
}
