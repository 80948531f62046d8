import Glibc

/// Finds the ends of lines.
package enum LineBreak {
    /// The place of the next line feed at or behind `start`; nil where there is none.
    package static func next(in bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
        guard let base = bytes.baseAddress, start < bytes.count, let found = memchr(base + start, 0x0A, bytes.count - start) else { return nil }
        return UnsafeRawPointer(found) - base
    }
}
