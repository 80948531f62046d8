package import NIOCore
import NIOPosix
import Synchronization

/// A value that one side changes and a test waits on: no polling, no sleeping, and a deadline for everything.
package final class Observed<Value: Sendable>: Sendable {
    package struct Overdue: Error, CustomStringConvertible {
        package let description: String
    }

    private struct Waiter: Sendable {
        let isDone: @Sendable (Value) -> Bool
        let promise: EventLoopPromise<Value>
    }

    private struct State {
        var value: Value
        var waiters: [Int: Waiter] = [:]
        var next = 0
    }

    private let state: Mutex<State>

    package init(_ value: Value) {
        self.state = Mutex(State(value: value))
    }

    package var value: Value { self.state.withLock { $0.value } }

    @discardableResult
    package func update<Result: Sendable>(_ change: (inout Value) -> Result) -> Result {
        let (result, done) = self.state.withLock { state in
            let result = change(&state.value)
            guard !state.waiters.isEmpty else { return (result, [(Waiter, Value)]()) }
            let value = state.value
            let done = state.waiters.filter { $0.value.isDone(value) }
            for key in done.keys { state.waiters[key] = nil }
            return (result, done.values.map { ($0, value) })
        }
        for (waiter, value) in done { waiter.promise.succeed(value) }
        return result
    }

    /// Returns the value as soon as it fulfils the condition.
    ///
    /// - Throws: ``Overdue`` with `what` and the last value, if that takes longer than `limit`.
    @discardableResult
    package func wait(
        for what: String, within limit: TimeAmount = .seconds(60), until isDone: @escaping @Sendable (Value) -> Bool
    ) async throws -> Value {
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        let promise = loop.makePromise(of: Value.self)
        let key: Int? = self.state.withLock { state in
            guard !isDone(state.value) else {
                promise.succeed(state.value)
                return nil
            }
            state.next += 1
            state.waiters[state.next] = Waiter(isDone: isDone, promise: promise)
            return state.next
        }
        guard let key else { return try await promise.futureResult.get() }
        let timer = loop.scheduleTask(in: limit) {
            let (waiter, last) = self.state.withLock { ($0.waiters.removeValue(forKey: key), $0.value) }
            waiter?.promise.fail(Overdue(description: "waited \(limit.nanoseconds / 1_000_000) ms for \(what); at last: \(last)"))
        }
        defer { timer.cancel() }
        return try await promise.futureResult.get()
    }
}

/// A one-time event that test and script agree on.
package final class Signal: Sendable {
    private let state = Mutex<(isFired: Bool, actions: [@Sendable () -> Void])>((false, []))

    package init() {}

    package func fire() {
        let actions = self.state.withLock { state in
            defer { state = (true, []) }
            return state.actions
        }
        for action in actions { action() }
    }

    /// Runs `action` once it was fired, at once if it was.
    package func whenFired(_ action: @escaping @Sendable () -> Void) {
        let isFired = self.state.withLock { state in
            if !state.isFired { state.actions.append(action) }
            return state.isFired
        }
        if isFired { action() }
    }
}
