import SluiceCore
import Testing

@Suite struct EngineLoadTests {
    @Test func readsWhatVLLMSays() {
        let text = """
            # HELP vllm:num_requests_running Number of requests in model execution batches.
            # TYPE vllm:num_requests_running gauge
            vllm:num_requests_running{engine="0",model_name="llama"} 12.0
            vllm:num_requests_running{engine="1",model_name="llama"} 3.0
            vllm:num_requests_waiting{engine="0",model_name="llama"} 1.0
            vllm:kv_cache_usage_perc{engine="0",model_name="llama"} 0.25
            """
        #expect(EngineLoad(metrics: text) == EngineLoad(running: 15, waiting: 1, memory: 0.25))
    }

    @Test func readsWhatLlamaSays() {
        let text = "# TYPE llamacpp:requests_processing gauge\r\nllamacpp:requests_processing 2\r\nllamacpp:requests_deferred 5\r\n"
        #expect(EngineLoad(metrics: text) == EngineLoad(running: 2, waiting: 5) && EngineLoad(metrics: text)?.isBusy == true)
    }

    @Test(arguments: ["", "<html>", "vllm:num_requests_running NaN\nvllm:num_requests_waiting 1", "vllm:num_requests_running 1", "up 1"])
    func isNotReadIntoWhatSaysNothing(text: String) {
        #expect(EngineLoad(metrics: text) == nil)
    }

    @Test func fullMemoryIsBusyToo() {
        #expect(EngineLoad(running: 1, waiting: 0, memory: 0.99).isBusy && !EngineLoad(running: 50, waiting: 1, memory: 0.9).isBusy)
    }
}
