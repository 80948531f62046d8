/// Finds the backends that have stopped reading a large request (`promises.md`, fault 21): libcurl would wait for them without an end.
struct UploadWatch<Call: AnyObject> {
    private struct Upload {
        // Not held: with it its body would be, until the next look.
        weak var call: Call?
        var taken = 0
        /// When some of it was taken last.
        var since: UInt64
    }

    /// As a rule the system takes a body up to this at once, and then there is nothing to watch.
    static var smallest: Int { 65_536 }
    /// How long a backend may take nothing of a request, in nanoseconds.
    static var longestPause: UInt64 { 10_000_000_000 }
    private static var interval: UInt64 { 1_000_000_000 }

    private var uploads: [Upload] = []
    /// The time of the next look; nil while there is nothing to look at.
    private(set) var alarm: UInt64?

    /// Looks at a call from now on, until all of its request is taken.
    mutating func add(_ call: Call, at now: UInt64) {
        self.uploads.append(Upload(call: call, since: now))
        self.alarm = self.alarm ?? now + Self.interval
    }

    /// - Parameter progress: How much of a call's request was taken, 0 also before it is sent; nil where it is over or all is taken.
    /// - Returns: the calls whose backends have taken nothing for too long.
    mutating func look(at now: UInt64, _ progress: (Call) -> Int?) -> [Call] {
        guard let alarm = self.alarm, alarm <= now else { return [] }
        var stalled: [Call] = []
        var kept: [Upload] = []
        for var upload in self.uploads {
            guard let call = upload.call, let taken = progress(call) else { continue }
            // Before the first byte it is the connection that is waited for, which has a time-out of its own.
            if taken > upload.taken || taken == 0 { (upload.taken, upload.since) = (taken, now) }
            if now - upload.since >= Self.longestPause { stalled.append(call) } else { kept.append(upload) }
        }
        self.uploads = kept
        self.alarm = kept.isEmpty ? nil : now + Self.interval
        return stalled
    }
}
