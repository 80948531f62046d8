extension BatchResult {
    /// The line of OpenAI's output or error file, with its line feed.
    ///
    /// A body that calls itself JSON stands there as it is, without its line breaks; any other one as a string. Lines that were never answered
    /// have an error in place of a response.
    package var line: [UInt8] {
        var line: [UInt8] = []
        line.reserveCapacity((self.result?.body.count ?? 0) + self.customID.utf8.count + 200)
        line.append(text: "{\"id\":")
        line.append(jsonString: "batch_req_" + self.jobID.drop { $0 != "_" }.dropFirst())
        line.append(text: ",\"custom_id\":")
        line.append(jsonString: self.customID)
        if let refusal = self.result?.refusal, refusal.code == .maxCostExceeded {
            // No backend was asked, so it has an error and no response.
            line.append(error: refusal.code.rawValue, refusal.message)
        } else if let result {
            line.append(text: ",\"response\":{\"status_code\":")
            line.append(number: Int64(result.status))
            line.append(text: ",\"request_id\":")
            line.append(jsonString: self.requestID)
            line.append(text: ",\"body\":")
            line.append(body: result)
            line.append(text: "},\"error\":null}\n")
        } else {
            let error = self.error
            line.append(error: error.code, error.message)
        }
        return line
    }

    /// Why there is no response.
    private var error: (code: String, message: String) {
        switch self.state {
        case .expired: ("batch_expired", "This request could not be executed before the completion window expired.")
        case .cancelled: ("batch_cancelled", "This request was cancelled before it was executed.")
        case .held, .ready, .leased, .bundled, .done, .failed: ("batch_failed", self.lastError ?? "This request could not be executed.")
        }
    }
}

extension [UInt8] {
    /// What stands in place of a response, to the end of the line.
    fileprivate mutating func append(error code: String, _ message: String) {
        self.append(text: ",\"response\":null,\"error\":{\"code\":")
        self.append(jsonString: code)
        self.append(text: ",\"message\":")
        self.append(jsonString: message)
        self.append(text: "}}\n")
    }

    fileprivate mutating func append(body result: JobResult) {
        if result.contentType.lowercased().contains("json"), !result.body.isEmpty {
            for byte in result.body { self.append(byte == 0x0A || byte == 0x0D ? 0x20 : byte) }
        } else {
            self.append(jsonString: String(decoding: result.body, as: UTF8.self))
        }
    }
}
