import Testing

/// What `serve` says when it cannot run, and with which exit code.
@Suite struct ServeRefusalTests {
    @Test func aPolicyThatIsNowhereIsNamedInOneSentence() throws {
        let folder = try Program.Folder()
        let outcome = Program.sluice("serve", in: folder.path)
        #expect(outcome.status == 2)
        #expect(outcome.talk.hasPrefix("sluice: there is no policy: "))
        let named = Program.sluice("serve", "--config", "none.yaml", in: folder.path)
        #expect(named.status == 2)
        #expect(named.talk == "sluice: there is no none.yaml\n")
    }

    @Test func aPolicyWithMistakesIsRefused() throws {
        let folder = try Program.Folder()
        try folder.write("version: 1\nmodels: [a]\n", to: "p.yaml")
        let outcome = Program.sluice("serve", "--config", "p.yaml", in: folder.path)
        #expect(outcome.status == 1)
        #expect(outcome.talk.hasSuffix("Nothing was loaded.\n"))
    }

    @Test(arguments: ["/proc/none", "/proc/none/deeper/still", "/etc/passwd/data"])
    func aDataFolderThatCannotBeMadeIsNamed(path: String) {
        let outcome = Program.sluice("serve", "--config", "policies/quickstart", "--data", path)
        #expect(outcome.status == 2)
        #expect(outcome.talk.hasPrefix("sluice: cannot "), "\(outcome.talk)")
    }
}
