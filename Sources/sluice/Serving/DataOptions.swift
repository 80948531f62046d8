import ArgumentParser
import FoundationEssentials
import SluiceCore
import SluicePolicy
import SluiceSQLite

/// Which data folder a command is about.
struct DataOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The data folder; else SLUICE_DATA, the folder of `server: database`, $STATE_DIRECTORY or $XDG_STATE_HOME/sluice.", valueName: "dir"),
        completion: .directory)
    var data: String?

    /// - Parameter policy: Its `server: database` may name the place; nil where a command knows no policy.
    func folder(_ policy: PolicySet? = nil) -> DataFolder {
        let environment = ProcessInfo.processInfo.environment
        func given(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        if let data { return DataFolder(data) }
        if let named = given("SLUICE_DATA") { return DataFolder(named) }
        if case .sqlite(let path?) = policy?.server.database, let slash = path.lastIndex(of: "/") { return DataFolder(String(path[..<slash])) }
        if let state = given("STATE_DIRECTORY") { return DataFolder(String(state.prefix { $0 != ":" })) }
        if let state = given("XDG_STATE_HOME") { return DataFolder(state + "/sluice") }
        return DataFolder((given("HOME") ?? ".") + "/.local/state/sluice")
    }
}
