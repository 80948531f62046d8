import Glibc

/// The pages of program text that the start alone needed: most of what a fresh server holds in memory.
///
/// A start runs once through code all over the program and its libraries. Those pages are clean and stay in the system's cache, so they can be
/// given back: what runs again returns with a page fault each, the rest never does. At idle that is half.
enum StartPages {
    static func giveBack() {
        for text in StartPages.textRanges() {
            guard let start = UnsafeMutableRawPointer(bitPattern: text.lowerBound) else { continue }
            // No harm where the system refuses: the pages stay.
            _ = madvise(start, Int(text.upperBound - text.lowerBound), MADV_DONTNEED)
        }
    }

    /// Where the text of the program and its libraries stands: what is mapped from a file to be run and cannot be written.
    private static func textRanges() -> [Range<UInt>] {
        guard let maps = fopen("/proc/self/maps", "r") else { return [] }
        defer { fclose(maps) }
        var line: UnsafeMutablePointer<CChar>?
        var capacity = 0
        defer { free(line) }
        var ranges: [Range<UInt>] = []
        while getline(&line, &capacity, maps) > 0, let line {
            ranges += StartPages.text(String(cString: line)).map { [$0] } ?? []
        }
        return ranges
    }

    /// - Parameter line: Such as `55e9e85f1000-55e9e964f000 r-xp 006da000 fe:00 1081974    /usr/bin/sluice`.
    static func text(_ line: String) -> Range<UInt>? {
        let fields = line.split(separator: " ", maxSplits: 5, omittingEmptySubsequences: true)
        guard fields.count == 6, fields[1] == "r-xp", fields[4] != "0" else { return nil }
        let bounds = fields[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
        return bounds.count == 2 && bounds[0] < bounds[1] ? bounds[0]..<bounds[1] : nil
    }
}
