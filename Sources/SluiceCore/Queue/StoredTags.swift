/// Tags as they are kept on disk: a JSON object of texts.
package enum StoredTags {
    package static func text(of tags: [String: String]) -> [UInt8] {
        var json = JSONFields(capacity: 64)
        json.add("tags", tags)
        return json.object
    }

    package static func read(_ text: String) throws(LedgerLineError) -> [String: String] {
        try Array(text.utf8).readingObject { members throws(LedgerLineError) in
            var tags: [String: String] = [:]
            while let (_, value) = try members.next() { tags = try members.texts(value) }
            return tags
        }
    }
}
