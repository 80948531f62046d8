package import NIOCore
package import SluiceCore

extension ByteBuffer {
    /// Appends what `body` writes: no more than `most` bytes, at one go.
    package mutating func write(atMost most: Int, _ body: (inout ByteWriter) -> Void) {
        self.writeWithUnsafeMutableBytes(minimumWritableBytes: most) { room in
            var writer = ByteWriter(room)
            body(&writer)
            return writer.count
        }
    }
}
