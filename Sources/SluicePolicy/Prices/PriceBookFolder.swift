import FoundationEssentials
import Glibc

/// Where the price book is found on this machine.
package enum PriceBookFolder {
    /// The first of `SLUICE_PRICES`, `../share/sluice/prices` beside the executable, a `prices` folder in one of its five
    /// parents, `/usr/share/sluice/prices`; nil where there is none.
    package static func find(environment: [String: String], executable: String?) -> String? {
        if let named = environment["SLUICE_PRICES"], !named.isEmpty { return named }
        var candidates: [String] = []
        if let executable, let real = realPath(executable) {
            var folder = parent(of: real)
            candidates.append(folder + "/../share/sluice/prices")
            for _ in 0..<5 where !folder.isEmpty {
                folder = parent(of: folder)
                candidates.append(folder + "/prices")
            }
        }
        candidates.append("/usr/share/sluice/prices")
        return candidates.first { FileManager.default.fileExists(atPath: $0 + "/openai.yaml") }
    }

    /// The program that is running.
    package static var executable: String? { realPath("/proc/self/exe") }

    private static func parent(of path: String) -> String { path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "" }

    private static func realPath(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}
