/// A model by the name that clients ask for, with what each backend has under it.
package struct Model: Sendable {
    /// What one backend offers under the name.
    package struct Offer: Hashable, Sendable {
        /// The backend's own name for the model.
        package var name: String
        package var precision: Precision?
        /// The number of weights.
        package var parameters: Int?
        /// The longest prompt plus answer, in tokens.
        package var context: Int?

        package init(name: String) {
            self.name = name
        }
    }

    /// How finely the weights are stored, coarsest first.
    package enum Precision: String, Sendable, CaseIterable, Comparable {
        case int2, int3, int4, fp4, int8, fp8, bf16, fp16, fp32

        package static func < (a: Precision, b: Precision) -> Bool { a.bits < b.bits }

        package var bits: Int {
            switch self {
            case .int2: 2
            case .int3: 3
            case .int4, .fp4: 4
            case .int8, .fp8: 8
            case .bf16, .fp16: 16
            case .fp32: 32
            }
        }
    }

    package let index: Int
    package let name: String
    /// By the index of the backend; nil where it does not serve the model.
    package let offers: [Offer?]

    package init(index: Int, name: String, offers: [Offer?]) {
        self.index = index
        self.name = name
        self.offers = offers
    }
}

/// Replaces a model by another for work that may have it.
package struct Substitution: Sendable {
    package let index: Int
    package var name: String?
    package var models: [Int]
    package var with: Int
    package var why: String
    /// What the request must be; its `classes` must name a `now` class for that to count.
    package var classes: Set<Int>
    package var match: RouteMatch
    package var minPrecision: Model.Precision?
    package var minParameters: Int?
    /// The share of requests that also run on the original.
    package var verify: PriceFactor?

    package init(index: Int, models: [Int], with: Int, why: String, classes: Set<Int>) {
        self.index = index
        self.models = models
        self.with = with
        self.why = why
        self.classes = classes
        self.match = RouteMatch()
    }

    package var displayName: String { self.name ?? "substitute[\(self.index)]" }

    /// Whether the request with this id is among those that also run on the original: told by the id alone, so that it is the same whenever
    /// and wherever it is asked.
    package func verifies(_ requestID: String) -> Bool {
        guard let share = self.verify else { return false }
        // FNV-1a, its bits mixed once more, since ids of one moment differ in their last characters only.
        var hash = requestID.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
        hash = (hash ^ (hash >> 33)) &* 0xFF51_AFD7_ED55_8CCD
        return Int64((hash ^ (hash >> 33)) % 1_000_000) < share.millionths
    }
}
