import Glibc

/// How many clients may be connected at once.
enum ConnectionShare {
    /// Half of the descriptors that the process may have: the other half is for backends and files. Where all are used up, an accept that
    /// fails would be tried again without end (`promises.md`, T16); so the rest of the clients wait in the listener's queue.
    static var most: Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 512 }
        return max(16, Int(min(limit.rlim_cur, 1 << 20)) / 2)
    }
}
