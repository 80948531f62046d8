import Glibc

/// What the command line asks for.
struct FuzzOptions {
    var targets: Set<String> = []
    var rounds = 10_000
    var seed = UInt64(truncatingIfNeeded: time(nil))
    var only: Int?
    var printsBodies = false
    /// The folder of `Tests/Corpus`.
    var corpus = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(2).joined(separator: "/") + "/Corpus"

    init(_ arguments: some Sequence<String>) {
        var rest = Array(arguments)[...]
        while let argument = rest.popFirst() {
            switch argument {
            case "--rounds": self.rounds = self.number(&rest)
            case "--seed": self.seed = UInt64(self.number(&rest))
            case "--only": self.only = self.number(&rest)
            case "--corpus": self.corpus = rest.popFirst() ?? self.corpus
            case "--bodies": self.printsBodies = true
            default: self.targets.insert(argument)
            }
        }
    }

    private func number(_ rest: inout ArraySlice<String>) -> Int {
        guard let text = rest.popFirst(), let number = Int(text) else {
            print("sluice-fuzz-probe: a number is missing")
            exit(64)
        }
        return number
    }
}
