import FoundationEssentials
import Glibc
import SluiceCore

/// Reads the secrets that a policy names. What it reads goes into header lines and nowhere else.
struct Secrets {
    struct Missing: Error, CustomStringConvertible {
        let description: String
    }

    let environment: [String: String]

    /// The text with its secrets filled in.
    ///
    /// - Throws: Which secret is missing or lies open; never its value.
    func text(_ secret: SecretText, for owner: String) throws(Missing) -> String {
        var text = ""
        for part in secret.parts {
            switch part {
            case .literal(let literal): text += literal
            case .environment(let name, let fallback):
                guard let value = self.environment[name].flatMap({ $0.isEmpty && fallback != nil ? nil : $0 }) ?? fallback else {
                    throw Missing(description: "\(owner) needs the environment variable \(name), which is not set")
                }
                text += value
            case .file(let path): text += try self.file(path, for: owner)
            case .credential(let name):
                // systemd's folder, else where containers mount secrets.
                let folder = self.environment["CREDENTIALS_DIRECTORY"] ?? "/run/secrets"
                text += try self.file(folder + "/" + name, for: owner)
            }
        }
        guard text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            throw Missing(description: "\(owner) has a secret with a line break or another control character in it")
        }
        return text
    }

    private func file(_ path: String, for owner: String) throws(Missing) -> String {
        var status = stat()
        guard stat(path, &status) == 0 else { throw Missing(description: "\(owner) needs the file \(path), which is not there") }
        guard status.st_mode & S_IROTH == 0 else {
            throw Missing(description: "\(owner) needs the file \(path), which everybody on this machine can read; chmod 600 it")
        }
        guard let data = FileManager.default.contents(atPath: path) else { throw Missing(description: "\(owner) needs the file \(path), which cannot be read") }
        // A file that an editor wrote ends in a line break.
        return String(String(decoding: data, as: UTF8.self).trimmingSuffix { $0.isNewline })
    }
}

extension StringProtocol {
    fileprivate func trimmingSuffix(while isPart: (Character) -> Bool) -> SubSequence {
        var end = self.endIndex
        while end > self.startIndex, isPart(self[self.index(before: end)]) { end = self.index(before: end) }
        return self[..<end]
    }
}
