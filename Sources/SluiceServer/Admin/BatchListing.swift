package import SluiceCore

/// Batches and what became of their webhooks, as `sluice queue` and `/api/queue` print them.
package enum BatchListing {
    package static func json(_ batches: [Batch], hasMore: Bool) -> [UInt8] {
        var json = JSONFields(capacity: 512 * (batches.count + 1))
        json.add("schema", "sluice.batches/v1")
        json.add("data", objects: batches.map { self.fields($0, deliveries: nil) })
        json.add("has_more", hasMore)
        json.add("last_id", batches.last?.id)
        return json.object
    }

    /// - Parameter deliveries: What its end was told to whom.
    package static func json(_ batch: Batch, deliveries: [WebhookDelivery]) -> [UInt8] { self.fields(batch, deliveries: deliveries).object }

    private static func fields(_ batch: Batch, deliveries: [WebhookDelivery]?) -> JSONFields {
        var json = JSONFields(capacity: 512)
        if deliveries != nil { json.add("schema", "sluice.batch/v1") }
        json.add("batch_id", batch.id)
        json.add("status", batch.status.name)
        json.add("paused", batch.isPaused)
        json.add("tenant", batch.tenant)
        json.add("endpoint", batch.endpoint.path)
        json.add("window", batch.window)
        json.add("created", batch.created)
        json.add("deadline", batch.deadline)
        json.add("ended", batch.times.ended?.description)
        json.add("total", batch.lines.total)
        json.add("open", batch.lines.open)
        json.add("done", batch.lines.done)
        json.add("failed", batch.lines.failed)
        json.add("expired", batch.lines.expired)
        json.add("cancelled", batch.lines.cancelled)
        json.add("max_cost", batch.maxCost)
        json.add("spent", batch.spent)
        json.add("quoted_cost", batch.quote?.cost)
        json.add("quoted_finish", batch.quote?.finish.description)
        if let deliveries { json.add("deliveries", objects: deliveries.map(self.fields)) }
        return json
    }

    package static func fields(_ delivery: WebhookDelivery) -> JSONFields {
        var json = JSONFields(capacity: 256)
        json.add("event_id", delivery.event)
        json.add("type", delivery.type.rawValue)
        json.add("subject", delivery.subject)
        json.add("endpoint", delivery.endpoint.id)
        json.add("url", delivery.endpoint.url)
        json.add("status", delivery.state.rawValue)
        json.add("attempts", delivery.attempts)
        json.add("due", delivery.state == .pending ? delivery.due.description : nil)
        json.add("last_error", delivery.lastError)
        return json
    }

    package static func json(_ deliveries: [WebhookDelivery]) -> [UInt8] {
        var json = JSONFields(capacity: 256 * (deliveries.count + 1))
        json.add("schema", "sluice.deliveries/v1")
        json.add("data", objects: deliveries.map(self.fields))
        json.add("has_more", false)
        json.add("last_id", deliveries.last?.event)
        return json.object
    }
}
