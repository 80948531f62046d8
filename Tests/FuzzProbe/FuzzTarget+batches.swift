import NIOCore
import SluiceDispatch
import SluiceTesting
import SluiceTransfer

extension FuzzTarget {
    private static let batchSeeds = [
        #"{"id":"batch_1","status":"completed","created_at":1700000000,"output_file_id":"f","metadata":{"sluice":"t"},"request_counts":{"total":3}}"#,
        #"{"id":"batch_1","status":"failed","errors":{"object":"list","data":[{"code":"c","message":"m"}]}}"#,
        #"{"id":"m_1","processing_status":"ended","request_counts":{"processing":0,"succeeded":2},"created_at":"2026-11-25T21:15:00.123456+00:00"}"#,
        #"{"custom_id":"sa1","response":{"status_code":200,"body":{"a":1}},"error":null}"#,
        #"{"custom_id":"sa1","response":null,"error":{"code":"batch_expired","message":"late"}}"#,
        #"{"custom_id":"sa1","result":{"type":"succeeded","message":{"id":"msg_1"}}}"#,
        #"{"custom_id":"sa1","result":{"type":"errored","error":{"type":"error","error":{"type":"api_error","message":"no"}}}}"#,
        #"{"data":[{"id":"file-1","filename":"sluice-t.jsonl","created_at":1}],"has_more":true,"last_id":"file-1"}"#,
    ]

    /// Whatever a provider says of a batch, it is read or it is nothing; what an answer is cut to is a part of the line.
    static let batchAnswers = FuzzTarget(
        name: "batches",
        mutator: { _ in
            Mutator(seeds: batchSeeds.map { Array($0.utf8) }, words: ["9999999999999999999", "9223372036854775807", "-1", "\"custom_id\":\"sa1\""] + jsonWords)
        },
        check: { input, _ in
            let body = ByteBuffer(bytes: input)
            for dialect in [OpenAIBatches(), AnthropicBatches()] as [any BatchDialect] {
                _ = dialect.readFile(body)
                _ = dialect.readFiles(body)
                _ = dialect.readBatches(body)
                if let batch = dialect.readBatch(body), batch.id.isEmpty, batch.status.isEmpty { throw Broken("a batch without anything") }
                guard let line = dialect.readLine(body), case .answered(_, let answer) = line.kind else { continue }
                guard answer.readableBytes <= input.count else { throw Broken("an answer of \(answer.readableBytes) of \(input.count) bytes") }
            }
        })
}
