import SluiceCore

extension PolicyLinker {
    mutating func checkRoutes(_ routes: [RouteRule], classes: [TrafficClass]) {
        for (index, route) in routes.enumerated() {
            let span = self.document.routes.value[index].span
            // A match that could not be read is no match that takes everything.
            guard self.isWhole(index) else { continue }
            if let earlier = routes.prefix(index).first(where: { self.isWhole($0.index) && $0.match.covers(route.match) }) {
                let line = earlier.place.file == route.place.file ? "line \(earlier.place.line)" : earlier.place.text
                self.report(
                    .error, .unreachableRoute,
                    "this route can never match: routes[\(earlier.index)] (\(line)) takes everything it would take", at: span)
            }
            self.checkConsent(route, classes: classes, at: span)
        }
        self.checkLastRoute(routes)
    }

    /// Whether the route's match could be read.
    private func isWhole(_ index: Int) -> Bool {
        let match = self.document.routes.value[index].value.match
        guard let record = match.value else { return !match.isGiven }
        return record.value.isWhole && (record.value.inputTokens.value?.isWhole ?? true) && record.value.not.value.allSatisfy(\.isWhole)
    }

    private mutating func checkConsent(_ route: RouteRule, classes: [TrafficClass], at span: SourceSpan) {
        guard classes.indices.contains(route.trafficClass) else { return }
        let trafficClass = classes[route.trafficClass]
        guard trafficClass.serve == .later, trafficClass.hold == nil, !route.match.wantsConsent else { return }
        self.report(
            .warning, .mayQueueLive, "routes[\(route.index)] can queue a request whose client waits on the connection", at: span,
            hint: "add `match: { async: true }` or `hold: 25s` to class `\(trafficClass.name)`")
    }

    private mutating func checkLastRoute(_ routes: [RouteRule]) {
        guard let last = routes.last, self.isWhole(last.index), !routes.contains(where: { $0.match.isEmpty && self.isWhole($0.index) })
        else { return }
        let wanted = last.match.descriptions.joined(separator: ", ")
        let who =
            routes.count == 1
            ? "a request that is not (\(wanted))"
            : "a request that fits none of the \(routes.count) routes, the last of which wants \(wanted),"
        self.report(
            .error, .noFinalRoute, "\(who) has no route", at: self.document.routes.value[last.index].span,
            hint: "add a last route without `match`, such as `- { class: NAME }`")
    }
}
