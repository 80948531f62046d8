/// A set of lines that were handed in together: an OpenAI batch or an Anthropic message batch. Its lines are ``Job``s.
package struct Batch: Sendable {
    package enum Wire: Int, Sendable {
        case openAI = 0
        case messages = 1
    }

    package enum OnDeadline: Int, Sendable {
        /// Promoted where the class has a `promote`, else expired.
        case asTheClassSays = 0
        case promote = 1
        case expire = 2

        package init?(_ word: String) {
            switch word {
            case "promote": self = .promote
            case "expire": self = .expire
            default: return nil
            }
        }
    }

    /// What outside sees: `batch_…` or `msgbatch_…`.
    package var id: String
    package var wire: Wire
    package var status = BatchStatus.validating
    /// Nothing new is dispatched; the status stays.
    package var isPaused = false
    package var tenant: String
    package var key: String?
    package var endpoint: Endpoint
    /// The file that the lines stand in. A message batch has one of its own that nobody sees.
    package var inputFile: String
    package var outputFile: String
    package var errorFile: String
    /// As the client wrote it.
    package var window: String
    package var created: Timestamp
    package var deadline: Timestamp
    package var onDeadline = OnDeadline.asTheClassSays
    package var maxCost: Money?
    /// What its attempts cost, by the upper end where a cost is not certain.
    package var spent = Money.zero
    /// A JSON object as the client sent it, or nil.
    package var metadata: [UInt8]?
    package var tags: [String: String] = [:]
    package var faults: [BatchFault] = []
    package var lines = Lines()
    package var usage = TokenUsage()
    package var quote: Quote?
    package var times = Times()
    /// Bytes of the output and the error file as they stand.
    package var outputBytes = 0
    package var errorBytes = 0
    /// Whether the files were deleted; their ids are null then.
    package var isOutputDeleted = false
    package var isErrorDeleted = false
    /// How long the files stay once the batch has ended; nil is as long as the policy says.
    package var outputLife: Duration?

    package init(
        id: String, wire: Wire, tenant: String, key: String?, endpoint: Endpoint, inputFile: String, outputFile: String, errorFile: String, window: String,
        created: Timestamp, deadline: Timestamp
    ) {
        self.id = id
        self.wire = wire
        self.tenant = tenant
        self.key = key
        self.endpoint = endpoint
        self.inputFile = inputFile
        self.outputFile = outputFile
        self.errorFile = errorFile
        self.window = window
        self.created = created
        self.deadline = deadline
    }

    /// When its files go; nil while it runs, and where nothing was asked for.
    package var outputsExpire: Timestamp? {
        guard let life = self.outputLife, let ended = self.times.ended else { return nil }
        return ended + life
    }

    /// Lines by how they ended. Each is counted once: `total = open + done + failed + expired + cancelled`.
    package struct Lines: Hashable, Sendable {
        package var total = 0
        package var done = 0
        package var failed = 0
        package var expired = 0
        package var cancelled = 0

        package init() {}

        package var open: Int { self.total - self.done - self.failed - self.expired - self.cancelled }
    }

    package struct Times: Hashable, Sendable {
        package var inProgress: Timestamp?
        package var cancelling: Timestamp?
        /// When it reached the terminal status that it has.
        package var ended: Timestamp?

        package init() {}
    }

    /// What was expected at creation.
    package struct Quote: Hashable, Sendable {
        package var cost: Money?
        package var finish: Timestamp
        /// The chance that a line misses the deadline, 0…1.
        package var risk: Double

        package init(cost: Money?, finish: Timestamp, risk: Double) {
            self.cost = cost
            self.finish = finish
            self.risk = risk
        }
    }
}

/// Why a batch was refused: one of OpenAI's validation codes with its place.
package struct BatchFault: Error, Hashable, Sendable {
    package enum Code: String, Sendable {
        case invalidJSONLine = "invalid_json_line"
        case missingRequiredParameter = "missing_required_parameter"
        case duplicateCustomID = "duplicate_custom_id"
        case urlMismatch = "url_mismatch"
        case invalidURL = "invalid_url"
        case invalidMethod = "invalid_method"
        case invalidBody = "invalid_body"
        case emptyFile = "empty_file"
        case tooManyTasks = "too_many_tasks"
    }

    package var code: Code
    package var message: String
    package var param: String?
    /// From 1.
    package var line: Int?

    package init(_ code: Code, _ message: String, param: String? = nil, line: Int? = nil) {
        self.code = code
        self.message = message
        self.param = param
        self.line = line
    }

    /// Faults beyond these are counted, not kept.
    package static let mostKept = 100
}
