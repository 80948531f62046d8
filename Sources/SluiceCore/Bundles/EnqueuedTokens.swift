/// What a provider lets wait of one model in all batches of an account, which refuses a batch that would be more (`queue.md` 10.6).
package struct EnqueuedTokens: Sendable {
    private var waiting: Int
    private let quota: Int

    /// - Parameter waiting: What is there already.
    package init(waiting: Int, quota: Int) {
        self.waiting = waiting
        self.quota = quota
    }

    /// Takes room for a job; false where there is none. One that is larger than all the room goes where nothing else waits: the provider may count
    /// otherwise than the estimate does.
    package mutating func take(_ tokens: Int) -> Bool {
        guard self.waiting == 0 || self.waiting + tokens <= self.quota else { return false }
        self.waiting += max(1, tokens)
        return true
    }
}
