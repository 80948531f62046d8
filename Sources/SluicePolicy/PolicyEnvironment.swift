/// What surrounds a policy while it is read: environment variables, and whether a missing one is an error.
package struct PolicyEnvironment: Sendable {
    package enum Purpose: Sendable {
        /// A look at the files: a variable that is not set is noted.
        case check
        /// The policy will run: a variable that is not set is an error.
        case serve
    }

    package var variables: [String: String]
    package var purpose: Purpose

    package init(variables: [String: String] = [:], purpose: Purpose = .check) {
        self.variables = variables
        self.purpose = purpose
    }
}
