import FoundationEssentials
package import SluiceCore

/// Reads the secrets that a policy names: from the environment, from files, from systemd's credentials.
package struct SecretReader: Sendable {
    /// Why there is no secret; never holds any of it.
    package struct Unreadable: Error, Hashable, Sendable {
        package var message: String
    }

    private static let byteLimit = 65_536
    private let environment: PolicyEnvironment

    package init(environment: PolicyEnvironment) {
        self.environment = environment
    }

    /// - Returns: The secret, without the line end that files have; never empty and without control characters, so that it
    ///   can stand in a header.
    package func read(_ secret: SecretText) throws(Unreadable) -> String {
        var text = ""
        for part in secret.parts { text += try self.read(part) }
        guard !text.isEmpty else { throw Unreadable(message: "the secret is empty") }
        guard text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else { throw Unreadable(message: "the secret holds a control character") }
        return text
    }

    private func read(_ part: SecretText.Part) throws(Unreadable) -> String {
        switch part {
        case .literal(let text): return text
        case .environment(let name, let fallback):
            if let value = self.environment.variables[name], !value.isEmpty || fallback == nil { return value }
            guard let fallback else { throw Unreadable(message: "the environment variable `\(name)` is not set") }
            return fallback
        case .file(let path): return try self.file(path)
        case .credential(let name): return try self.file(self.environment.credentialPath(name))
        }
    }

    private func file(_ path: String) throws(Unreadable) -> String {
        guard let bytes = FileManager.default.contents(atPath: path) else { throw Unreadable(message: "the file `\(path)` cannot be read") }
        guard bytes.count <= SecretReader.byteLimit, var text = String(validating: bytes, as: UTF8.self) else {
            throw Unreadable(message: "the file `\(path)` holds no secret")
        }
        while text.last?.isNewline ?? false { text.removeLast() }
        return text
    }
}
