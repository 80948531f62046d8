import SluiceCore

/// The shapes of what the books print. They are written byte by byte, for speed and because the chain depends on it; a test holds what is printed
/// against these.
enum MoneyOutputs {
    /// Sums of a report: the rows have the names that it groups by as well.
    struct Sums: Codable {
        var requests: Int
        var attempts: Int
        var usage: [String: Int]
        var cost: String
        var cost_low: String
        var cost_high: String
        var baseline: String
        var waste: String
        var verification: String
        var idle: String
        var marginal_cost: String
        @OrNull var utilisation: Double?
        var saved: String
        @OrNull var saved_ratio: Double?
        var unpriced: Int
        var unbaselined: Int
        var unreconciled: Int
        var evidence: [String: Int]
        @OrNull var coverage: Double?
    }

    struct Report: Codable {
        struct Step: Codable {
            var lever: String
            var amount: String
        }

        struct Gap: Codable {
            var before: String
        }

        var schema: String
        var currency: String
        @OrNull var since: String?
        @OrNull var until: String?
        var by: [String]
        var rows: [Sums]
        var total: Sums
        var waterfall: [Step]
        /// What else must be known of the figures.
        var assumptions: [String]
        /// Where the power went, so that live calls of the moment before may be missing.
        var gaps: [Gap]
        var other_currencies: [String]?
    }

    struct Ledger: Codable {
        /// Those that changed nothing are left out.
        struct Levers: Codable {
            var model: String?
            var backend: String?
            var lane: String?
            var window: String?
            var cache: String?
        }

        struct Capacity: Codable {
            var gpus: Int
            var span_ms: Int
            var busy_ms: Int
            var cost: String
        }

        struct Before: Codable {
            var kind: String
            var at: String
            var evidence: String
            @OrNull var usage: [String: Int]?
            @OrNull var unit_prices: [String: String]?
            @OrNull var cost: String?
        }

        var schema: String
        var seq: Int
        var kind: String
        var at: String
        @OrNull var request_id: String?
        @OrNull var attempt: Int?
        @OrNull var job_id: String?
        @OrNull var batch_id: String?
        @OrNull var custom_id: String?
        @OrNull var tenant: String?
        @OrNull var key: String?
        @OrNull var `class`: String?
        @OrNull var route: String?
        @OrNull var pool: String?
        @OrNull var backend: String?
        @OrNull var model: String?
        @OrNull var backend_model: String?
        @OrNull var model_served: String?
        @OrNull var serve: String?
        @OrNull var tier_requested: String?
        @OrNull var tier_served: String?
        @OrNull var policy: String?
        @OrNull var rate_card: String?
        @OrNull var estimate: String?
        var tags: [String: String]
        @OrNull var client_request_id: String?
        @OrNull var unit_prices: [String: String]?
        @OrNull var usage: [String: Int]?
        @OrNull var cost: String?
        @OrNull var cost_low: String?
        @OrNull var cost_high: String?
        @OrNull var baseline: String?
        @OrNull var currency: String?
        @OrNull var outcome: String?
        @OrNull var status: Int?
        var flags: [String]
        @OrNull var provider_cost: String?
        @OrNull var evidence: String?
        @OrNull var queued_ms: Int?
        @OrNull var first_token_ms: Int?
        @OrNull var total_ms: Int?
        @OrNull var upstream_id: String?
        @OrNull var levers: Levers?
        @OrNull var corrects: Int?
        /// Of hardware of one's own.
        var marginal_cost: String?
        var capacity: Capacity?
        /// Of a correction: what the entry came to before it.
        var before: Before?
        var prev_hash: String
        var hash: String
    }

    struct Verify: Codable {
        struct Bad: Codable {
            var seq: Int
            var why: String
        }

        struct Head: Codable {
            var seq: Int
            var hash: String
        }

        struct Segment: Codable {
            var first: Int
            var prev_hash: String
            /// `export` where the file begins there, `retention` where what was before has been deleted.
            var reason: String
        }

        var schema: String
        var ok: Bool
        var entries: Int
        @OrNull var first_bad: Bad?
        @OrNull var head: Head?
        var checkpoints: Int
        @OrNull var segment: Segment?
    }

    struct Checkpoint: Codable {
        /// Without what is 0.
        struct Totals: Codable {
            var requests: Int?
            var attempts: Int?
            var usage: [String: Int]?
            var evidence: [String: Int]?
            var unbaselined: Int?
            var unreconciled: Int?
            var cost: String?
            var cost_baselined: String?
            var cost_low: String?
            var cost_high: String?
            var baseline: String?
            var waste: String?
            var verification: String?
            var waste_baseline: String?
            var idle: String?
            var own: Int?
            var paid_ms: Int?
            var busy_ms: Int?
            var marginal: String?
            var lever_model: String?
            var lever_backend: String?
            var lever_lane: String?
            var lever_window: String?
            var lever_cache: String?
        }

        var seq: Int
        var hash: String
        var at: String
        var entries: Int
        var totals: Totals
    }

    struct Checkpoints: Codable {
        var schema: String
        var data: [Checkpoint]
        var has_more: Bool
        @OrNull var last_id: String?
    }
}
