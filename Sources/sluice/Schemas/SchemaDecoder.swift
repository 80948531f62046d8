import SluicePolicy

/// Decodes a value from nothing and writes down what it asked for: its schema.
///
/// Every text it hands out is empty and every number 0, so a type that refuses those has no schema; outputs do not.
final class SchemaDecoder: Decoder {
    let codingPath: [any CodingKey] = []
    let userInfo: [CodingUserInfoKey: Any] = [:]
    fileprivate var schema: JSONValue = true
    fileprivate var isNullable = false

    static func schema(of type: (some Decodable).Type) -> JSONValue {
        let decoder = SchemaDecoder()
        do {
            _ = try decoder.decode(type)
        } catch {
            preconditionFailure("\(type) cannot be decoded from empty values: \(error)")
        }
        return decoder.result
    }

    fileprivate var result: JSONValue { self.isNullable ? ["anyOf": [self.schema, ["type": "null"]]] : self.schema }

    fileprivate func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        switch type {
        case is String.Type: self.schema = ["type": "string"]
        case is Bool.Type: self.schema = ["type": "boolean"]
        case is Int.Type, is Int64.Type, is UInt64.Type: self.schema = ["type": "integer"]
        case is Double.Type: self.schema = ["type": "number"]
        default: break
        }
        return try Value(from: self)
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        KeyedDecodingContainer(Members<Key>(decoder: self))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer { Items(decoder: self) }

    func singleValueContainer() throws -> any SingleValueDecodingContainer { Single(decoder: self) }
}

/// The members of an object; a dictionary is asked for the one key `*`.
private struct Members<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let decoder: SchemaDecoder
    let codingPath: [any CodingKey] = []

    init(decoder: SchemaDecoder) {
        self.decoder = decoder
        // A type may add members to those of another that it decodes from the same place.
        if case .object = decoder.schema { return }
        decoder.schema = ["type": "object", "properties": [:], "required": []]
    }

    var allKeys: [Key] { Key(stringValue: "*").map { [$0] } ?? [] }

    func contains(_ key: Key) -> Bool { true }

    func decodeNil(forKey key: Key) throws -> Bool { false }

    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value { try self.member(type, key, isRequired: true) }

    func decodeIfPresent<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value? {
        try self.member(type, key, isRequired: false)
    }

    // Types of the standard library are asked for by functions of their own.
    func decodeIfPresent(_ type: String.Type, forKey key: Key) throws -> String? { try self.member(type, key, isRequired: false) }
    func decodeIfPresent(_ type: Int.Type, forKey key: Key) throws -> Int? { try self.member(type, key, isRequired: false) }
    func decodeIfPresent(_ type: Double.Type, forKey key: Key) throws -> Double? { try self.member(type, key, isRequired: false) }
    func decodeIfPresent(_ type: Bool.Type, forKey key: Key) throws -> Bool? { try self.member(type, key, isRequired: false) }

    private func member<Value: Decodable>(_ type: Value.Type, _ key: Key, isRequired: Bool) throws -> Value {
        let inner = SchemaDecoder()
        let value = try inner.decode(type)
        guard case .object(var members) = self.decoder.schema else { return value }
        if key.stringValue == "*" {
            self.decoder.schema = ["type": "object", "additionalProperties": inner.result]
            return value
        }
        if case .object(var properties)? = members["properties"] {
            properties[key.stringValue] = inner.result
            members["properties"] = .object(properties)
        }
        if isRequired, case .array(let required)? = members["required"] {
            members["required"] = .array(required + [.string(key.stringValue)])
        }
        self.decoder.schema = .object(members)
        return value
    }

    func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type, forKey key: Key) throws -> KeyedDecodingContainer<Nested> {
        try SchemaDecoder().container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer { try SchemaDecoder().unkeyedContainer() }

    func superDecoder() throws -> any Decoder { self.decoder }

    func superDecoder(forKey key: Key) throws -> any Decoder { self.decoder }
}

/// The items of an array: one is asked for.
private struct Items: UnkeyedDecodingContainer {
    let decoder: SchemaDecoder
    let codingPath: [any CodingKey] = []
    let count: Int? = 1
    var currentIndex = 0
    var isAtEnd: Bool { self.currentIndex > 0 }

    init(decoder: SchemaDecoder) {
        self.decoder = decoder
    }

    mutating func decodeNil() throws -> Bool { false }

    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        self.currentIndex += 1
        let inner = SchemaDecoder()
        let value = try inner.decode(type)
        self.decoder.schema = ["type": "array", "items": inner.result]
        return value
    }

    mutating func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) throws -> KeyedDecodingContainer<Nested> {
        try SchemaDecoder().container(keyedBy: type)
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer { try SchemaDecoder().unkeyedContainer() }

    mutating func superDecoder() throws -> any Decoder { self.decoder }
}

/// A value alone; asking whether it is null says that it may be.
private struct Single: SingleValueDecodingContainer {
    let decoder: SchemaDecoder
    let codingPath: [any CodingKey] = []

    func decodeNil() -> Bool {
        self.decoder.isNullable = true
        return false
    }

    func decode(_ type: Bool.Type) throws -> Bool { false }
    func decode(_ type: String.Type) throws -> String { "" }
    func decode(_ type: Double.Type) throws -> Double { 0 }
    func decode(_ type: Int.Type) throws -> Int { 0 }
    func decode(_ type: Int64.Type) throws -> Int64 { 0 }
    func decode(_ type: UInt64.Type) throws -> UInt64 { 0 }
    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try self.decoder.decode(type) }
}
