import ArgumentParser

@main
struct Sluice: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sluice",
        abstract: "Decides for every inference request who answers it, when, and at what price.",
        subcommands: [Check.self])
}
