/// A test that a policy carries: a request, and what must become of it.
package struct PolicyTest: Sendable {
    package struct Expectation: Sendable {
        package var trafficClass: String?
        package var serve: TrafficClass.Serve?
        package var pool: String?
        package var backend: String?
        package var route: String?
        package var model: String?
        package var notBefore: Timestamp?
        package var deadline: Timestamp?

        package init() {}
    }

    package var name: String
    /// nil is the moment at which the test runs.
    package var at: Timestamp?
    package var request: InferenceRequest
    package var expect: Expectation
    package var place: SourcePlace

    package init(name: String, at: Timestamp?, request: InferenceRequest, expect: Expectation, place: SourcePlace) {
        self.name = name
        self.at = at
        self.request = request
        self.expect = expect
        self.place = place
    }
}
