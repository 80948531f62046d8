import FoundationEssentials
import Testing

/// `check`, `config`, `init`, `schema` and `windows`, from outside.
@Suite struct PolicyCommandTests {
    @Test func checkAnswersYesNoAndCannotSay() throws {
        let folder = try Program.Folder()
        try folder.write("version: 1\nmodels: [a]\n", to: "p.yaml")
        #expect(Program.sluice("check", "policies/quickstart").status == 0)
        #expect(Program.sluice("check", folder.path).status == 1)
        #expect(Program.sluice("check", "\(folder.path)/none.yaml").status == 2)
        #expect(Program.sluice("check", "--no-such-option").status == 64)
    }

    @Test func checkPrintsToStdoutWhatIsWrong() throws {
        let folder = try Program.Folder()
        try folder.write("version: 1\nclasses: { now: { sevre: now, use: [a] } }\n", to: "p.yaml")
        let outcome = Program.sluice("check", "p.yaml", in: folder.path)
        #expect(outcome.output.contains("p.yaml:2:19: error: unknown key `sevre` in class `now`\n"))
        #expect(outcome.output.hasSuffix("Nothing was loaded.\n"))
        #expect(!outcome.output.contains("\u{1B}"), "colour is for terminals")
    }

    @Test func thePolicyIsLookedForInOrder() throws {
        let folder = try Program.Folder()
        #expect(Program.sluice("check", in: folder.path).talk.hasPrefix("sluice: there is no policy"))
        #expect(Program.sluice("init", in: folder.path).status == 0)
        #expect(Program.sluice("check", in: folder.path).status == 0)
        #expect(
            Program.sluice("check", in: folder.path, environment: ["SLUICE_CONFIG": "\(Program.root)/policies/quickstart"]).output.contains(
                "3 files"))
        #expect(
            Program.sluice("check", "--config", "/nonexistent", in: folder.path, environment: ["SLUICE_CONFIG": folder.path]).status == 2)
    }

    @Test func initOverwritesNothing() throws {
        let folder = try Program.Folder()
        let first = Program.sluice("init", in: folder.path)
        #expect(first.output == "policies/10-policy.yaml is written. Look at it, then:\n  sluice check\n  sluice serve\n")
        #expect(FileManager.default.fileExists(atPath: "\(folder.path)/policies/sluice.schema.json"))
        #expect(Program.sluice("init", in: folder.path).status == 1)
    }

    @Test func theEffectivePolicyIsAPolicy() throws {
        let folder = try Program.Folder()
        let effective = Program.sluice("config", "--effective", "--config", "policies/enterprise").output
        #expect(effective.contains("policies/enterprise/10-backends.yaml:8\n"))
        try folder.write(effective, to: "p.yaml")
        let again = Program.sluice("config", "--effective", "--config", "\(folder.path)/p.yaml").output
        #expect(again.prefix { $0 != "\n" } == effective.prefix { $0 != "\n" }, "the same revision")
    }

    @Test func aMistypedCommandHasASuggestion() {
        let outcome = Program.sluice("chekc")
        #expect(outcome.status == 64)
        #expect(outcome.talk == "sluice: there is no command `chekc`; did you mean `sluice check`?\n")
    }

    @Test(arguments: [
        ["explain", "--model", "chat", "--tenant", "zz"], ["explain", "--model", "chat", "--at", "foo"], ["explain"], ["report", "--by", "nope"],
        ["report", "--since", "garbage"], ["windows", "--next", "x"], ["audit", "verify", "--head", "foo"], ["windows", "--no-such-option"], ["chekc"],
    ])
    func argumentsThatCannotBeUnderstoodAreJSONToo(_ arguments: [String]) throws {
        let json = Program.run([Program.executable] + arguments + ["--output", "json"], environment: ["SLUICE_CONFIG": "policies/quickstart"])
        #expect(json.status == 64 && json.output.isEmpty)
        let error = try JSONDecoder().decode(ErrorSaid.self, from: Data(json.talk.utf8))
        #expect(error.schema == "sluice.error/v1" && !error.message.isEmpty)
        let text = Program.run([Program.executable] + arguments, environment: ["SLUICE_CONFIG": "policies/quickstart"])
        #expect(text.status == 64 && text.talk.contains(error.message), "\(text.talk)")
    }

    private struct ErrorSaid: Decodable {
        var schema: String
        var message: String
    }

    @Test func anExplanationThatSaysNoStaysOnStdout() throws {
        let outcome = Program.sluice("explain", "--model", "nope", "--config", "policies/quickstart", "--output", "json")
        #expect(outcome.status == 1 && outcome.talk.isEmpty)
        struct Explanation: Decodable {
            struct Refused: Decodable { var status: Int }
            var schema: String
            var refused: Refused
        }
        let said = try JSONDecoder().decode(Explanation.self, from: Data(outcome.output.utf8))
        #expect(said.schema == "sluice.explain/v1" && said.refused.status == 404)
    }

    @Test func whatKeepsACommandFromAnsweringIsJSONToo() {
        let outcome = Program.sluice("windows", "--config", "/nonexistent", "--output", "json")
        #expect(outcome.status == 2)
        #expect(outcome.output.isEmpty)
        #expect(outcome.talk.contains("\"schema\" : \"sluice.error/v1\""))
    }

    @Test func windowsShowsOddNights() {
        let outcome = Program.sluice("windows", "--config", "policies/quickstart", "--since", "2027-03-27T12:00:00Z", "--next", "1d")
        #expect(
            outcome.output == """
                window  opens                 closes                 lasts
                night   Sat 27 Mar 22:00 CET  Sun 28 Mar 06:00 CEST  7 h  (the clock goes forward)

                """)
    }

    /// The schema of each output, against what the command prints.
    @Test(arguments: [
        ("check", ["check", "policies/enterprise", "--output", "json"]),
        ("check", ["check", "Tests/Corpus/policies/unknown-key.yaml", "--output", "json"]),
        ("windows", ["windows", "--config", "policies/enterprise", "--output", "json"]),
    ])
    func outputsKeepTheirSchemas(name: String, command: [String]) throws {
        guard Program.run(["python3", "-c", "import jsonschema"]).status == 0 else { return }
        let folder = try Program.Folder()
        try folder.write(Program.sluice("schema", name).output, to: "schema.json")
        try folder.write(Program.run([Program.executable] + command).output, to: "output.json")
        let script = "import json, jsonschema; jsonschema.validate(json.load(open(\"output.json\")), json.load(open(\"schema.json\")))"
        let outcome = Program.run(["python3", "-c", script], in: folder.path)
        #expect(outcome.status == 0, "\(outcome.talk)")
    }
}
