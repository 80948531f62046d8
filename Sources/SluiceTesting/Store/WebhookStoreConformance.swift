import SluiceCore

/// What every ``WebhookStore`` must do, and the stores whose ends it tells of.
package enum WebhookStoreConformance {
    package static let cases = Self.endpointCases + Self.deliveryCases

    private static let endpointCases = [
        StoreCase("an endpoint comes back as it was stored, with its secrets") { store in
            let endpoint = Sample.endpoint()
            try await stored { store.webhooks.add(endpoint, then: $0) }
            let found = try store.webhooks.endpoint("we_1", tenant: "default")
            try expect(found.map { String(describing: $0) } == String(describing: endpoint), "\(String(describing: found))")
            try expect(try store.webhooks.endpoint("we_1", tenant: "another") == nil, "another tenant finds it")
        },
        StoreCase("an endpoint is changed and deleted by its own tenant alone") { store in
            var endpoint = Sample.endpoint()
            try await stored { store.webhooks.add(endpoint, then: $0) }
            endpoint.events = [.batchFailed]
            endpoint.secrets.removeLast()
            endpoint.isEnabled = false
            try expect(try await stored { store.webhooks.update(endpoint, then: $0) }, "not changed")
            let found = try store.webhooks.endpoint("we_1", tenant: "default")
            try expect(found.map { String(describing: $0) } == String(describing: endpoint), "\(String(describing: found))")
            try expect(try await stored { store.webhooks.update(Sample.endpoint(tenant: "another"), then: $0) } == false, "by another tenant")
            try expect(try await stored { store.webhooks.deleteEndpoint("we_1", tenant: "another", then: $0) } == false, "by another tenant")
            try expect(try await stored { store.webhooks.deleteEndpoint("we_1", tenant: "default", then: $0) }, "not deleted")
            try expect(try store.webhooks.endpoint("we_1", tenant: "default") == nil, "it is still there")
        },
        StoreCase("endpoints are listed page by page") { store in
            for i in 0..<3 { try await stored { store.webhooks.add(Sample.endpoint("we_\(i)"), then: $0) } }
            var page = PageRequest(limit: 2)
            let first = try require(try store.webhooks.endpoints(tenant: "default", page: page), "no page")
            try expect(first.data.map(\.id) == ["we_2", "we_1"] && first.hasMore, "\(first)")
            page.cursor = .after("we_1")
            let second = try require(try store.webhooks.endpoints(tenant: "default", page: page), "no page")
            try expect(second.data.map(\.id) == ["we_0"] && !second.hasMore, "\(second)")
        },
    ]

    private static let deliveryCases = [
        StoreCase("the end of a batch is queued once for each endpoint that wants it") { store in
            try await stored { store.webhooks.add(Sample.endpoint("we_1"), then: $0) }
            try await stored { store.webhooks.add(Sample.endpoint("we_2", events: [.batchCancelled]), then: $0) }
            try await stored { store.webhooks.add(Sample.endpoint("we_3", tenant: "another"), then: $0) }
            let batch = Sample.batch()
            try await store.begun(batch, lines: 1)
            try expect(try store.webhooks.dueDeliveries(at: Sample.now, limit: 10).due.isEmpty, "told before the end")
            try await store.end(batch) { _ in .done }
            let due = try store.webhooks.dueDeliveries(at: Sample.now, limit: 10).due
            try expect(due.map(\.endpoint.id) == ["we_1"] && due[0].type == .batchCompleted && due[0].subject == batch.id, "\(due)")
            let text = String(decoding: due[0].body, as: UTF8.self)
            try expect(text.contains("\"id\":\"\(due[0].event)\"") && text.contains("\"data\":{\"id\":\"batch_1\"}"), text)
            let next = try await store.afterKill()
            try expect(try next.webhooks.dueDeliveries(at: Sample.now, limit: 10).due.map(\.event) == due.map(\.event), "another event after a kill")
        },
        StoreCase("every end of a batch has its event") { store in
            try await stored { store.webhooks.add(Sample.endpoint(), then: $0) }
            try await store.create(Sample.batch("batch_1"))
            _ = try await stored { store.batches.refuse("batch_1", faults: [], at: Sample.now, then: $0) }
            try await store.begun(Sample.batch("batch_2"), lines: 1)
            _ = try await store.cancel(Sample.batch("batch_2"))
            try await store.begun(Sample.batch("batch_3"), lines: 1)
            _ = try await stored { store.jobs.expire(at: Sample.batch().deadline, then: $0) }
            let types = try store.webhooks.dueDeliveries(at: Sample.now + .seconds(9999), limit: 10).due.map(\.type)
            try expect(types == [.batchFailed, .batchCancelled, .batchExpired], "\(types)")
        },
        StoreCase("the end of a background response is told") { store in
            try await stored { store.webhooks.add(Sample.endpoint(), then: $0) }
            for (number, end) in [JobState.done, .failed, .cancelled].enumerated() {
                var job = Sample.job("resp_\(number)")
                job.kind = .background
                let lease = try await store.leased(job)
                if end == .cancelled {
                    _ = try await stored { store.jobs.cancel(job.id, tenant: nil, at: Sample.now, then: $0) }
                } else {
                    _ = try await store.complete(job, under: lease, as: end)
                }
            }
            var job = Sample.job("resp_3")
            job.kind = .background
            let lease = try await store.leased(job)
            var cut = JobResult(status: 200, contentType: "application/json", body: [])
            cut.isIncomplete = true
            let result = cut
            _ = try await stored { store.jobs.complete(lease, as: .done, result: result, ends: [], verification: nil, at: Sample.now, then: $0) }
            let due = try store.webhooks.dueDeliveries(at: Sample.now, limit: 10).due
            try expect(due.map(\.type) == [.responseCompleted, .responseFailed, .responseCancelled, .responseIncomplete], "\(due)")
            try expect(due.map(\.subject) == (0..<4).map { "resp_\($0)" }, "\(due)")
        },
        StoreCase("a delivery is tried again when it is due, until it is over") { store in
            try await stored { store.webhooks.add(Sample.endpoint(), then: $0) }
            _ = try await stored { store.webhooks.queue("evt_1", .batchCompleted, body: [1], to: "we_1", at: Sample.now, then: $0) }
            try expect(
                try await stored { store.webhooks.queue("evt_1", .batchCompleted, body: [1], to: "we_1", at: Sample.now, then: $0) } == false, "queued twice")
            let first = try require(try store.webhooks.dueDeliveries(at: Sample.now, limit: 10).due.first, "nothing is due")
            let next = Sample.now + .seconds(5)
            try await stored { store.webhooks.book(first.id, as: .pending, error: "500", next: next, at: Sample.now, then: $0) }
            let waiting = try store.webhooks.dueDeliveries(at: Sample.now, limit: 10)
            try expect(waiting.due.isEmpty && waiting.next == next, "\(waiting)")
            let second = try require(try store.webhooks.dueDeliveries(at: next, limit: 10).due.first, "not due again")
            try expect(second.attempts == 1 && second.lastError == "500" && second.event == "evt_1", "\(second)")
            try await stored { store.webhooks.book(second.id, as: .delivered, error: nil, next: nil, at: next, then: $0) }
            let after = try store.webhooks.dueDeliveries(at: next, limit: 10)
            try expect(after.due.isEmpty && after.next == nil, "\(after)")
            let about = try store.webhooks.deliveries(about: "we_1")
            try expect(about.map(\.state) == [.delivered] && about[0].attempts == 2, "\(about)")
        },
        StoreCase("a retried batch ends with another event") { store in
            try await stored { store.webhooks.add(Sample.endpoint(), then: $0) }
            let batch = Sample.batch()
            try await store.file("file-in", of: 1)
            try await store.begun(batch, lines: 1)
            try await store.end(batch) { _ in .failed }
            _ = try await stored { store.batches.retryBatch(batch.id, tenant: nil, at: Sample.now, then: $0) }
            try await store.end(batch) { _ in .done }
            let due = try store.webhooks.dueDeliveries(at: Sample.now, limit: 10).due
            try expect(due.count == 2 && Set(due.map(\.event)).count == 2, "\(due)")
        },
    ]
}
