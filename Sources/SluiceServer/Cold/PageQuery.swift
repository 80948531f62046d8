import Hummingbird
import SluiceCore

extension Request {
    /// `limit`, `after`, `before` and `order` of a list.
    ///
    /// - Parameter names: Of the cursors: OpenAI's lists take `after` alone, Anthropic's `after_id` and `before_id`.
    func page(limits: ClosedRange<Int>, after: Substring = "after", before: Substring? = nil) throws(Refusal) -> PageRequest {
        let query = self.uri.queryParameters
        guard let limit = Int(query["limit"] ?? "20"), limits.contains(limit) else {
            throw .invalid("limit must be a whole number from \(limits.lowerBound) to \(limits.upperBound)", param: "limit")
        }
        var page = PageRequest(limit: limit)
        if let id = query[after], !id.isEmpty { page.cursor = .after(String(id)) }
        if let before, let id = query[before], !id.isEmpty { page.cursor = .before(String(id)) }
        switch query["order"] {
        case nil, "desc": break
        case "asc": page.order = .oldestFirst
        default: throw .invalid("order must be `asc` or `desc`", param: "order")
        }
        return page
    }
}

extension [UInt8] {
    /// OpenAI's list object.
    static func list(_ items: [[UInt8]], ids: [String], hasMore: Bool) -> [UInt8] {
        var json: [UInt8] = []
        json.append(text: "{\"object\":\"list\",\"data\":[")
        json.append(list: items)
        json.append(text: "],\"has_more\":\(hasMore),\"first_id\":")
        json.append(optional: ids.first)
        json.append(text: ",\"last_id\":")
        json.append(optional: ids.last)
        json.append(text: "}")
        return json
    }
}
