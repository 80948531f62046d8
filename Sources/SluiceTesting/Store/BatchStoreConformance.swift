import SluiceCore

/// What every ``BatchStore`` must do.
package enum BatchStoreConformance {
    package static let cases = Self.lifeCases + Self.changeCases + Self.transitionCases

    private static let lifeCases = [
        StoreCase("a batch comes back as it was stored") { store in
            let batch = Sample.batch()
            try await store.create(batch)
            try expect(String(describing: try store.found(batch)) == String(describing: batch), "stored \(batch), found \(try store.found(batch))")
            try expect(try store.batches.batch("batch_1", tenant: "another") == nil, "another tenant finds it")
            try expect(try store.batches.batch(ofFile: batch.errorFile, tenant: "default")?.side == .errors, "it is not found by its file")
            try expect(try store.batches.batch(ofFile: batch.outputFile, tenant: "another") == nil, "another tenant finds it by its file")
        },
        StoreCase("a refused batch has its faults, and no lines") { store in
            let batch = Sample.batch()
            try await store.create(batch)
            let faults = [BatchFault(.duplicateCustomID, "twice", param: "custom_id", line: 3), BatchFault(.emptyFile, "nothing")]
            try expect(try await stored { store.batches.refuse(batch.id, faults: faults, at: Sample.now, then: $0) }, "not refused")
            let found = try store.found(batch)
            try expect(found.status == .failed && found.faults == faults && found.times.ended == Sample.now, "\(found)")
            let isBegun = try await stored { store.batches.begin(batch.id, total: 1, quote: nil, at: Sample.now, then: $0) }
            try expect(!isBegun, "a refused batch begins")
            try expect(try await store.add([Sample.line(1, of: batch)], to: batch) == false, "a refused batch takes lines")
        },
        StoreCase("a batch begins with its quote, and its lines are jobs") { store in
            let batch = Sample.batch()
            try await store.create(batch)
            let quote = Batch.Quote(cost: Money("0.2"), finish: Sample.now + .seconds(60), risk: 0.25)
            _ = try await stored { store.batches.begin(batch.id, total: 2, quote: quote, at: Sample.now, then: $0) }
            _ = try await store.add([Sample.line(1, of: batch), Sample.line(2, of: batch)], to: batch)
            let found = try store.found(batch)
            try expect(found.status == .inProgress && found.quote == quote && found.times.inProgress == Sample.now, "\(found)")
            try expect(found.lines.total == 2 && found.lines.open == 2, "\(found.lines)")
            let leased = try await store.lease(Sample.line(1, of: batch).job.lane)
            try expect(leased.map(\.job.customID) == ["line 1", "line 2"] && leased.allSatisfy { $0.call == nil }, "\(leased)")
            try expect(leased[1].job.source == Sample.line(2, of: batch).source && leased[1].job.batchID == batch.id, "\(leased[1].job)")
        },
        StoreCase("a run of lines that is handed in again changes nothing") { store in
            let batch = Sample.batch()
            try await store.begun(batch, lines: 3)
            _ = try await store.lease(Sample.line(1, of: batch).job.lane, limit: 1)
            try expect(try await store.add((1...3).map { Sample.line($0, of: batch) }, to: batch), "not taken")
            let jobs = try require(try store.jobs.jobs(tenant: nil, states: [], limit: 10, after: nil), "no page").page
            try expect(jobs.count == 3 && jobs.filter { $0.state == .leased }.count == 1, "\(jobs)")
        },
        StoreCase("the last line ends the batch, with its counts, its usage and its cost") { store in
            let batch = Sample.batch()
            try await store.begun(batch, lines: 3)
            try await store.end(batch, 2) { $0 == 1 ? .done : .failed }
            try expect(try store.found(batch).status == .inProgress, "it ended before its last line")
            try await store.end(batch) { _ in .done }
            let found = try store.found(batch)
            try expect(found.status == .completed && found.times.ended == Sample.now, "\(found)")
            try expect(found.lines.done == 2 && found.lines.failed == 1 && found.lines.open == 0, "\(found.lines)")
            try expect(found.spent == Money("0.00828"), "\(found.spent)")
            try expect(found.usage.input == 180 && found.usage.reasoning == 9, "\(found.usage)")
        },
        StoreCase("output and error file are there while it runs, in the order of the ends") { store in
            let batch = Sample.batch()
            try await store.begun(batch, lines: 5)
            try await store.end(batch, 3) { $0 == 2 ? .failed : .done }
            try expect(try store.customIDs(batch, .output) == ["line 1", "line 3"], "\(try store.customIDs(batch, .output))")
            try expect(try store.customIDs(batch, .errors) == ["line 2"], "\(try store.customIDs(batch, .errors))")
            try expect(try store.customIDs(batch, .all) == ["line 1", "line 2", "line 3"], "\(try store.customIDs(batch, .all))")
            let found = try store.found(batch)
            let lines = try store.batches.results(of: batch.id, .output, after: 0, limit: 10).map(\.line)
            try expect(found.outputBytes == lines.reduce(0) { $0 + $1.count }, "\(found.outputBytes) bytes")
            try expect(lines.first.map { String(decoding: $0, as: UTF8.self).contains("\"of\":\"job_batch_1_1\"") } == true, "\(lines)")
        },
        StoreCase("a line that failed before it could wait is in the error file at once") { store in
            let batch = Sample.batch()
            try await store.create(batch)
            _ = try await stored { store.batches.begin(batch.id, total: 1, quote: nil, at: Sample.now, then: $0) }
            let refusal = JobResult(status: 404, contentType: "application/json", body: Array("{\"error\":{}}".utf8))
            _ = try await store.add([Sample.line(1, of: batch, result: refusal)], to: batch)
            let found = try store.found(batch)
            try expect(found.status == .completed && found.lines.failed == 1, "\(found)")
            let results = try store.batches.results(of: batch.id, .errors, after: 0, limit: 10)
            try expect(results.count == 1 && results[0].result?.status == 404 && results[0].state == .failed, "\(results)")
        },
        StoreCase("a batch of no lines is over as soon as it begins") { store in
            try await store.begun(Sample.batch(), lines: 0)
            try expect(try store.found(Sample.batch()).status == .completed, "\(try store.found(Sample.batch()))")
        },
        StoreCase("lines that run out of time make the batch expired") { store in
            let batch = Sample.batch()
            try await store.begun(batch, lines: 2)
            try await store.end(batch, 1) { _ in .done }
            let due = try await stored { store.jobs.expire(at: batch.deadline, then: $0) }
            try expect(due.expired == ["job_batch_1_2"], "\(due)")
            let found = try store.found(batch)
            try expect(found.status == .expired && found.lines.expired == 1 && found.lines.done == 1, "\(found)")
            let errors = try store.batches.results(of: batch.id, .errors, after: 0, limit: 10)
            try expect(errors.first?.state == .expired && errors.first?.result == nil, "\(errors)")
            try expect(String(decoding: errors[0].line, as: UTF8.self).contains("batch_expired"), "\(errors[0].line)")
        },
        StoreCase("a line that was refused for its cost has an error and no response") { store in
            let batch = Sample.batch()
            try await store.create(batch)
            _ = try await stored { store.batches.begin(batch.id, total: 2, quote: nil, at: Sample.now, then: $0) }
            var refused = JobResult(status: 422, contentType: "application/json", body: Array("{\"error\":{}}".utf8))
            let other = refused
            refused.refusal = .init(code: .maxCostExceeded, message: "too \"dear\"")
            _ = try await store.add([Sample.line(1, of: batch, result: refused), Sample.line(2, of: batch, result: other)], to: batch)
            let lines = try store.batches.results(of: batch.id, .errors, after: 0, limit: 10).map { String(decoding: $0.line, as: UTF8.self) }
            try expect(lines.count == 2 && lines[1].contains("\"status_code\":422"), "a backend's own 422 is a response: \(lines)")
            let line = lines[0]
            let end = "\"response\":null,\"error\":{\"code\":\"max_cost_exceeded\",\"message\":\"too \\\"dear\\\"\"}}\n"
            try expect(line.hasSuffix(end), line)
        },
        StoreCase("output files go as long after the end as the batch says, and with them the answers") { store in
            var (batch, other) = (Sample.batch(), Sample.batch("batch_2"))
            batch.outputLife = .seconds(3600)
            other.endpoint = .completions
            for each in [batch, other] {
                try await store.begun(each, lines: 1)
                try expect(try store.found(each).outputsExpire == nil, "it expires before it has ended")
                try await store.end(each, at: Sample.now) { _ in .done }
            }
            let due = try require(try store.found(batch).outputsExpire, "it never expires")
            try expect(due == Sample.now + .seconds(3600) && store.found(other).outputsExpire == nil, "\(due)")
            let listed = try store.files.files(tenant: "default", purpose: .batchOutput, page: PageRequest(limit: 10))
            try expect(listed?.data.map(\.expires) == [nil, due], "\(String(describing: listed))")
            _ = try await stored { store.files.sweepFiles(at: due - .milliseconds(1), then: $0) }
            try expect(try !store.found(batch).isOutputDeleted, "it went too early")
            _ = try await stored { store.files.sweepFiles(at: due, then: $0) }
            try await store.sweep()
            try expect(try store.found(batch).isOutputDeleted && !store.found(other).isOutputDeleted, "it is still there, or the other one went too")
            try expect(try store.jobs.result(of: "job_batch_1_1", tenant: nil) == nil, "the answer is still there")
        },
        StoreCase("a batch that is checked past its deadline expires") { store in
            try await store.create(Sample.batch())
            _ = try await stored { store.jobs.expire(at: Sample.batch().deadline, then: $0) }
            try expect(try store.found(Sample.batch()).status == .expired, "\(try store.found(Sample.batch()))")
        },
        StoreCase("an answer that came too late costs, and is none") { store in
            let batch = Sample.batch()
            try await store.begun(batch, lines: 1)
            let leased = try require(try await store.lease(Sample.line(1, of: batch).job.lane).first, "nothing leased")
            try await store.begin(leased.job, under: leased.lease)
            _ = try await stored { store.jobs.cancel(leased.job.id, tenant: nil, at: Sample.now, then: $0) }
            try expect(try await store.complete(leased.job, under: leased.lease) == false, "a stale lease completes")
            let found = try store.found(batch)
            try expect(found.lines.cancelled == 1 && found.lines.done == 0 && found.spent == Money("0.00276") && found.usage == .zero, "\(found)")
            try expect(try store.customIDs(batch, .all).count == 1, "two results of one line")
        },
    ]
}
