import FoundationEssentials
import Glibc
import SluiceCore

/// Reads the files of a policy from disk: a file, or all `*.yaml` and `*.yml` that stand directly in a folder.
package struct PolicyFolder: Sendable {
    package struct Missing: Error, CustomStringConvertible {
        package var message: String
        package var description: String { self.message }

        package init(message: String) {
            self.message = message
        }
    }

    package let paths: [String]

    /// - Parameter paths: Files and folders, as the user wrote them; messages show them so.
    package init(_ paths: [String]) {
        self.paths = paths
    }

    package struct Contents: Sendable {
        package var files: [PolicyFile] = []
        package var problems: [Diagnostic] = []
    }

    /// - Throws: ``Missing`` where a path leads nowhere or a folder holds no policy at all.
    package func read() throws(Missing) -> Contents {
        var contents = Contents()
        for path in self.paths {
            switch FileKind(at: path) {
            case .file: contents.take(path)
            case .folder: try self.readFolder(path, into: &contents)
            case .other: throw Missing(message: "\(path) is neither a file nor a folder")
            case .missing: throw Missing(message: "there is no \(path)")
            }
        }
        return contents
    }

    /// The files that would be read now.
    var filePaths: [String] {
        self.paths.flatMap { path in FileKind(at: path) == .folder ? PolicyFolder.policies(in: path) : [path] }
    }

    private func readFolder(_ folder: String, into contents: inout Contents) throws(Missing) {
        let policies = PolicyFolder.policies(in: folder)
        guard !policies.isEmpty else {
            let folders = PolicyFolder.names(in: folder).filter { FileKind(at: "\(folder)/\($0)") == .folder }
            let hint = folders.isEmpty ? "" : "; name one of its folders: \(folders.prefix(8).joined(separator: ", "))"
            throw Missing(message: "\(folder) holds no *.yaml file\(hint)")
        }
        let home = PolicyFolder.realPath(folder)
        for path in policies {
            if let home, let target = PolicyFolder.realPath(path), !target.hasPrefix(home + "/") {
                contents.refuse(
                    path, .outsideFolder, "this is a link to a file outside the folder",
                    hint: "put the file itself here, or name it on the command line")
            } else {
                contents.take(path)
            }
        }
    }

    /// The `*.yaml` and `*.yml` directly in a folder; what begins with a dot is an editor's or a mount's own.
    private static func policies(in folder: String) -> [String] {
        let prefix = folder.hasSuffix("/") ? folder : folder + "/"
        return self.names(in: folder).filter { $0.hasSuffix(".yaml") || $0.hasSuffix(".yml") }.map { prefix + $0 }
    }

    private static func names(in folder: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter { !$0.hasPrefix(".") }.sorted()
    }

    private static func realPath(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}

private enum FileKind {
    case file, folder, other, missing

    init(at path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else {
            self = .missing
            return
        }
        switch status.st_mode & S_IFMT {
        case S_IFREG: self = .file
        case S_IFDIR: self = .folder
        default: self = .other
        }
    }
}

extension PolicyFolder.Contents {
    /// Reads one file; at most one byte more than is allowed, so that a huge one costs nothing.
    fileprivate mutating func take(_ path: String) {
        guard FileKind(at: path) == .file else {
            self.refuse(path, .fileUnreadable, "this is no regular file")
            return
        }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            self.refuse(path, .fileUnreadable, "the file cannot be read: \(String(cString: strerror(errno)))")
            return
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while bytes.count <= PolicyFile.byteLimit {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                self.refuse(path, .fileUnreadable, "the file cannot be read: \(String(cString: strerror(errno)))")
                return
            }
            if count == 0 { break }
            bytes += chunk[..<count]
        }
        self.files.append(PolicyFile(path: path, bytes: bytes))
    }

    fileprivate mutating func refuse(_ path: String, _ code: Diagnostic.Code, _ message: String, hint: String? = nil) {
        let span = SourceSpan(place: SourcePlace(file: path, line: 1, column: 1), length: 1)
        self.problems.append(Diagnostic(.error, code, message, at: span, hint: hint))
    }
}
