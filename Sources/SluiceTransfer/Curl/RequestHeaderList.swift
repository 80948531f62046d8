import CCurl
import NIOCore

/// The header lines of a request as the linked list that libcurl wants, in memory that serves one call after the other.
struct RequestHeaderList: ~Copyable {
    /// Fields that libcurl would add on its own: an empty value keeps them out, unless a line with the same name follows.
    private static let unwanted = "Expect:\0Accept:\0Content-Type:\0User-Agent:\0"

    private var text: UnsafeMutablePointer<CChar>
    private var textCapacity = 2048
    private var nodes: UnsafeMutablePointer<curl_slist>
    private var nodeCapacity = 32
    private var nodeCount = 0
    private var textCount = 0

    init() {
        self.text = .allocate(capacity: self.textCapacity)
        self.nodes = .allocate(capacity: self.nodeCapacity)
    }

    deinit {
        self.text.deallocate()
        self.nodes.deallocate()
    }

    /// Makes the list anew from complete lines, each with CR LF; it is good until the next call.
    mutating func fill(from lines: ByteBuffer) -> UnsafePointer<curl_slist> {
        lines.withUnsafeReadableBytes { lines in
            self.reserve(lines.count + RequestHeaderList.unwanted.utf8.count, nodes: lines.count { $0 == 0x0A } + 4)
            var unwanted = RequestHeaderList.unwanted
            unwanted.withUTF8 { self.add(UnsafeRawBufferPointer($0), endingWith: 0) }
            self.add(lines, endingWith: 0x0D)
        }
        self.nodes[self.nodeCount - 1].next = nil
        return UnsafePointer(self.nodes)
    }

    /// Copies the lines, each with a NUL at its end, and links a node to each.
    private mutating func add(_ lines: UnsafeRawBufferPointer, endingWith end: UInt8) {
        var start = self.textCount
        for byte in lines where byte != 0x0A {
            self.text[self.textCount] = byte == end ? 0 : CChar(bitPattern: byte)
            self.textCount += 1
            guard byte == end else { continue }
            self.nodes[self.nodeCount] = curl_slist(data: self.text + start, next: self.nodes + self.nodeCount + 1)
            self.nodeCount += 1
            start = self.textCount
        }
    }

    private mutating func reserve(_ bytes: Int, nodes: Int) {
        self.textCount = 0
        self.nodeCount = 0
        if bytes > self.textCapacity {
            self.text.deallocate()
            self.textCapacity = bytes
            self.text = .allocate(capacity: bytes)
        }
        if nodes > self.nodeCapacity {
            self.nodes.deallocate()
            self.nodeCapacity = nodes
            self.nodes = .allocate(capacity: nodes)
        }
    }
}
