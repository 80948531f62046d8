package import SluiceCore

extension InferenceRequest {
    /// What a body says of its request; who asks and what the headers say is added by the caller.
    package init(_ fields: RequestFields, endpoint: Endpoint, tenant: String) {
        self.init(endpoint: endpoint, tenant: tenant, model: fields.model)
        self.take(fields)
    }

    /// Adds what of the body routing may know, but for the model. In place, since a request is large.
    package mutating func take(_ fields: RequestFields) {
        self.isStream = fields.isStream
        self.wantsUsage = fields.wantsUsage
        self.maxTokens = fields.maxTokens
        self.choices = fields.choices
        self.promptBytes = fields.promptBytes
        // Four bytes a token is what English prose and code come to, within a tenth or so.
        self.inputTokens = max(1, fields.promptBytes / 4)
        self.tags = fields.metadata
        self.serviceTier = fields.serviceTier
    }
}
