import Glibc

/// Plays many worlds around the dispatcher: `SEEDS [FIRST]`, or `mutants [SEEDS]` to see that the oracles find what is planted.
let arguments = CommandLine.arguments.dropFirst() + ["", ""]

/// A whole line at once, whatever stands behind the descriptor.
func say(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    _ = write(1, bytes, bytes.count)
}

/// What is wrong in the world of a seed; nil where nothing is.
func found(_ seed: UInt64, _ mutant: Mutant? = nil) throws -> [String]? {
    weak var gone: World?
    var faults: [String] = []
    do {
        let world = World(seed: seed, mutant: mutant)
        gone = world
        faults = try world.run()
    }
    // Whatever outlives it has hold of it: a run, an attempt, a timer.
    if gone != nil { faults.append("something of the world is kept for ever") }
    return faults.isEmpty ? nil : faults
}

if arguments.first == "mutants" {
    let most = UInt64(arguments[arguments.startIndex + 1]) ?? 2000
    var survivors = 0
    for mutant in Mutant.allCases {
        if let seed = try (1...most).first(where: { try found($0, mutant) != nil }) {
            say("\(mutant.rawValue): found by seed \(seed): \(try found(seed, mutant)?.first ?? "")")
        } else {
            survivors += 1
            say("\(mutant.rawValue): not found within \(most) seeds")
        }
    }
    exit(survivors == 0 ? 0 : 1)
}

let seeds = UInt64(arguments.first ?? "") ?? 5000
let first = UInt64(arguments[arguments.startIndex + 1]) ?? 1
var failures = 0
for seed in first..<first + seeds {
    guard let faults = try found(seed) else { continue }
    failures += 1
    if failures <= 5 { say("SEED=\(seed): \(faults.prefix(4).joined(separator: "; "))") }
    // The same seed must fail in the same way.
    if try found(seed) ?? [] != faults { say("SEED=\(seed) does not replay") }
}
say("dispatch simulation: \(seeds) seeds from \(first), \(failures) failures")
exit(failures == 0 ? 0 : 1)
