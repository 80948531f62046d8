import Dispatch
import SluiceCore
import Synchronization

/// Waits for a callback of a store; for programs, which have nothing else to do.
func waiting<Value: Sendable>(for write: (@escaping @Sendable (Result<Value, StoreError>) -> Void) -> Void) throws(StoreError) -> Value {
    let isDone = DispatchSemaphore(value: 0)
    let answer = Mutex<Result<Value, StoreError>?>(nil)
    write { result in
        answer.withLock { $0 = result }
        isDone.signal()
    }
    isDone.wait()
    guard let result = answer.withLock({ $0 }) else { preconditionFailure("a callback without a result") }
    return try result.get()
}
