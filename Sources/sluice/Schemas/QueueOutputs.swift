import SluiceCore

/// The shapes of what is printed of the queue. They are written byte by byte; a test holds what is printed
/// against these.
enum QueueOutputs {
    /// A provider's batch that a job is in.
    struct Bundle: Codable {
        var name: String
        var backend: String
        @OrNull var provider_batch: String?
    }

    struct JobRow: Codable {
        var job_id: String
        @OrNull var batch_id: String?
        var status: String
        var `class`: String
        var tenant: String
        var model: String
        var enqueued: String
        var not_before: String
        @OrNull var deadline: String?
        @OrNull var promote_at: String?
        var rung: Int
        var attempts: Int
        @OrNull var estimated_cost: String?
        @OrNull var bundle: Bundle?
    }

    struct Queue: Codable {
        var schema: String
        var data: [JobRow]
        var has_more: Bool
        @OrNull var last_id: String?
    }

    /// What `queue show` adds to what `cancel` and `retry` print may be absent.
    struct Job: Codable {
        struct Event: Codable {
            var at: String
            var event: String
            @OrNull var attempt: Int?
            @OrNull var backend: String?
            @OrNull var outcome: String?
            @OrNull var status: Int?
            @OrNull var cost: String?
            @OrNull var cost_low: String?
            @OrNull var cost_high: String?
        }

        var schema: String
        var job_id: String
        var request_id: String?
        @OrNull var batch_id: String?
        var status: String
        var `class`: String
        var tenant: String
        var model: String
        var enqueued: String
        var not_before: String
        @OrNull var deadline: String?
        @OrNull var promote_at: String?
        var rung: Int
        var attempts: Int
        @OrNull var estimated_cost: String?
        @OrNull var bundle: Bundle?
        var finished: OrNull<String>?
        var result_status: OrNull<Int>?
        var last_error: OrNull<String>?
        var history: [Event]?
        var deliveries: [Delivery]?
    }

    struct Verifications: Codable {
        struct Substitute: Codable {
            var model: String
            var backend: String
            var status: Int
        }

        struct Original: Codable {
            var model: String
            @OrNull var status: Int?
        }

        struct Row: Codable {
            var request_id: String
            var job_id: String
            var status: String
            var `class`: String
            var route: String
            var tenant: String
            var rule: String
            var asked: String
            var substitute: Substitute
            var original: Original
        }

        var schema: String
        var data: [Row]
        var has_more: Bool
        @OrNull var last_id: String?
    }

    struct Verification: Codable {
        /// The answer as it came, a stream's events included.
        struct Side: Codable {
            var model: String
            @OrNull var backend: String?
            @OrNull var status: Int?
            @OrNull var content_type: String?
            @OrNull var body: String?
            @OrNull var cost: String?
        }

        var schema: String
        var request_id: String
        var job_id: String
        var status: String
        var `class`: String
        var route: String
        var tenant: String
        var rule: String
        var asked: String
        var substitute: Side
        var original: Side
    }

    struct Delivery: Codable {
        var event_id: String
        var type: String
        var subject: String
        var endpoint: String
        var url: String
        var status: String
        var attempts: Int
        @OrNull var due: String?
        @OrNull var last_error: String?
    }

    struct Deliveries: Codable {
        var schema: String
        var data: [Delivery]
        var has_more: Bool
        @OrNull var last_id: String?
    }

    struct BatchRow: Codable {
        var batch_id: String
        var status: String
        var paused: Bool
        var tenant: String
        var endpoint: String
        var window: String
        var created: String
        var deadline: String
        @OrNull var ended: String?
        var total: Int
        var open: Int
        var done: Int
        var failed: Int
        var expired: Int
        var cancelled: Int
        @OrNull var max_cost: String?
        @OrNull var spent: String?
        @OrNull var quoted_cost: String?
        @OrNull var quoted_finish: String?
    }

    struct Batches: Codable {
        var schema: String
        var data: [BatchRow]
        var has_more: Bool
        @OrNull var last_id: String?
    }

    /// A row, and what its end was told to whom.
    struct Batch: Decodable {
        private enum CodingKeys: CodingKey {
            case schema, deliveries
        }

        var schema: String
        var row: BatchRow
        var deliveries: [Delivery]

        init(from decoder: any Decoder) throws {
            self.row = try BatchRow(from: decoder)
            let members = try decoder.container(keyedBy: CodingKeys.self)
            self.schema = try members.decode(String.self, forKey: .schema)
            self.deliveries = try members.decode([Delivery].self, forKey: .deliveries)
        }
    }
}
