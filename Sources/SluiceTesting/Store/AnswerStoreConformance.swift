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
