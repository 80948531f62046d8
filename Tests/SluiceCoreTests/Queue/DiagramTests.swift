import FoundationEssentials
import SluiceCore
import Testing

/// The page shows what the tables say.
@Suite struct DiagramTests {
    private static func page() throws -> Set<String> {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../..")
        let text = try String(contentsOf: root.appending(path: "docs/deferred-work.md"), encoding: .utf8)
        return Set(text.split(separator: "\n").map { String($0.drop { $0 == " " }) }.filter { $0.contains("-->") })
    }

    @Test func theDiagramsAreTheTablesOfTransitions() throws {
        var arrows: Set<String> = ["[*] --> validating", "[*] --> held", "[*] --> ready", "[*] --> building"]
        for state in JobState.allCases {
            for event in JobState.Event.allCases {
                guard let after = state.after(event) else { continue }
                arrows.insert("\(state) --> \(after) : \(event.rawValue)")
            }
        }
        for status in BatchStatus.allCases {
            for event in BatchStatus.Event.allCases {
                guard let after = status.after(event) else { continue }
                arrows.insert("\(status.name) --> \(after.name) : \(event.rawValue)")
            }
        }
        for state in BundleState.allCases {
            for event in BundleState.Event.allCases {
                guard let after = state.after(event) else { continue }
                arrows.insert("\(state.name) --> \(after.name) : \(event.rawValue)")
            }
        }
        let page = try DiagramTests.page()
        #expect(page.subtracting(arrows).isEmpty && arrows.subtracting(page).isEmpty, "\(page.symmetricDifference(arrows).sorted())")
    }
}
