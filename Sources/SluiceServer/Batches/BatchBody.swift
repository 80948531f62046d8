import SluiceCore

/// The batch object of OpenAI's Batch API: every key is always there.
enum BatchBody {
    static func json(_ batch: Batch, currency: String) -> [UInt8] {
        var json = JSONFields(capacity: 1024)
        func seconds(_ instant: Timestamp?) -> Int? { instant.map { Int($0.seconds) } }
        func ended(_ status: BatchStatus) -> Int? { batch.status == status ? seconds(batch.times.ended) : nil }
        json.add("id", batch.id)
        json.add("object", "batch")
        json.add("endpoint", batch.endpoint.path)
        json.add("errors", object: self.errors(batch))
        json.add("input_file_id", batch.inputFile)
        json.add("completion_window", batch.window)
        json.add("status", batch.status.name)
        json.add("output_file_id", batch.shownOutputFile)
        json.add("error_file_id", batch.shownErrorFile)
        json.add("created_at", seconds(batch.created))
        json.add("in_progress_at", seconds(batch.times.inProgress))
        json.add("expires_at", seconds(batch.deadline))
        json.add("finalizing_at", ended(.completed))
        json.add("completed_at", ended(.completed))
        json.add("failed_at", ended(.failed))
        json.add("expired_at", ended(.expired))
        json.add("cancelling_at", seconds(batch.times.cancelling))
        json.add("cancelled_at", ended(.cancelled))
        json.add("request_counts", object: self.counts(batch.lines))
        json.add("usage", object: batch.status.isTerminal && batch.status != .failed ? self.usage(batch.usage) : nil)
        json.add("metadata", json: batch.metadata)
        json.add("sluice", object: self.sluice(batch, currency: currency))
        return json.object
    }

    private static func errors(_ batch: Batch) -> JSONFields? {
        guard !batch.faults.isEmpty else { return nil }
        var json = JSONFields(capacity: 256)
        json.add("object", "list")
        json.add(
            "data",
            objects: batch.faults.map { fault in
                var json = JSONFields(capacity: 128)
                json.add("code", fault.code.rawValue)
                json.add("message", fault.message)
                json.add("param", fault.param)
                json.add("line", fault.line)
                return json
            })
        return json
    }

    private static func counts(_ lines: Batch.Lines) -> JSONFields {
        var json = JSONFields(capacity: 64)
        json.add("total", lines.total)
        json.add("completed", lines.done)
        json.add("failed", lines.failed + lines.expired + lines.cancelled)
        return json
    }

    private static func usage(_ usage: TokenUsage) -> JSONFields {
        func detail(_ name: StaticString, _ count: Int) -> JSONFields {
            var json = JSONFields(capacity: 32)
            json.add(name, count)
            return json
        }
        let (input, output) = (usage.prompt, usage.generated)
        var json = JSONFields(capacity: 192)
        json.add("input_tokens", input)
        json.add("input_tokens_details", object: detail("cached_tokens", usage.cachedInput))
        json.add("output_tokens", output)
        json.add("output_tokens_details", object: detail("reasoning_tokens", usage.reasoning))
        json.add("total_tokens", input + output)
        return json
    }

    private static func sluice(_ batch: Batch, currency: String) -> JSONFields {
        var json = JSONFields(capacity: 192)
        json.add("paused", batch.isPaused)
        json.add("max_cost", batch.maxCost)
        json.add("spent", batch.spent)
        json.add("currency", currency)
        json.add("quote", object: batch.quote.map { self.quote($0, currency: currency) })
        return json
    }

    static func quote(_ quote: Batch.Quote, currency: String) -> JSONFields {
        var json = JSONFields(capacity: 128)
        json.add("cost", quote.cost)
        json.add("currency", currency)
        json.add("finish", quote.finish)
        json.add("risk", millionths: Int128(quote.risk * 1_000_000))
        return json
    }
}

extension Batch {
    /// The file's id once it has a line, and until it is deleted.
    var shownOutputFile: String? { self.lines.done > 0 && !self.isOutputDeleted ? self.outputFile : nil }
    var shownErrorFile: String? {
        self.lines.failed + self.lines.expired + self.lines.cancelled > 0 && !self.isErrorDeleted ? self.errorFile : nil
    }
}
