import SluiceCore

/// How lines of bundles end.
extension BundleStoreConformance {
    static let endCases = [
        StoreCase("a line that was answered ends its job, once") { store in
            let (bundle, jobs) = try await store.submitted(2)
            let end = try store.answered(bundle, jobs[0])
            try expect(try await store.settle(bundle, [end]).map(\.job) == ["job_1"], "the job did not end")
            try expect(try await store.settle(bundle, [end]).isEmpty, "it ended a second time")
            try expect(try store.state(of: jobs[0]) == .done, "it is not done")
            try expect(try store.jobs.result(of: "job_1", tenant: nil)?.status == 200, "it has no result")
            try expect(try store.entries(of: jobs[0]).map(\.kind) == [.intent, .settled], "the books are wrong")
            try expect(try store.bundles.bundle(bundle.id)?.lines == 1, "the line is still open")
        },
        StoreCase("an error of the client's own fails its job") { store in
            let (bundle, jobs) = try await store.submitted(1)
            try await store.settle(bundle, [try store.answered(bundle, jobs[0], as: .failed)])
            try expect(try store.state(of: jobs[0]) == .failed, "it has not failed")
        },
        StoreCase("a line that was not run goes back to the queue, its attempt ended") { store in
            let (bundle, jobs) = try await store.submitted(2)
            try await store.settle(bundle, [try store.notRun(bundle, jobs[0]), try store.notRun(bundle, jobs[1], isOffLanes: true)])
            try expect(try store.entries(of: jobs[0]).map(\.kind) == [.intent, .settled], "the books are wrong")
            try expect(try await store.lease(jobs[0].lane).map(\.job.id) == ["job_1"], "the first is not where it was")
            var lane = jobs[1].lane
            lane.rung = Job.offLanes
            try expect(try await store.lease(lane).first?.job.attempts == 1, "the second cannot be leased, or forgot its attempt")
        },
        StoreCase("the late result of a job that was cancelled is waste, and changes nothing") { store in
            let (bundle, jobs) = try await store.submitted(1)
            let end = try store.answered(bundle, jobs[0])
            _ = try await stored { store.jobs.cancel("job_1", tenant: nil, at: Sample.now, then: $0) }
            try expect(try await store.settle(bundle, [end]).isEmpty, "it counts")
            try expect(try store.state(of: jobs[0]) == .cancelled, "the job is not cancelled any more")
            try expect(try store.entries(of: jobs[0]).map(\.kind) == [.intent, .waste], "the books are wrong")
        },
        StoreCase("a bundled job that is overdue expires at once") { store in
            let (_, jobs) = try await store.submitted(1)
            let due = try await stored { store.jobs.expire(at: Sample.now + .seconds(86_400), then: $0) }
            try expect(due.expired == ["job_1"] && due.overdue.isEmpty, "\(due)")
            try expect(try store.state(of: jobs[0]) == .expired, "it has not expired")
        },
        StoreCase("of a job that was hedged the first result counts, the bundle's or the other one") { store in
            let (bundle, jobs) = try await store.submitted(2)
            let ends = [try store.answered(bundle, jobs[0]), try store.answered(bundle, jobs[1])]
            let count = try await stored { store.bundles.hedge(bundle.id, LineReturn("late", isOffLanes: true), at: Sample.now, then: $0) }
            try expect(count == 2, "\(count) jobs were hedged")
            var lane = jobs[0].lane
            lane.rung = Job.offLanes
            let leased = try await store.lease(lane)
            try expect(leased.count == 2, "the jobs do not run elsewhere")
            for one in leased { try await store.begin(one.job, under: one.lease, attempt: 2) }
            let (first, second) = (leased[0], leased[1])
            try expect(try await store.complete(first.job, under: first.lease, attempt: 2), "the other result came first and does not count")
            let outcomes = try await store.settle(bundle, ends)
            try expect(outcomes.map(\.job) == ["job_2"] && outcomes[0].wasLeased, "\(outcomes)")
            try expect(try await !store.complete(second.job, under: second.lease, attempt: 2), "a second result counts")
            try expect(try store.entries(of: jobs[0]).map(\.kind) == [.intent, .intent, .settled, .waste], "the books of the first are wrong")
            try expect(try store.entries(of: jobs[1]).map(\.kind) == [.intent, .intent, .settled, .waste], "the books of the second are wrong")
        },
        StoreCase("a bundle is closed when all its lines have ended, and its files are remembered until they are deleted") { store in
            let (bundle, jobs) = try await store.submitted(1)
            _ = try await stored { store.bundles.accept(bundle.id, as: "batch_1", then: $0) }
            let early = try await stored { store.bundles.close(bundle.id, by: .ended, leftovers: [], at: Sample.now, then: $0) }
            try expect(!early, "it was closed with a line open")
            try await store.settle(bundle, [try store.answered(bundle, jobs[0])])
            let isClosed = try await stored { store.bundles.close(bundle.id, by: .ended, leftovers: ["f1", "f2"], at: Sample.now, then: $0) }
            try expect(isClosed, "it was not closed")
            try expect(try store.bundles.openBundles().map(\.leftovers) == [["f1", "f2"]], "its files are forgotten")
            try await stored { store.bundles.forgetLeftovers(of: bundle.id, then: $0) }
            try expect(try store.bundles.openBundles().isEmpty, "there is still something to do")
        },
        StoreCase("the backlog is what it was when bundles have come and gone") { store in
            let (bundle, jobs) = try await store.submitted(3)
            try expect(store.jobs.backlog().isEmpty, "bundled jobs wait")
            try await store.settle(bundle, [try store.answered(bundle, jobs[0]), try store.notRun(bundle, jobs[1])])
            try expect(store.jobs.backlog().flatMap(\.buckets).map(\.ready.jobs) == [1], "\(store.jobs.backlog())")
            _ = try await stored { store.bundles.hedge(bundle.id, LineReturn("late", isOffLanes: false), at: Sample.now, then: $0) }
            let next = try await store.afterKill()
            try expect(next.jobs.backlog().flatMap(\.buckets).map(\.ready.jobs) == [2], "\(next.jobs.backlog())")
        },
    ]
}
