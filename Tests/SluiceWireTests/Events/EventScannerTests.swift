import SluiceWire
import Testing

@Suite struct EventScannerTests {
    /// Feeds the bytes in pieces that end at `cuts`, as a relay does, and gives what comes out.
    private func pieces(_ bytes: [UInt8], cuts: [Int]) -> (events: [String], rest: String) {
        var scanner = EventScanner()
        var pending: [UInt8] = []
        var events: [String] = []
        var start = 0
        for end in cuts + [bytes.count] {
            pending += bytes[start..<end]
            start = end
            while true {
                let used = pending.withUnsafeBytes { raw -> Int in
                    guard case .event(let range)? = scanner.next(raw) else { return 0 }
                    events.append(String(decoding: raw[range], as: UTF8.self))
                    return range.upperBound
                }
                guard used > 0 else { break }
                pending.removeFirst(used)
            }
        }
        return (events, String(decoding: pending, as: UTF8.self))
    }

    @Test(arguments: [
        (["data: a\n\n", "data: b\n\n"], ""),
        (["data: a\r\n\r\n", "event: x\r\ndata: b\r\n\r\n"], ""),
        (["data: a\r\r", "data: b\r\r"], "data: c\r"),
        (["data: a\n\r\n", "data: b\r\n\n", "data: c\r\n\r\n"], ""),
        ([": ping\n\n", "\n", "data:\n\n"], "data: half"),
        (["\u{FEFF}data: [DONE]\n\n"], ""),
        (["id: 1\nretry: 2\ndata: ünïcödé ✓\ndata: two\n\n"], "data: {\"a\":"),
        (["data: \(String(repeating: "x", count: 100))\n\n"], ""),
    ])
    func findsTheSameEventsInAnyPieces(_ events: [String], _ rest: String) {
        let bytes = Array((events.joined() + rest).utf8)
        for cut in 0...bytes.count {
            let found = self.pieces(bytes, cuts: [cut])
            #expect(found.events == events && found.rest == rest, "cut at \(cut)")
        }
        let single = self.pieces(bytes, cuts: Array(1..<bytes.count))
        #expect(single.events == events && single.rest == rest)
    }

    @Test func anEventTooLongToHoldComesInParts() throws {
        var scanner = EventScanner()
        let long = [UInt8]("data: ".utf8) + [UInt8](repeating: 0x78, count: EventScanner.longest)
        let part = long.withUnsafeBytes { scanner.next($0) }
        guard case .part(let range)? = part else {
            Issue.record("\(String(describing: part))")
            return
        }
        #expect(range == 0..<long.count && scanner.isInsideOversize)
        let rest = Array("xx\n\ndata: b\n\n".utf8)
        rest.withUnsafeBytes { bytes in
            guard case .event(0..<4)? = scanner.next(bytes) else {
                Issue.record("the end of the long event is not found")
                return
            }
        }
        #expect(!scanner.isInsideOversize)
    }
}

@Suite struct EventLinesTests {
    private func lines<Result>(_ text: String, _ body: (EventLines) -> Result) -> Result {
        Array(text.utf8).withUnsafeBytes { body(EventLines($0)) }
    }

    private func text(_ bytes: UnsafeRawBufferPointer?) -> String? { bytes.map { String(decoding: $0, as: UTF8.self) } }

    @Test(
        arguments: [
            ("data: a\n\n", nil, "a"), ("data:a\n\n", nil, "a"), ("data:  a\n\n", nil, " a"), ("event: x\ndata: a\n\n", "x", "a"),
            ("data: a\r\nevent: x\r\n\r\n", "x", "a"),
            ("data\n\n", nil, ""), (": data: a\n\n", nil, nil), ("database: a\n\n", nil, nil), ("\u{FEFF}data: a\n\n", nil, "a"),
            ("data: a: b\n\n", nil, "a: b"),
            ("Data: a\n\n", nil, nil), (" data: a\n\n", nil, nil),
        ] as [(String, String?, String?)])
    func readsNameAndData(_ event: String, _ name: String?, _ data: String?) {
        self.lines(event) { lines in
            #expect(self.text(lines.name) == name)
            #expect(self.text(lines.data) == data)
        }
    }

    @Test(arguments: [
        ("data: {\ndata: }\n\n", "{\n}"), ("data: a\r\ndata: b\r\n\r\n", "a\nb"), ("data: a\ndata:\ndata: c\n\n", "a\n\nc"),
        ("data: a\nid: 1\ndata: b\n\n", "a\nb"),
    ])
    func joinsSeveralDataLines(_ event: String, _ joined: String) {
        self.lines(event) { #expect(String(decoding: $0.joined, as: UTF8.self) == joined) }
    }
}
