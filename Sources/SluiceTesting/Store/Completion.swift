package import SluiceCore

/// Waits for the callback of a store.
package func stored<Value: Sendable>(_ write: (@escaping @Sendable (Result<Value, StoreError>) -> Void) -> Void) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        write { result in continuation.resume(with: result.mapError { $0 }) }
    }
}
