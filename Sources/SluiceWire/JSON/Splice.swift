package import NIOCore
import SluiceCore

/// A replacement of some bytes of a body by others: the only way in which a body is ever changed.
package struct Splice: Sendable {
    package let range: Range<Int>
    package let text: [UInt8]

    package init(_ range: Range<Int>, _ text: [UInt8]) {
        self.range = range
        self.text = text
    }

    package init(_ range: Range<Int>, _ text: String) {
        self.init(range, Array(text.utf8))
    }
}

extension ByteBuffer {
    /// Appends `source` with the splices applied; they are sorted and do not overlap.
    package mutating func write(_ source: UnsafeRawBufferPointer, with splices: [Splice]) {
        var position = 0
        for splice in splices {
            self.writeBytes(UnsafeRawBufferPointer(rebasing: source[position..<splice.range.lowerBound]))
            self.writeBytes(splice.text)
            position = splice.range.upperBound
        }
        self.writeBytes(UnsafeRawBufferPointer(rebasing: source[position...]))
    }
}

extension [Splice] {
    /// How much longer the body becomes.
    package var growth: Int { self.reduce(0) { $0 + $1.text.count - $1.range.count } }
}

extension RequestFields {
    /// The edits that make a client's body one for a backend.
    ///
    /// - Parameters:
    ///   - model: The backend's own name for the model.
    ///   - asksUsage: Ask for the usage chunk of a stream.
    ///   - keep: The control fields that the backend knows; all others go.
    package func splices(model: String, asksUsage: Bool, keep: @autoclosure () -> Set<Control>) -> [Splice] {
        var splices: [Splice] = []
        if model != self.model {
            var text: [UInt8] = []
            text.append(jsonString: model)
            splices.append(Splice(self.modelRange, text))
        }
        if asksUsage, self.isStream, let splice = self.usageSplice { splices.append(splice) }
        if !self.controls.isEmpty {
            let kept = keep()
            let stripped = self.controls.filter { !kept.contains($0.control) }.map(\.member)
            if !stripped.isEmpty { splices += self.removals(of: Set(stripped)) }
        }
        if splices.count > 1 { splices.sort { ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound) } }
        return splices
    }

    /// A body that runs in the foreground and answers whole, whatever its client asked for: Sluice itself is the background.
    package func foreground(of bytes: UnsafeRawBufferPointer) -> [UInt8] {
        let names: [StaticString] = ["\"background\"", "\"background_options\"", "\"stream\"", "\"stream_options\""]
        let stripped = self.members.indices.filter { index in
            let name = UnsafeRawBufferPointer(rebasing: bytes[self.members[index].name])
            return names.contains { $0.utf8CodeUnitCount == name.count && name.starts(with: UnsafeRawBufferPointer(start: $0.utf8Start, count: name.count)) }
        }
        var body = ByteBuffer()
        body.write(bytes, with: self.removals(of: Set(stripped)))
        return Array(buffer: body)
    }

    private var usageSplice: Splice? {
        switch self.streamOptions {
        case .absent:
            // Before the first member, so that it never meets a removal at the end.
            guard let first = self.members.first else { return nil }
            return Splice(first.name.lowerBound..<first.name.lowerBound, "\"stream_options\":{\"include_usage\":true},")
        case .null(let range):
            return Splice(range, "{\"include_usage\":true}")
        case .object(let start, let isEmpty, nil):
            return Splice(start..<start, isEmpty ? "\"include_usage\":true" : "\"include_usage\":true,")
        case .object(_, _, let include?):
            return self.wantsUsage ? nil : Splice(include, "true")
        }
    }

    /// Each member goes with one comma: the one before it where a member stays before it, else the one behind.
    private func removals(of stripped: Set<Int>) -> [Splice] {
        var result: [Splice] = []
        var isFirst = true
        for index in self.members.indices {
            guard stripped.contains(index) else {
                isFirst = false
                continue
            }
            let member = self.members[index]
            if !isFirst {
                result.append(Splice(self.members[index - 1].value.upperBound..<member.value.upperBound, []))
            } else {
                let end = index + 1 < self.members.count ? self.members[index + 1].name.lowerBound : member.value.upperBound
                result.append(Splice(member.name.lowerBound..<end, []))
            }
        }
        return result
    }
}

extension UnsafeRawBufferPointer {
    /// The first place where the text stands, by memchr-like skipping over its first byte.
    package func firstRange(of text: StaticString, from start: Int = 0) -> Range<Int>? {
        let count = text.utf8CodeUnitCount
        guard count > 0, self.count - start >= count else { return nil }
        let first = text.utf8Start[0]
        var index = start
        let last = self.count - count
        while index <= last {
            if self[index] == first {
                var offset = 1
                while offset < count, self[index + offset] == text.utf8Start[offset] { offset += 1 }
                if offset == count { return index..<index + count }
            }
            index += 1
        }
        return nil
    }
}

extension Splice {
    /// The bytes with the splices applied; they are sorted and do not overlap.
    package static func apply(_ splices: [Splice], to bytes: UnsafeRawBufferPointer) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count + splices.growth)
        var position = 0
        for splice in splices {
            result.append(contentsOf: bytes[position..<splice.range.lowerBound])
            result.append(contentsOf: splice.text)
            position = splice.range.upperBound
        }
        result.append(contentsOf: bytes[position...])
        return result
    }
}
