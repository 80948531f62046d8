extension ShortLine {
    /// Finds the values of short lines, once for all that is made of them: the whole line, and that of the intent that it ended.
    ///
    /// Used again it spares allocations.
    package struct Values {
        /// Where the value of each member ends.
        private var ends = Array(repeating: 0, count: ShortLine.members.count)
        /// What was written last.
        private var line: [UInt8] = []

        package init() {}

        /// Looks at the bytes of a short line, which the next calls must be given too; false where they are none.
        package mutating func find(in bytes: UnsafeRawBufferPointer) -> Bool {
            self.ends.withUnsafeMutableBufferPointer { ends in
                var member = 0
                var index = 0
                while member < ends.count, index + ByteWord.size <= bytes.count {
                    var marks = ByteWord(bytes, at: index).allMarks(of: UInt8(ascii: "\n"))
                    while marks != 0, member < ends.count {
                        ends[member] = index + ByteWord.bytesBefore(marks)
                        member += 1
                        marks &= marks - 1
                    }
                    index += ByteWord.size
                }
                while member < ends.count, index < bytes.count {
                    if bytes[index] == UInt8(ascii: "\n") {
                        ends[member] = index
                        member += 1
                    }
                    index += 1
                }
                return member == ends.count
            }
        }

        /// Hands what the hash is over, which is the line without its last member, to `body`.
        ///
        /// - Parameter begun: Asks for the line of the intent that it ended.
        package mutating func withHashed<T>(
            _ bytes: UnsafeRawBufferPointer, ofIntentAt begun: Timestamp? = nil, seq: Int64, previous: ChainHash, _ body: (UnsafeRawBufferPointer) -> T
        ) -> T {
            var line = self.line
            self.line = []
            line.removeAll(keepingCapacity: true)
            line.append(atMost: self.longestBody(bytes) + LedgerLine.longestPlace) { out in
                LedgerLine.writeFront(seq: seq, into: &out)
                self.write(bytes, ofIntentAt: begun, into: &out)
                LedgerLine.writeBack(previous: previous, into: &out)
            }
            self.line = line
            return line.withUnsafeBytes(body)
        }

        func longestBody(_ bytes: UnsafeRawBufferPointer) -> Int { bytes.count + ShortLine.longestRest + Phrase.room }

        /// Writes the body of the line, or of the intent's: no more than ``longestBody(_:)``.
        func write(_ bytes: UnsafeRawBufferPointer, ofIntentAt begun: Timestamp?, into out: inout ByteWriter) {
            self.ends.withUnsafeBufferPointer { ends in
                ShortLine.members.withUnsafeBufferPointer { members in
                    if let begun {
                        Values.writeIntent(bytes, at: begun, members, ends, into: &out)
                    } else {
                        Values.writeBody(bytes, members, ends, into: &out)
                    }
                }
            }
        }

        private static func writeBody(
            _ bytes: UnsafeRawBufferPointer, _ members: UnsafeBufferPointer<Member>, _ ends: UnsafeBufferPointer<Int>, into out: inout ByteWriter
        ) {
            var place = 0
            for index in members.indices {
                out.write(members, index, bytes, from: place, to: ends[index])
                place = ends[index] &+ 1
            }
            out.write(UnsafeRawBufferPointer(rebasing: bytes[place...]))
        }

        private static func writeIntent(
            _ bytes: UnsafeRawBufferPointer, at begun: Timestamp, _ members: UnsafeBufferPointer<Member>, _ ends: UnsafeBufferPointer<Int>,
            into out: inout ByteWriter
        ) {
            out.write("\"kind\":\"intent\"")
            out.member("at", begun)
            for part in ShortLine.partsOfIntents {
                switch part {
                case .member(let index): out.write(members, index, bytes, from: ends[index - 1] &+ 1, to: ends[index])
                case .text(let text): out.write(text)
                }
            }
        }
    }

    /// A member that every line has.
    fileprivate struct Member {
        /// With a comma before it, unless it is the first, and a colon behind it.
        let name: Phrase
        /// The same with `null`.
        let absent: Phrase

        fileprivate init(_ name: StaticString, isFirst: Bool) {
            let text = (isFirst ? "\"" : ",\"") + name.description + "\":"
            self.name = Phrase(text)
            self.absent = Phrase(text + "null")
        }
    }

    /// What the line of an intent is made of, behind its kind and its time.
    fileprivate enum IntentPart {
        /// The member of its end.
        case member(Int)
        /// Members that intents do not have, whatever their ends have.
        case text([UInt8])
    }

    private static let names: [StaticString] = [
        "kind", "at", "request_id", "attempt", "job_id", "batch_id", "custom_id", "tenant", "key", "class", "route", "pool", "backend", "model",
        "backend_model", "model_served", "serve", "tier_requested", "tier_served", "policy", "rate_card", "estimate", "tags", "client_request_id",
        "unit_prices", "usage", "cost", "cost_low", "cost_high", "baseline", "currency", "outcome", "status", "flags", "provider_cost", "evidence",
        "queued_ms", "first_token_ms", "total_ms", "upstream_id", "levers", "corrects",
    ]
    /// In the order of the line.
    fileprivate static let members = Self.names.enumerated().map { Member($0.element, isFirst: $0.offset == 0) }

    private static let ofEndsAlone: Set<String> = [
        "model_served", "tier_served", "unit_prices", "usage", "cost", "cost_low", "cost_high", "baseline", "outcome", "status", "provider_cost",
        "evidence", "queued_ms", "first_token_ms", "total_ms", "upstream_id", "levers", "corrects",
    ]

    fileprivate static let partsOfIntents = Self.names.map(\.description).enumerated().dropFirst(2).reduce(into: [IntentPart]()) { parts, member in
        guard member.element == "flags" || Self.ofEndsAlone.contains(member.element) else { return parts.append(.member(member.offset)) }
        let text = Array(",\"\(member.element)\":\(member.element == "flags" ? "[]" : "null")".utf8)
        if case .text(let before) = parts.last { parts[parts.count - 1] = .text(before + text) } else { parts.append(.text(text)) }
    }

    /// What names and `null` add to the bytes at most.
    fileprivate static let longestRest = Self.members.reduce(0) { $0 + $1.absent.count }
}

extension ByteWriter {
    /// Writes a member of a whole line: the bytes from `start` to `end` are its value, which none may be.
    @inline(__always)
    fileprivate mutating func write(
        _ members: UnsafeBufferPointer<ShortLine.Member>, _ index: Int, _ bytes: UnsafeRawBufferPointer, from start: Int, to end: Int
    ) {
        if start == end { return self.write(members[index].absent) }
        self.write(members[index].name)
        self.write(bytes, from: start, to: end)
    }
}
