import Glibc
import SluiceCore

/// One line on a terminal that says how far long work has got; nothing anywhere else.
final class ProgressLine {
    private let what: String
    private let isShown = isatty(STDERR_FILENO) == 1
    private let start = ContinuousClock.now
    private var last = ContinuousClock.now
    private var hasShown = false

    init(_ what: String) {
        self.what = what
    }

    func show(_ done: Int, of all: Int) {
        let now = ContinuousClock.now
        guard self.isShown, now - self.last > .milliseconds(200), done > 0, all > 0 else { return }
        self.last = now
        self.hasShown = true
        let elapsed = max(1, (now - self.start).milliseconds)
        let rate = done * 1000 / Int(elapsed)
        let left = Int(elapsed) * max(0, all - done) / done / 1000
        let text = "\(ReportText.grouped("\(done)")) of \(ReportText.grouped("\(all)")) \(self.what), \(ReportText.grouped("\(rate)")) a second, \(left) s left"
        ProgressLine.rewrite(text)
    }

    func end() {
        if self.hasShown { ProgressLine.rewrite("") }
    }

    private static func rewrite(_ text: String) {
        let bytes = Array("\r\u{1B}[2K\(text)".utf8)
        _ = write(STDERR_FILENO, bytes, bytes.count)
    }
}
