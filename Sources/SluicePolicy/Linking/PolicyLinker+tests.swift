import SluiceCore

extension PolicyLinker {
    mutating func linkTests(tenants: [Tenant], routes: [RouteRule]) -> [PolicyTest] {
        self.document.tests.value.map { test in
            let record = test.value
            let request = self.request(record.request.value, tenants: tenants)
            return PolicyTest(
                name: record.name.value, at: record.at.value, request: request,
                expect: self.expectation(record.expect.value, routes: routes), place: test.span.place)
        }
    }

    private mutating func request(_ record: RequestRecord, tenants: [Tenant]) -> InferenceRequest {
        if let model = record.model.value { _ = self.resolve(model, in: self.models) }
        var request = InferenceRequest(
            endpoint: record.endpoint.value, tenant: self.tenant(of: record, among: tenants), model: record.model.value?.text ?? "")
        request.key = record.key.value
        request.isStream = record.stream.value
        request.headers = record.header.value.reduce(into: [:]) { $0[$1.name.text.lowercased()] = $1.value }
        request.tags = record.metadata.value.reduce(into: [:]) { $0[$1.name.text] = $1.value }
        request.inputTokens = record.inputTokens.value
        request.maxTokens = record.maxTokens.value
        if record.async.value { request.consent = .respondAsync(wait: nil) }
        if let deadline = record.deadline.value {
            request.wishes.deadline = .within(deadline)
            request.consent = .deadline
        }
        if let name = record.trafficClass.value, let index = self.resolve(name, in: self.classes) {
            request.wishes.trafficClass = name.text
            if self.document.classes.value[index].value.serve.value == .later { request.consent = .waitingClass }
        }
        return request
    }

    private mutating func tenant(of record: RequestRecord, among tenants: [Tenant]) -> String {
        guard let name = record.tenant.value else {
            return record.key.value.flatMap { key in tenants.first { $0.terms.keys.contains { $0.matches(key) } }?.name } ?? "default"
        }
        if name.text != "default" { _ = self.resolve(name, in: self.tenants) }
        return name.text
    }

    private mutating func expectation(_ record: ExpectRecord, routes: [RouteRule]) -> PolicyTest.Expectation {
        if let name = record.trafficClass.value { _ = self.resolve(name, in: self.classes) }
        if let name = record.model.value { _ = self.resolve(name, in: self.models) }
        if let name = record.backend.value { _ = self.resolve(name, in: self.backends) }
        if let name = record.pool.value { _ = self.resolvePool(name) }
        if let name = record.route.value, !routes.contains(where: { $0.displayName == name.text || "routes[\($0.index)]" == name.text }) {
            let near = NearName.best(for: name.text, among: routes.map(\.displayName))
            self.report(
                .error, .unknownName, "route `\(name.text.cutForMessage)` is not defined", at: name.span,
                hint: near.map { "did you mean `\($0)`?" })
        }
        var expect = PolicyTest.Expectation()
        expect.trafficClass = record.trafficClass.value?.text
        expect.serve = record.serve.value
        expect.route = record.route.value?.text
        expect.model = record.model.value?.text
        expect.pool = record.pool.value?.text
        expect.backend = record.backend.value?.text
        expect.notBefore = record.notBefore.value
        expect.deadline = record.deadline.value
        return expect
    }
}
