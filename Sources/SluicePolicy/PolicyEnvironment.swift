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
    /// Whether a file with a secret is there; it is not read.
    package var hasFile: @Sendable (String) -> Bool

    package init(
        variables: [String: String] = [:], purpose: Purpose = .check, hasFile: @escaping @Sendable (String) -> Bool = { _ in true }
    ) {
        self.variables = variables
        self.purpose = purpose
        self.hasFile = hasFile
    }

    /// The file behind `${cred:name}`: in systemd's folder of credentials, else where containers mount secrets.
    func credentialPath(_ name: String) -> String { "\(self.variables["CREDENTIALS_DIRECTORY"] ?? "/run/secrets")/\(name)" }
}
