/// What an inference engine's own metrics say of its load (vLLM, llama.cpp; the text format of Prometheus).
package struct EngineLoad: Hashable, Sendable {
    /// More requests than these wait inside the engine: it is full.
    private static let mostWaiting = 2
    /// More of its memory for contexts than this is in use.
    private static let mostMemory = 0.95

    package var running = 0
    package var waiting = 0
    /// 0…1; nil where it is not told.
    package var memory: Double?

    package init(running: Int, waiting: Int, memory: Double? = nil) {
        self.running = running
        self.waiting = waiting
        self.memory = memory
    }

    /// nil where the text has no figure that is known. Engines with several models or replicas behind one address are summed.
    package init?(metrics text: some StringProtocol) {
        var (running, waiting): (Double?, Double?)
        var memory: Double?
        for line in text.split(whereSeparator: \.isNewline) where !line.hasPrefix("#") {
            let name = line.prefix { $0 != "{" && $0 != " " }
            guard let last = line.split(separator: " ").last, let value = Double(last), value.isFinite, value >= 0 else { continue }
            switch name {
            case "vllm:num_requests_running", "llamacpp:requests_processing": running = (running ?? 0) + value
            case "vllm:num_requests_waiting", "llamacpp:requests_deferred": waiting = (waiting ?? 0) + value
            case "vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc", "llamacpp:kv_cache_usage_ratio": memory = max(memory ?? 0, value)
            default: break
            }
        }
        guard let running, let waiting else { return nil }
        self.init(running: Int(min(running, 1e9)), waiting: Int(min(waiting, 1e9)), memory: memory)
    }

    package var isBusy: Bool { self.waiting >= EngineLoad.mostWaiting || (self.memory ?? 0) > EngineLoad.mostMemory }
}
