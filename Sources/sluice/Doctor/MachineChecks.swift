import CClock
import FoundationEssentials
import Glibc
import SluiceCore
import SluiceSQLite

/// What the machine gives: disk, clock, time zones.
struct MachineChecks {
    let folder: DataFolder

    private static let slowSync = Duration.milliseconds(25)
    private static let littleSpace: UInt64 = 1 << 30
    private static let largeLog: UInt64 = 256 << 20

    var findings: [Checkup.Finding] {
        [self.space, self.sync, self.log, MachineChecks.clock, MachineChecks.zones()].compactMap { $0 }
    }

    private var space: Checkup.Finding {
        let name = "disk space"
        var status = statvfs()
        guard statvfs(self.folder.path, &status) == 0 else {
            return .ill(name, .error, "\(self.folder.path): \(String(cString: strerror(errno)))", fix: "make the folder, or name another with --data")
        }
        let free = UInt64(status.f_bavail) * UInt64(status.f_frsize)
        let detail = "\(free >> 20) MB free at \(self.folder.path)"
        return free >= MachineChecks.littleSpace ? .well(name, detail) : .ill(name, .warning, detail, fix: "with no space left new work is refused; free some")
    }

    /// The time of what every acknowledgement waits for: a write and its sync.
    private var sync: Checkup.Finding {
        let name = "disk sync"
        let path = self.folder.path + "/.doctor-\(getpid())"
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            return .ill(
                name, .error, "cannot write in \(self.folder.path): \(String(cString: strerror(errno)))", fix: "run this as the user who runs the server")
        }
        defer {
            close(descriptor)
            unlink(path)
        }
        let block = [UInt8](repeating: 0, count: 4096)
        var times: [Duration] = []
        for _ in 0..<9 {
            let start = ContinuousClock.now
            guard block.withUnsafeBytes({ write(descriptor, $0.baseAddress, $0.count) }) == block.count, fdatasync(descriptor) == 0 else {
                return .ill(
                    name, .error, "a sync fails: \(String(cString: strerror(errno)))",
                    fix: "nothing can be acknowledged on this disk; look at the system's log")
            }
            times.append(ContinuousClock.now - start)
        }
        let median = times.sorted()[times.count / 2]
        let detail = "\(median.nanoseconds / 1000) µs for a write and its sync, in the middle of \(times.count)"
        guard median > MachineChecks.slowSync else { return .well(name, detail) }
        return .ill(name, .warning, detail, fix: "every queued job waits for one; put the data folder on a local SSD")
    }

    private var log: Checkup.Finding? {
        guard let database = self.folder.databaseFile else { return .well("database", "none yet at \(self.folder.path); `sluice serve` makes it") }
        var status = stat()
        guard stat(database + "-wal", &status) == 0 else { return .well("database", "\(database), closed in good order") }
        let bytes = UInt64(status.st_size)
        let detail = "\(database), and \(bytes >> 20) MB of its log are not merged"
        guard bytes > MachineChecks.largeLog else { return .well("database", detail) }
        return .ill("database", .warning, detail, fix: "some process reads for hours and holds the log open; end long exports")
    }

    private static var clock: Checkup.Finding {
        var error = 0
        switch cclock_is_in_step(&error) {
        case 1: return .well("clock", "in step, off by \(error / 1000) ms at most")
        case 0:
            return .ill(
                "clock", .warning, "not in step with a time server",
                fix: "windows open and deadlines pass by this clock; run an NTP client here or on the container's host")
        default: return .well("clock", "the system does not tell whether it is in step")
        }
    }

    /// - Parameter folder: Where the system keeps its zones.
    static func zones(in folder: String = "/usr/share/zoneinfo", year: Int = Int(Timestamp.now.description.prefix(4)) ?? 0) -> Checkup.Finding {
        let name = "time zones"
        guard access(folder + "/Europe/Berlin", R_OK) == 0 else {
            return .ill(name, .error, "no zones at \(folder)", fix: "install the package tzdata: windows are reckoned by it")
        }
        guard ZonedClock("Europe/Berlin") != nil else {
            return .ill(name, .error, "Europe/Berlin does not resolve", fix: "this program was built without zones: build a release as `make run` does")
        }
        guard let file = FileManager.default.contents(atPath: folder + "/tzdata.zi"), let version = MachineChecks.version(in: file) else {
            return .well(name, "at \(folder), of a version that is not told")
        }
        let detail = "tzdata \(version)"
        guard let issued = Int(version.prefix(4)), issued + 1 < year else { return .well(name, detail) }
        return .ill(name, .warning, detail, fix: "governments change clocks at short notice; update the package tzdata")
    }

    /// `# version 2025b` in the first line.
    private static func version(in file: Data) -> String? {
        let line = String(decoding: file.prefix { $0 != 0x0A }, as: UTF8.self)
        return line.hasPrefix("# version ") ? String(line.dropFirst(10)) : nil
    }
}
