import SluiceCore

extension PolicyLinker {
    mutating func linkRoutes() -> [RouteRule] {
        if self.document.routes.value.isEmpty {
            if !self.document.routes.isGiven {
                self.missingSection("routes", hint: "the last route, without `match`, takes everything else")
            }
            return []
        }
        return self.document.routes.value.enumerated().map { index, route in
            let name = route.value.name.value
            if let name, let first = self.document.routes.value.prefix(index).first(where: { $0.value.name.value == name }) {
                self.report(
                    .error, .duplicateName, "two routes are called `\(name)`", at: route.value.name.span ?? route.span,
                    hint: "the first one stands in \((first.value.name.span ?? first.span).place.text)")
            }
            let match = route.value.match.value.map { self.match($0.value) } ?? RouteMatch()
            let trafficClass = route.value.trafficClass.value.flatMap { self.resolve($0, in: self.classes) }
            return RouteRule(index: index, name: name, match: match, trafficClass: trafficClass ?? -1, place: route.span.place)
        }
    }

    mutating func match(_ record: MatchRecord) -> RouteMatch {
        for tenant in record.tenant.value { self.checkLiteral(tenant, in: self.tenants) }
        for model in record.model.value { self.checkLiteral(model, in: self.models) }
        if let range = record.inputTokens.value, let least = range.min.value, let most = range.max.value, least > most,
            let span = record.inputTokens.span
        {
            self.report(.error, .badValue, "`min` is more than `max`", at: span)
        }
        var match = RouteMatch()
        match.tenants = record.tenant.value.map(\.value)
        match.keys = record.key.value
        match.models = record.model.value.map(\.value)
        match.endpoints = Set(record.endpoint.value)
        match.headers = record.header.value.map { RouteMatch.Field(name: $0.name.text.lowercased(), values: $0.value) }
        match.metadata = record.metadata.value.map { RouteMatch.Field(name: $0.name.text, values: $0.value) }
        match.minInputTokens = record.inputTokens.value?.min.value
        match.maxInputTokens = record.inputTokens.value?.max.value
        match.stream = record.stream.value
        match.async = record.async.value
        match.not = record.not.value.map { self.match($0) }
        return match
    }

    mutating func linkBaseline() -> Baseline? {
        guard let record = self.document.baseline.value?.value else {
            if !self.document.baseline.isGiven, let span = self.document.routes.span {
                self.report(
                    .note, .noBaseline, "the policy has no `baseline`: savings are measured against nothing", at: span,
                    hint: "baseline: { backend: NAME, model: requested, serve: now }")
            }
            return nil
        }
        guard let name = record.backend.value, let backend = self.resolve(name, in: self.backends) else { return nil }
        var model = Baseline.ModelChoice.requested
        if let name = record.model.value, name.text != "requested", let index = self.resolve(name, in: self.models) {
            model = .fixed(index)
        }
        return Baseline(backend: backend, model: model, ignoresCache: record.cache.value == .none)
    }
}
