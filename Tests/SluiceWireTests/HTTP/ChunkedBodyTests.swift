import NIOCore
import SluiceWire
import Testing

@Suite struct ChunkedBodyTests {
    private struct Outcome: Equatable {
        var data = ""
        var isOver = false
        /// Bytes that belong to the next message.
        var rest = ""
        var fault: Int?
    }

    private func read(_ text: String, cuts: [Int] = []) -> Outcome {
        var body = ChunkedBody()
        var outcome = Outcome()
        let bytes = Array(text.utf8)
        var start = 0
        for end in cuts + [bytes.count] {
            let piece = ByteBuffer(bytes: bytes[start..<end])
            start = end
            if outcome.isOver {
                outcome.rest += String(buffer: piece)
                continue
            }
            do throws(HTTPFault) {
                try piece.withUnsafeReadableBytes { raw throws(HTTPFault) in
                    var position = 0
                    while true {
                        switch try body.next(raw, at: &position) {
                        case .data(let range): outcome.data += String(decoding: raw[range], as: UTF8.self)
                        case .end:
                            outcome.isOver = true
                            outcome.rest += String(decoding: raw[position...], as: UTF8.self)
                            return
                        case .more: return
                        }
                    }
                }
            } catch {
                outcome.fault = error.status
                return outcome
            }
        }
        return outcome
    }

    @Test(arguments: [
        ("5\r\nhello\r\n0\r\n\r\n", "hello"), ("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\nGET /", "hello world"),
        ("00A;x=\"y z\"\r\n0123456789\r\n0\r\n\r\n", "0123456789"),
        ("aB\r\n\(String(repeating: "x", count: 171))\r\n000;last\r\nX-Trailer: 1\r\nY: \r\n\r\n", String(repeating: "x", count: 171)), ("0\r\n\r\n", ""),
        ("3 \t ;a\r\n\r\n\r\r\n0\r\n\r\n", "\r\n\r"),
    ])
    func readsTheSameBodyInAnyPieces(_ text: String, _ data: String) {
        let whole = self.read(text)
        #expect(whole.data == data && whole.isOver && whole.fault == nil)
        let count = text.utf8.count
        for cut in 0...count { #expect(self.read(text, cuts: [cut]) == whole, "cut at \(cut)") }
        #expect(self.read(text, cuts: Array(1..<count)) == whole)
    }

    @Test func whatFollowsBelongsToTheNextMessage() {
        #expect(self.read("1\r\na\r\n0\r\n\r\nGET / HTTP/1.1").rest == "GET / HTTP/1.1")
    }

    @Test(arguments: ["", "5", "5\r\nhel", "5\r\nhello\r\n", "0\r\n", "0\r\nX: 1\r\n"])
    func anEndThatIsMissingIsNone(_ text: String) {
        let outcome = self.read(text)
        #expect(!outcome.isOver && outcome.fault == nil)
    }

    @Test(arguments: [
        "\r\n", "x\r\n", "-1\r\n", "+1\r\n", "0x3\r\nabc", " 3\r\nabc", "3\nabc\n0\n\n", "3 \r\nabc\r\n", "3\t\r\nabc\r\n", "3 3\r\nabc\r\n", "3\r\nabcX",
        "3\r\nabcdef\r\n", "3\r\nabc\n", "1000000000000000\r\n",
        "3;\u{0}\r\n",
        "3;a\nb\r\n", "0\r\nContent-Length: 5\r\n\r\n", "0\r\ntransfer-encoding: chunked\r\n\r\n", "0\r\nHost: a\r\n\r\n", "0\r\n: x\r\n\r\n",
        "0\r\n folded\r\n\r\n",
        "0\r\nX: \u{1}\r\n\r\n", "0\r\nno field\r\n\r\n", "0\r\nX: 1\n\r\n", "0\r\nX : 1\r\n\r\n", "3;\u{7F}\r\n", "0\r\nX: \u{7F}\r\n\r\n",
    ])
    func refusesWhatIsNoChunkedBody(_ text: String) {
        #expect(self.read(text).fault == 400)
    }

    @Test func extensionsAndTrailersAreBounded() {
        let long = String(repeating: "x", count: 1025)
        #expect(self.read("1;\(long)\r\na\r\n0\r\n\r\n").fault == 400)
        #expect(self.read((0..<200).map { _ in "1;abcdef\r\na\r\n" }.joined() + "0\r\n\r\n").fault == 400)
        #expect(self.read("0\r\n" + String(repeating: "X: 1234\r\n", count: 2000) + "\r\n").fault == 400)
    }
}
