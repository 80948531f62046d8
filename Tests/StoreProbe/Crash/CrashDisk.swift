import FoundationEssentials

/// A disk that keeps apart what was synced and what was not, and can lose the latter in any way that a power cut may.
///
/// Of a file's writes since its last sync any may be missing, in any combination, and one may be torn between its sectors. Names come and go in
/// order, but the last of them may be missing while their folder was not synced.
struct CrashDisk {
    private static let sector = 512

    fileprivate struct Change {
        /// nil for a change of the length alone.
        var bytes: [UInt8]?
        var at: Int
    }

    fileprivate struct File {
        var synced: [UInt8] = []
        var pending: [Change] = []
        var length = 0
    }

    fileprivate enum Naming {
        case put(String, Int)
        case moved(String, String)
        case removed(String)
        case made(String)
    }

    private let root: String
    private var files: [File] = []
    private var names: [String: Int] = [:]
    private var syncedNames: [String: Int] = [:]
    private var pendingNames: [Naming] = []
    private var folders: Set<String> = []
    private var open: [Int: (path: String, file: Int?, place: Int)] = [:]
    /// What it said on its standard output.
    private(set) var said: [String] = []

    /// - Parameter root: Only what happens below it counts.
    init(root: String) {
        self.root = root
    }

    mutating func apply(_ event: SystemTrace.Event) {
        switch event {
        case .opened(let descriptor, let path, let isNew, let isEmptied): self.opened(descriptor, path, isNew: isNew, isEmptied: isEmptied)
        case .closed(let descriptor): self.open[descriptor] = nil
        case .wrote(1, let bytes, _): self.said += String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
        case .wrote(let descriptor, let bytes, let place): self.wrote(descriptor, bytes, at: place)
        case .truncated(let descriptor, let length):
            guard let file = self.open[descriptor]?.file else { return }
            self.files[file].pending.append(Change(bytes: nil, at: length))
            self.files[file].length = length
        case .synced(let descriptor): self.synced(descriptor)
        case .renamed(let from, let to): self.name(.moved(from, to))
        case .removed(let path): self.name(.removed(path))
        case .made(let folder): self.name(.made(folder))
        }
    }

    private mutating func opened(_ descriptor: Int, _ path: String, isNew: Bool, isEmptied: Bool) {
        guard path.hasPrefix(self.root) else { return }
        if self.names[path] == nil, isNew {
            self.files.append(File())
            self.name(.put(path, self.files.count - 1))
        }
        self.open[descriptor] = (path, self.names[path], 0)
        if isEmptied, let file = self.names[path], self.files[file].length > 0 {
            self.files[file].pending.append(Change(bytes: nil, at: 0))
            self.files[file].length = 0
        }
    }

    private mutating func wrote(_ descriptor: Int, _ bytes: [UInt8], at place: Int?) {
        guard let (path, file, next) = self.open[descriptor], let file else { return }
        let place = place ?? next
        self.files[file].pending.append(Change(bytes: bytes, at: place))
        self.files[file].length = max(self.files[file].length, place + bytes.count)
        self.open[descriptor] = (path, file, place + bytes.count)
    }

    private mutating func synced(_ descriptor: Int) {
        guard let (path, file, _) = self.open[descriptor] else { return }
        if let file {
            for change in self.files[file].pending { change.apply(to: &self.files[file].synced) }
            self.files[file].pending = []
        } else {
            // A folder: with the names in it, whatever was named before. Deeper folders are others.
            let isHere = { (name: String) in name.hasPrefix(path + "/") && !name.dropFirst(path.count + 1).contains("/") }
            self.pendingNames = self.pendingNames.filter { naming in
                guard isHere(naming.path) else { return true }
                CrashDisk.apply(naming, to: &self.syncedNames, &self.folders)
                return false
            }
        }
    }

    private mutating func name(_ naming: Naming) {
        guard naming.path.hasPrefix(self.root) else { return }
        self.pendingNames.append(naming)
        var folders = self.folders
        CrashDisk.apply(naming, to: &self.names, &folders)
    }

    private static func apply(_ naming: Naming, to names: inout [String: Int], _ folders: inout Set<String>) {
        switch naming {
        case .put(let path, let file): names[path] = file
        case .moved(let from, let to): names[to] = names.removeValue(forKey: from)
        case .removed(let path): names[path] = nil
        case .made(let folder): folders.insert(folder)
        }
    }

    /// Lays out in another folder what a power cut at this moment might leave.
    func cut(into folder: String, _ generator: inout some RandomNumberGenerator) throws {
        var names = self.syncedNames
        var folders = self.folders
        for naming in self.pendingNames.prefix(Int.random(in: 0...self.pendingNames.count, using: &generator)) {
            CrashDisk.apply(naming, to: &names, &folders)
        }
        for made in folders { try FileManager.default.createDirectory(atPath: folder + made.dropFirst(self.root.count), withIntermediateDirectories: true) }
        for (path, file) in names {
            let target = folder + path.dropFirst(self.root.count)
            guard FileManager.default.fileExists(atPath: String(target[..<(target.lastIndex(of: "/") ?? target.endIndex)])) else { continue }
            try Data(self.files[file].afterCut(sector: CrashDisk.sector, &generator)).write(to: URL(filePath: target))
        }
    }
}

extension CrashDisk.Change {
    fileprivate func apply(to content: inout [UInt8]) {
        guard let bytes = self.bytes else {
            if content.count > self.at { content.removeLast(content.count - self.at) }
            while content.count < self.at { content.append(0) }
            return
        }
        if content.count < self.at { content += [UInt8](repeating: 0, count: self.at - content.count) }
        let end = min(content.count, self.at + bytes.count)
        content.replaceSubrange(self.at..<end, with: bytes)
    }

    /// Only some sectors of it.
    fileprivate func torn(sector: Int, _ generator: inout some RandomNumberGenerator) -> [CrashDisk.Change] {
        guard let bytes = self.bytes else { return [] }
        var parts: [CrashDisk.Change] = []
        var start = 0
        while start < bytes.count {
            // At the edges of sectors of the file, not of the write.
            let end = min(bytes.count, ((self.at + start) / sector + 1) * sector - self.at)
            if Bool.random(using: &generator) { parts.append(CrashDisk.Change(bytes: Array(bytes[start..<end]), at: self.at + start)) }
            start = end
        }
        return parts
    }
}

extension CrashDisk.File {
    fileprivate func afterCut(sector: Int, _ generator: inout some RandomNumberGenerator) -> [UInt8] {
        var content = self.synced
        // Half of the cuts lose everything that was not synced, which is the commonest.
        guard Bool.random(using: &generator) else { return content }
        for change in self.pending {
            switch Int.random(in: 0..<5, using: &generator) {
            case 0, 1: break
            case 2, 3: change.apply(to: &content)
            default: for part in change.torn(sector: sector, &generator) { part.apply(to: &content) }
            }
        }
        return content
    }
}

extension CrashDisk.Naming {
    fileprivate var path: String {
        switch self {
        case .put(let path, _), .removed(let path), .made(let path): path
        case .moved(_, let path): path
        }
    }
}
