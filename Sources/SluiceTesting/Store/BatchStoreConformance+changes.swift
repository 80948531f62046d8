import SluiceCore

extension BatchStoreConformance {
    static let changeCases = [
        StoreCase("lines of a paused batch are left out, and come back") { store in
            let (paused, other) = (Sample.batch("batch_1"), Sample.batch("batch_2"))
            try await store.begun(paused, lines: 3)
            try await store.begun(other, lines: 2)
            let found = try await stored { store.batches.pause(paused.id, true, tenant: "default", then: $0) }
            try expect(found?.isPaused == true && found?.status == .inProgress, "\(String(describing: found))")
            try expect(store.jobs.backlog().first?.buckets.first?.ready.jobs == 2, "\(store.jobs.backlog())")
            try expect(try await store.lease(Sample.line(1, of: other).job.lane).map(\.job.batchID) == ["batch_2", "batch_2"], "the wrong lines")
            try expect(try await stored { store.batches.pause(paused.id, true, tenant: "another", then: $0) } == nil, "another tenant pauses it")
            let next = try await store.afterKill()
            try expect(next.jobs.backlog().first?.buckets.first?.ready.jobs == 2, "after a restart it is no longer paused")
            _ = try await stored { store.batches.pause(paused.id, false, tenant: nil, then: $0) }
            try expect(try await store.lease(Sample.line(1, of: paused).job.lane).count == 3, "a resumed batch does not go on")
        },
        StoreCase("what a batch may cost bounds the sum of its lines: those that run first, then what they have cost") { store in
            var batch = Sample.batch()
            batch.maxCost = Money("0.01")
            try await store.create(batch)
            _ = try await stored { store.batches.begin(batch.id, total: 4, quote: nil, at: Sample.now, then: $0) }
            let lines = (1...4).map { n in
                var line = Sample.line(n, of: batch)
                line.job.maxCost = batch.maxCost
                line.job.estimatedCost = Money("0.004")
                return line
            }
            try expect(try await store.add(lines, to: batch), "its lines were not taken")
            let first = try await store.lease(lines[0].job.lane)
            try expect(first.count == 2 && !first.contains(where: \.isOverCost), "two fit while none has ended: \(first)")
            try expect(try await store.lease(lines[0].job.lane).isEmpty, "a third was leased while two run")
            // Each costs 0.00276.
            for leased in first {
                try await store.begin(leased.job, under: leased.lease, attempt: 1)
                _ = try await store.complete(leased.job, under: leased.lease, as: .done, attempt: 1)
            }
            let third = try await store.lease(lines[0].job.lane)
            try expect(third.map(\.isOverCost) == [false], "\(third)")
            for leased in third {
                try await store.begin(leased.job, under: leased.lease, attempt: 1)
                _ = try await store.complete(leased.job, under: leased.lease, as: .done, attempt: 1)
            }
            try expect(try await store.lease(lines[0].job.lane).map(\.isOverCost) == [true], "the last one does not fit any more")
        },
        StoreCase("a cancelled batch ends its waiting lines and names those in flight") { store in
            let batch = Sample.batch()
            try await store.begun(batch, lines: 4)
            let leased = try require(try await store.lease(Sample.line(1, of: batch).job.lane, limit: 1).first, "nothing leased")
            let cancelled = try await store.cancel(batch)
            try expect(cancelled.running == [leased.job.id] && cancelled.batch.status == .cancelling, "\(cancelled)")
            try await store.sweep()
            try expect(try store.found(batch).lines.cancelled == 3 && store.found(batch).status == .cancelling, "\(try store.found(batch))")
            try expect(try await store.lease(Sample.line(1, of: batch).job.lane).isEmpty, "lines of a cancelled batch are leased")
            try await store.begin(leased.job, under: leased.lease)
            try expect(try await store.complete(leased.job, under: leased.lease), "the one in flight may not end")
            let found = try store.found(batch)
            try expect(found.status == .cancelled && found.lines.done == 1 && found.lines.cancelled == 3, "\(found)")
            try expect(try store.customIDs(batch, .errors).count == 3, "cancelled lines are not in the error file")
            try expect(try await store.cancel(batch).batch.status == .cancelled, "cancelled twice")
        },
        StoreCase("a batch that is cancelled while it is checked has no lines") { store in
            let batch = Sample.batch()
            try await store.create(batch)
            try expect(try await store.cancel(batch).batch.status == .cancelled, "\(try store.found(batch))")
            try expect(try store.found(batch).times.inProgress == nil, "it was never in progress")
            let isBegun = try await stored { store.batches.begin(batch.id, total: 1, quote: nil, at: Sample.now, then: $0) }
            try expect(!isBegun, "a cancelled batch begins")
        },
        StoreCase("lines that come after the cancel are stored as cancelled") { store in
            let batch = Sample.batch()
            try await store.create(batch)
            _ = try await stored { store.batches.begin(batch.id, total: 2, quote: nil, at: Sample.now, then: $0) }
            _ = try await store.add([Sample.line(1, of: batch)], to: batch)
            _ = try await store.cancel(batch)
            let next = try await store.afterKill()
            let left = try next.batches.unfinishedIntakes()
            try expect(left.map(\.lastLine) == [1], "\(left)")
            for store in [store, next] {
                try expect(try await store.add([Sample.line(2, of: batch)], to: batch), "not taken")
                let found = try store.found(batch)
                try expect(found.status == .cancelled && found.lines.cancelled == 2, "\(found)")
                try expect(try await store.add([Sample.line(2, of: batch)], to: batch) == false, "an ended batch takes lines")
            }
        },
        StoreCase("a batch is retried with its lines that did not succeed and with new time") { store in
            let batch = Sample.batch()
            try await store.file("file-in", of: 4)
            try await store.begun(batch, lines: 4)
            try await store.end(batch) { $0 == 1 ? .done : $0 == 2 ? .failed : $0 == 3 ? .expired : .cancelled }
            let later = Sample.now + .seconds(5000)
            let retried = try require(try await stored { store.batches.retryBatch(batch.id, tenant: nil, at: later, then: $0) }, "no such batch")
            try expect(retried.status == .inProgress && retried.deadline == later + .seconds(3600) && retried.times.ended == nil, "\(retried)")
            try await store.sweep(at: later)
            let found = try store.found(batch)
            try expect(found.lines.done == 1 && found.lines.open == 3 && found.errorBytes == 0, "\(found)")
            try expect(try store.customIDs(batch, .errors).isEmpty, "the old errors still stand")
            try await store.end(batch) { _ in .done }
            try expect(try store.found(batch).status == .completed && store.found(batch).lines.done == 4, "\(try store.found(batch))")
            try expect(try store.customIDs(batch, .output).count == 4, "\(try store.customIDs(batch, .output))")
        },
        StoreCase("an erased batch is gone, with lines and results") { store in
            let batch = Sample.batch()
            try await store.begun(batch, lines: 2)
            try expect(try await stored { store.batches.eraseBatch(batch.id, tenant: nil, at: Sample.now, then: $0) } == false, "erased while it runs")
            try await store.end(batch) { _ in .done }
            try expect(try await stored { store.batches.eraseBatch(batch.id, tenant: "default", at: Sample.now, then: $0) }, "not erased")
            try await store.sweep()
            try expect(try store.batches.batch(batch.id, tenant: nil) == nil && store.customIDs(batch, .all).isEmpty, "it is still there")
            try expect(try store.jobs.jobs(tenant: nil, states: [], limit: 10, after: nil)?.page.isEmpty == true, "its lines are still there")
        },
        StoreCase("a deleted output file is gone, the error file stays") { store in
            let batch = Sample.batch()
            try await store.begun(batch, lines: 2)
            try expect(try await stored { store.batches.eraseFile(.output, of: batch.id, tenant: nil, at: Sample.now, then: $0) } == false, "while it runs")
            try await store.end(batch) { $0 == 1 ? .done : .failed }
            try expect(try await stored { store.batches.eraseFile(.output, of: batch.id, tenant: nil, at: Sample.now, then: $0) }, "not erased")
            try await store.sweep()
            let found = try store.found(batch)
            try expect(found.isOutputDeleted && !found.isErrorDeleted && found.lines.done == 1, "\(found)")
            try expect(try store.customIDs(batch, .output).isEmpty && store.customIDs(batch, .errors) == ["line 2"], "the wrong lines")
            try expect(try store.jobs.result(of: "job_batch_1_1", tenant: nil) == nil, "the answer is still there")
        },
        StoreCase("batches are listed page by page in both directions, each once, while others come") { store in
            for i in 0..<5 { try await store.create(Sample.batch("batch_\(i)", tenant: i == 2 ? "another" : "default")) }
            try await store.create(Sample.batch("msgbatch_1", wire: .messages))
            var page = PageRequest(limit: 2)
            var seen: [String] = []
            while true {
                let found = try require(try store.batches.batches(.openAI, tenant: "default", page: page), "no page")
                seen += found.data.map(\.id)
                try await store.create(Sample.batch("batch_new_\(seen.count)"))
                guard found.hasMore, let last = seen.last else { break }
                page.cursor = .after(last)
            }
            try expect(seen == [4, 3, 1, 0].map { "batch_\($0)" }, "\(seen)")
            page.cursor = .before("batch_0")
            let back = try require(try store.batches.batches(.openAI, tenant: "default", page: page), "no page")
            try expect(back.data.map(\.id) == ["batch_3", "batch_1"] && back.hasMore, "\(back)")
            page.cursor = .after("batch_2")
            try expect(try store.batches.batches(.openAI, tenant: "default", page: page) == nil, "a page after another tenant's")
            page.cursor = .first
            page.order = .oldestFirst
            try expect(try store.batches.batches(.openAI, tenant: nil, page: page)?.data.map(\.id) == ["batch_0", "batch_1"], "oldest first")
        },
        StoreCase("an intake that a kill broke off is found, and goes on where it was") { store in
            let (checked, half) = (Sample.batch("batch_1"), Sample.batch("batch_2"))
            try await store.create(checked)
            try await store.create(half)
            _ = try await stored { store.batches.begin(half.id, total: 3, quote: nil, at: Sample.now, then: $0) }
            _ = try await store.add([Sample.line(1, of: half), Sample.line(2, of: half)], to: half)
            let next = try await store.afterKill()
            let left = try next.batches.unfinishedIntakes()
            try expect(left.map(\.batch.id) == ["batch_1", "batch_2"] && left.map(\.lastLine) == [0, 2], "\(left)")
            _ = try await next.add([Sample.line(2, of: half), Sample.line(3, of: half)], to: half)
            try expect(try next.batches.unfinishedIntakes().map(\.batch.id) == ["batch_1"], "it is not finished")
            try expect(try await next.lease(Sample.line(1, of: half).job.lane).count == 3, "not each line once")
        },
        StoreCase("a call in doubt is booked on its batch") { store in
            let batch = Sample.batch()
            try await store.begun(batch, lines: 1)
            let leased = try require(try await store.lease(Sample.line(1, of: batch).job.lane).first, "nothing leased")
            try await store.begin(leased.job, under: leased.lease)
            let next = try await store.afterKill()
            try expect(try next.found(batch).spent == Money("0.05"), "\(try next.found(batch).spent)")
            try await next.end(batch) { _ in .done }
            try expect(try next.found(batch).status == .completed && next.found(batch).spent == Money("0.05276"), "\(try next.found(batch))")
        },
    ]
}
