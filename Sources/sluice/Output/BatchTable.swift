import SluiceCore

/// Batches for people.
struct BatchTable {
    let batches: [Batch]
    let now: Timestamp

    func text(_ style: TextStyle) -> String {
        var table = TextTable([
            .init(title: "batch"), .init(title: "status"), .init(title: "tenant"), .init(title: "created"), .init(title: "deadline"),
            .init(title: "lines", alignment: .right), .init(title: "done", alignment: .right), .init(title: "failed", alignment: .right),
            .init(title: "spent", alignment: .right), .init(title: "quoted", alignment: .right),
        ])
        table.rows = self.batches.map { batch in
            let lines = batch.lines
            return [
                batch.id, batch.isPaused && !batch.status.isTerminal ? batch.status.name + ", paused" : batch.status.name, batch.tenant,
                batch.created.distance(from: self.now), batch.status.isTerminal ? "" : batch.deadline.distance(from: self.now), "\(lines.total)",
                "\(lines.done)", "\(lines.failed + lines.expired + lines.cancelled)", batch.spent.description, batch.quote?.cost?.description ?? "",
            ]
        }
        return table.text(style)
    }
}

/// What was told to webhook endpoints, for people.
struct DeliveryTable {
    let deliveries: [WebhookDelivery]
    let now: Timestamp

    func text(_ style: TextStyle) -> String {
        var table = TextTable([
            .init(title: "event"), .init(title: "type"), .init(title: "about"), .init(title: "to"), .init(title: "status"),
            .init(title: "tries", alignment: .right), .init(title: "next"), .init(title: "last error"),
        ])
        table.rows = self.deliveries.map { delivery in
            [
                delivery.event, delivery.type.rawValue, delivery.subject, delivery.endpoint.url, delivery.state.rawValue, "\(delivery.attempts)",
                delivery.state == .pending ? delivery.due.distance(from: self.now) : "", delivery.lastError ?? "",
            ]
        }
        return table.text(style)
    }
}

extension Timestamp {
    /// `in 3 h`, `5 min ago`: how far away, in one unit.
    func distance(from now: Timestamp) -> String {
        let milliseconds = (self - now).milliseconds
        let seconds = abs(milliseconds) / 1000
        let amount =
            seconds < 90 ? "\(seconds) s" : seconds < 5400 ? "\(seconds / 60) min" : seconds < 172_800 ? "\(seconds / 3600) h" : "\(seconds / 86_400) d"
        return milliseconds > 0 ? "in \(amount)" : "\(amount) ago"
    }
}
