import SluiceCore
import Testing

@testable import SluicePolicy

@Suite struct InterpolationTests {
    @Test(arguments: [
        ("plain", [Interpolation.Part.literal("plain")]),
        ("a$b", [.literal("a$b")]),
        ("$${A}", [.literal("${A}")]),
        ("${A}", [.variable(.init(name: "A"))]),
        ("x${A:-d}y", [.literal("x"), .variable(.init(name: "A", fallback: "d")), .literal("y")]),
        ("${A:-}", [.variable(.init(name: "A", fallback: ""))]),
        ("${A:?set it}", [.variable(.init(name: "A", message: "set it"))]),
        ("${file:/run/secrets/x}", [.file("/run/secrets/x")]),
        ("${cred:x}", [.credential("x")]),
        ("Bearer ${A}", [.literal("Bearer "), .variable(.init(name: "A"))]),
    ])
    func readsReferences(text: String, parts: [Interpolation.Part]) throws {
        #expect(try Interpolation(text).parts == parts)
    }

    @Test(arguments: ["${A", "${}", "${1A}", "${A B}", "${A:+x}", "${A:-${B}}", "${file:}", "${cred:}", "${cred:../x}"])
    func refusesWhatIsNone(text: String) {
        #expect(throws: Interpolation.Malformed.self) { try Interpolation(text) }
    }

    @Test func valuesAreNeverReadAsYAML() {
        let loaded = Sample.load(
            replacing: "url: https://api.example.com/v1", with: "url: \"${URL}\"",
            environment: ["URL": "https://x.example.com/v1, key: sk-1"])
        #expect(loaded.findings == ["bad_value 3:17"])
    }

    @Test func aRequiredValueIsMissedEvenByCheck() {
        let loaded = Sample.load(replacing: "class: patient", with: "class: \"${A_CLASS}\"")
        #expect(loaded.findings == ["unset_variable 15:38"])
        #expect(loaded.policy == nil)
    }

    @Test func aMissingVariableIsANoteForCheckAndAnErrorForServe() {
        let text = Sample.replace("url: https://api.example.com/v1", with: "url: \"${SOME_URL:?where is it}\"")
        let checked = Sample.load(text)
        #expect(checked.policy != nil)
        #expect(checked.first(.unsetVariable)?.message == "the environment variable `SOME_URL` is not set: where is it")
        #expect(Sample.load(text, purpose: .serve).policy == nil)
        #expect(
            Sample.load(text, environment: ["SOME_URL": "https://x.example.com"], purpose: .serve).policy?.backends[0].url?.host
                == "x.example.com")
    }
}
