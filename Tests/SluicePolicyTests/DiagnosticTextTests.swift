import SluiceCore
import Testing

@testable import SluicePolicy

/// The exact texts of `sluice check`.
@Suite struct DiagnosticTextTests {
    private static let backends = """
        version: 1
        backends:
          one: { url: https://one.example.com/v1, price: { input: 1, cached: 1, output: 1 } }
        models:
          chat: { one: m }
        pools:
          cheap: { backends: [one] }

        """

    private func load(_ files: [(String, String)]) -> LoadedPolicy {
        PolicyLoader(environment: PolicyEnvironment(), now: Sample.now).load(files.map { PolicyFile(path: $0.0, text: $0.1) })
    }

    private func text(_ loaded: LoadedPolicy, _ code: Diagnostic.Code) -> String? {
        loaded.first(code).map { DiagnosticText(loaded).text($0) }
    }

    @Test func aMisspeltKeyIsUnderlined() {
        let loaded = self.load([("policies/20-classes.yaml", "version: 1\nclasses:\n  nightly:\n    serve: later\n    durring: off-peak\n")]
        )
        #expect(
            self.text(loaded, .unknownKey) == """
                policies/20-classes.yaml:5:5: error: unknown key `durring` in class `nightly`
                    5 |     durring: off-peak
                      |     ^^^^^^^ did you mean `during`?

                """)
    }

    @Test func anUnknownNameSaysWhereTheMeantOneIs() {
        let loaded = self.load([
            ("policies/10-backends.yaml", Self.backends),
            (
                "policies/20-classes.yaml",
                "version: 1\nclasses:\n  now: { use: [chaep] }\nroutes:\n  - class: now\nbaseline: { backend: one }\n"
            ),
        ])
        #expect(
            self.text(loaded, .unknownName) == """
                policies/20-classes.yaml:3:16: error: pool `chaep` is not defined
                    3 |   now: { use: [chaep] }
                      |                ^^^^^ did you mean `cheap`? (defined in policies/10-backends.yaml:7:3)

                """)
    }

    @Test func anUnreachableRouteNamesTheOneThatTakesAll() {
        let routes = """
            version: 1
            classes: { now: { use: cheap } }
            routes:
              - class: now
              - name: never
                class: now
            """
        let loaded = self.load([("policies/10-backends.yaml", Self.backends), ("policies/30-routes.yaml", routes)])
        #expect(
            self.text(loaded, .unreachableRoute)
                == "policies/30-routes.yaml:5:5: error: this route can never match: routes[0] (line 4) takes everything it would take\n")
    }

    @Test func aLiteralSecretIsAnsweredInOneLine() {
        let loaded = self.load([("policies/10-backends.yaml", "version: 1\nbackends:\n  openai:\n    key: abc\n")])
        #expect(
            self.text(loaded, .secretLiteral)
                == "policies/10-backends.yaml:4:10: error: this looks like a secret; write  key: ${OPENAI_API_KEY}\n")
    }

    @Test func aRouteThatQueuesLiveClientsIsWarnedAbout() {
        let routes = """
            version: 1
            classes:
              nightly: { serve: later, use: cheap, deadline: 4h }
            routes:
              - class: nightly
            """
        let loaded = self.load([("policies/10-backends.yaml", Self.backends), ("policies/30-routes.yaml", routes)])
        #expect(
            self.text(loaded, .mayQueueLive) == """
                policies/30-routes.yaml:5:5: warning: routes[0] can queue a request whose client waits on the connection;
                      add `match: { async: true }` or `hold: 25s` to class `nightly`

                """)
    }

    @Test func theSummaryCounts() {
        let loaded = self.load([
            ("a.yaml", Self.backends),
            (
                "b.yaml",
                "version: 1\nclasses:\n  nightly: { serve: later, use: chaep, deadline: 4h, durring: x, hold: no }\n  now: { use: }\nroutes:\n  - class: now\nbaseline: none\n"
            ),
            ("c.yaml", "version: 1\nserver: { admin: 0.0.0.0:1 }\n"),
        ])
        #expect(DiagnosticText.summary(of: loaded) == "1 warning, 4 errors in 3 files.  Nothing was loaded.")
    }

    @Test func combiningCharactersAndTabsKeepTheCaretInPlace() {
        // The column counts the accent, the caret does not; a tab stays a tab.
        let loaded = self.load([("p.yaml", "version: 1\nmodels: { \"e\u{301}\":\t{ nobody: m } }\n")])
        #expect(
            self.text(loaded, .unknownName) == """
                p.yaml:2:19: error: backend `nobody` is not defined
                    2 | models: { "e\u{301}":\t{ nobody: m } }
                      |               \t  ^^^^^^ the policy defines no backends

                """)
    }

    @Test func colourIsOnlyThereWhenAsked() throws {
        let loaded = Sample.load("version: 2\n")
        let diagnostic = try #require(loaded.first(.version))
        #expect(!DiagnosticText(loaded).text(diagnostic).contains("\u{1B}"))
        #expect(DiagnosticText(loaded, isColoured: true).text(diagnostic).contains("\u{1B}[31merror:\u{1B}[0m"))
    }
}
