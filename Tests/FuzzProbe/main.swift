import FoundationEssentials
import Glibc
import SluiceTesting

/// A program for tests: mutates inputs of every reader of foreign bytes and looks whether each keeps its promises.
///
///     sluice-fuzz-probe [TARGET …] [--rounds N] [--seed S] [--only ROUND] [--bodies]
///
/// Every round has a chance of its own made from the seed and its number, so `--only` replays one. `--bodies` judges no target but prints
/// `N` mutated JSON texts with the scanner's verdict, for another parser to check.
let options = FuzzOptions(CommandLine.arguments.dropFirst())
let corpus = FuzzCorpus(folder: options.corpus)
if options.printsBodies {
    BodyListing(corpus: corpus, options: options).print()
} else {
    var isSound = true
    for target in FuzzTarget.all where options.targets.isEmpty || options.targets.contains(target.name) {
        if !FuzzRun(target: target, corpus: corpus, options: options).perform() { isSound = false }
    }
    exit(isSound ? 0 : 1)
}
