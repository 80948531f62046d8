import FoundationEssentials

/// The files of `Tests/Corpus` that are short enough to be worth mutating.
struct FuzzCorpus {
    private static let longest = 32_768

    private let folder: String

    init(folder: String) {
        self.folder = folder
    }

    /// Sorted by name, so that a seed means the same everywhere.
    func files(_ kind: String) -> [[UInt8]] {
        let path = "\(self.folder)/\(kind)"
        let names = ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).filter { !$0.hasSuffix(".tsv") }.sorted()
        let files = names.compactMap { FileManager.default.contents(atPath: "\(path)/\($0)").map { Array($0) } }.filter { $0.count <= FuzzCorpus.longest }
        precondition(!files.isEmpty, "\(path) has no files")
        return files
    }
}
