package import SluiceCore

/// The members of a small JSON object, for routes whose bodies are read whole.
package struct ObjectFields: Sendable {
    package struct Value: Sendable {
        package let bytes: [UInt8]

        package var isNull: Bool { self.bytes == Array("null".utf8) }

        /// The string that it is; nil for every other kind.
        package var text: String? {
            self.bytes.withUnsafeBytes { bytes in
                var cursor = JSONCursor(bytes)
                return try? cursor.string()?.decoded
            }
        }

        package var bool: Bool? {
            self.bytes.withUnsafeBytes { bytes in
                var cursor = JSONCursor(bytes)
                return try? cursor.bool()
            }
        }

        /// The strings of the list that it is; nil where it is none.
        package var list: [String]? {
            self.bytes.withUnsafeBytes { bytes in
                var cursor = JSONCursor(bytes)
                var texts: [String?] = []
                guard (try? cursor.elements({ element throws(JSONFault) in texts.append(try element.string()?.decoded) })) != nil else { return nil }
                return texts.contains(nil) ? nil : texts.compactMap { $0 }
            }
        }

        /// The members of the object of strings that it is; nil where it is none.
        package var texts: [String: String]? {
            self.bytes.withUnsafeBytes { bytes in
                var cursor = JSONCursor(bytes)
                var texts: [String: String?] = [:]
                guard (try? cursor.members({ key, cursor throws(JSONFault) in texts[key.decoded] = .some(try cursor.string()?.decoded) })) != nil else {
                    return nil
                }
                return texts.values.contains(nil) ? nil : texts.compactMapValues { $0 }
            }
        }
    }

    private var values: [String: Value] = [:]

    package init() {}

    /// - Throws: Where the bytes are no JSON object, or a name stands in it twice.
    package init(_ bytes: UnsafeRawBufferPointer) throws(JSONFault) {
        var cursor = JSONCursor(bytes)
        var values: [String: Value] = [:]
        try cursor.members { key, cursor throws(JSONFault) in
            let name = key.decoded
            let range = try cursor.value()
            guard values[name] == nil else { throw cursor.fault("a name stands twice in an object") }
            values[name] = Value(bytes: Array(bytes[range]))
        }
        try cursor.end()
        self.values = values
    }

    package init(_ bytes: [UInt8]) throws(JSONFault) {
        let read = bytes.withUnsafeBytes { bytes -> Result<ObjectFields, JSONFault> in
            do throws(JSONFault) { return .success(try ObjectFields(bytes)) } catch { return .failure(error) }
        }
        self = try read.get()
    }

    package func value(_ name: String) -> Value? { self.values[name] }
}

extension ObjectFields {
    /// A string that must be there.
    ///
    /// - Parameter hint: What would do.
    package func text(_ name: String, or hint: String) throws(Refusal) -> String {
        guard let value = self.value(name), !value.isNull else { throw .invalid("`\(name)` is missing; give \(hint)", param: name) }
        guard let text = value.text, !text.isEmpty else { throw .invalid("`\(name)` must be a string: \(hint)", param: name) }
        return text
    }
}
