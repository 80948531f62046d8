/// A value in a place of its own: what seldom has one stays small, and is copied for a reference's price.
@propertyWrapper
package struct Boxed<Value: Sendable>: Sendable {
    private final class Box: Sendable {
        let value: Value

        init(_ value: Value) {
            self.value = value
        }
    }

    private var box: Box?

    package init(wrappedValue: Value?) {
        self.box = wrappedValue.map { Box($0) }
    }

    package var wrappedValue: Value? {
        get { self.box?.value }
        set { self.box = newValue.map { Box($0) } }
    }
}
