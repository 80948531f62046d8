import SluiceCore

/// What every ``AnswerStore`` must do, and the other stores with it.
package enum AnswerStoreConformance {
    package static let cases = [
        StoreCase("an answer comes back as it was kept; the first one stays") { store in
            let answer = Sample.answer()
            try await stored { store.answers.keep(answer, then: $0) }
            try await stored { store.answers.keep(Sample.answer(status: 500), then: $0) }
            let found = try store.answers.answer(to: answer.key)
            try expect(found.map { String(describing: $0) } == String(describing: answer), "\(String(describing: found))")
            try expect(try store.answers.answer(to: KeptAnswer.Key(scope: "another", key: "k-1")) == nil, "another key's answer")
        },
        StoreCase("the answer of a job takes the place of its promise, and goes when the job is erased; a promise stays") { store in
            var promise = Sample.answer(status: 202)
            promise.subject = "job_1"
            let job = Sample.job("job_1")
            try await stored { store.jobs.enqueue(job, call: Sample.call(), answer: promise, then: $0) }
            try await stored { store.answers.keep(Sample.answer(status: 500), then: $0) }
            try expect(try store.answers.answer(to: promise.key)?.status == 202, "the answer of another took its place")
            var own = Sample.answer(status: 200)
            own.subject = "job_1"
            let kept = own
            try await stored { store.answers.keep(kept, then: $0) }
            try expect(try store.answers.answer(to: promise.key)?.status == 200, "the promise is still told")
            let lease = try require(try await store.lease(job.lane).first?.lease, "no lease")
            _ = try await store.complete(job, under: lease)
            try expect(try await stored { store.jobs.erase("job_1", tenant: nil, at: Sample.now, then: $0) }, "not erased")
            try expect(try store.answers.answer(to: promise.key) == nil, "an erased answer is still told")
            var other = Sample.answer("k-2", status: 202)
            other.subject = "job_2"
            try await store.enqueue(Sample.job("job_2"), answer: other)
            _ = try await stored { store.jobs.cancel("job_2", tenant: nil, at: Sample.now, then: $0) }
            _ = try await stored { store.jobs.erase("job_2", tenant: nil, at: Sample.now, then: $0) }
            try expect(try store.answers.answer(to: other.key)?.status == 202, "its key would make a second job")
        },
        StoreCase("what is kept of a file or a batch goes when that is deleted, and of an answer when its time is over") { store in
            func keep(_ key: String, about subject: String?) async throws {
                var answer = Sample.answer(key)
                answer.subject = subject
                let kept = answer
                try await stored { store.answers.keep(kept, then: $0) }
            }
            func isKept(_ key: String) throws -> Bool { try store.answers.answer(to: Sample.answer(key).key) != nil }
            let batch = Sample.batch()
            try await store.file("file-1", of: 1)
            try await store.create(batch)
            for (key, subject) in [("f", "file-1"), ("b", batch.id), ("other", "file-other"), ("none", nil)] { try await keep(key, about: subject) }
            _ = try await stored { store.files.deleteFile("file-1", tenant: nil, at: Sample.now, then: $0) }
            try expect(try !isKept("f") && isKept("b"), "of a file")
            _ = try await stored { store.batches.cancelBatch(batch.id, tenant: nil, at: Sample.now, then: $0) }
            try expect(try await stored { store.batches.eraseBatch(batch.id, tenant: nil, at: Sample.now, then: $0) }, "not erased")
            try expect(try !isKept("b") && isKept("other") && isKept("none"), "of a batch")
            let job = Sample.job("job_1")
            try await store.enqueue(job)
            let lease = try require(try await store.lease(job.lane).first?.lease, "no lease")
            _ = try await store.complete(job, under: lease)
            try await keep("j", about: job.id)
            let limits = SweepLimits(results: Sample.now + .seconds(86_400), prompts: nil)
            _ = try await stored { store.jobs.sweep(limits, own: [:], at: Sample.now, then: $0) }
            try expect(try !isKept("j") && isKept("other"), "of an answer")
        },
        StoreCase("a job and its answer are stored together or not at all") { store in
            try await store.enqueue(Sample.job("job_1"), answer: Sample.answer())
            let next = try await store.afterKill()
            try expect(try next.answers.answer(to: Sample.answer().key) != nil && next.jobs.job("job_1", tenant: nil) != nil, "one is missing")
            let isDoubled = await (try? store.enqueue(Sample.job("job_2"), answer: Sample.answer())) != nil
            try expect(try !isDoubled && store.jobs.job("job_2", tenant: nil) == nil, "one key made two jobs")
            let isTwice = await (try? store.enqueue(Sample.job("job_1"), answer: Sample.answer("k-2"))) != nil
            try expect(try !isTwice && store.answers.answer(to: Sample.answer("k-2").key) == nil, "an answer without its job")
            try expect(store.jobs.backlog().first?.buckets.first?.ready.jobs == 1, "a job that was refused counts")
        },
        StoreCase("a batch and its answer are stored together or not at all") { store in
            try await store.create(Sample.batch(), answer: Sample.answer())
            let isDoubled = await (try? store.create(Sample.batch("batch_2"), answer: Sample.answer())) != nil
            try expect(try !isDoubled && store.batches.batch("batch_2", tenant: nil) == nil, "one key made two batches")
        },
        StoreCase("answers are forgotten by their age") { store in
            try await stored { store.answers.keep(Sample.answer("old"), then: $0) }
            try await stored { store.answers.keep(Sample.answer("new", at: Sample.now + .seconds(10)), then: $0) }
            try expect(try await stored { store.answers.forgetAnswers(before: Sample.now + .seconds(10), then: $0) } == 1, "not one")
            try expect(
                try store.answers.answer(to: Sample.answer("old").key) == nil && store.answers.answer(to: Sample.answer("new").key) != nil, "the wrong one")
        },
    ]
}
