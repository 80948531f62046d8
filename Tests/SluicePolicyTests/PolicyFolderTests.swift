import FoundationEssentials
import SluiceCore
import Testing

@testable import SluicePolicy

@Suite struct PolicyFolderTests {
    private func inFolder(_ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "sluice-folder-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try body(folder)
    }

    private func write(_ text: String, to path: String) throws { try Data(text.utf8).write(to: URL(filePath: path)) }

    @Test func readsYAMLFilesInOrderAndNothingElse() throws {
        try self.inFolder { folder in
            for name in ["20.yml", "10.yaml", ".hidden.yaml", "notes.txt", "30.yaml~"] { try self.write("x", to: "\(folder)/\(name)") }
            #expect(try PolicyFolder([folder]).read().files.map(\.path) == ["\(folder)/10.yaml", "\(folder)/20.yml"])
            #expect(try PolicyFolder([folder + "/"]).read().files.map(\.path) == ["\(folder)/10.yaml", "\(folder)/20.yml"])
        }
    }

    @Test func aLinkOutOfTheFolderIsRefused() throws {
        try self.inFolder { folder in
            try self.inFolder { elsewhere in
                try self.write("x", to: "\(elsewhere)/secret.yaml")
                try FileManager.default.createSymbolicLink(atPath: "\(folder)/a.yaml", withDestinationPath: "\(elsewhere)/secret.yaml")
                try FileManager.default.createDirectory(atPath: "\(folder)/..data", withIntermediateDirectories: true)
                try self.write("x", to: "\(folder)/..data/b.yaml")
                try FileManager.default.createSymbolicLink(atPath: "\(folder)/b.yaml", withDestinationPath: "..data/b.yaml")
                let contents = try PolicyFolder([folder]).read()
                #expect(contents.problems.map(\.code) == [.outsideFolder])
                #expect(contents.files.map(\.path) == ["\(folder)/b.yaml"], "as a ConfigMap is mounted")
            }
        }
    }

    @Test func whatIsNoFileIsAProblem() throws {
        try self.inFolder { folder in
            try FileManager.default.createDirectory(atPath: "\(folder)/a.yaml", withIntermediateDirectories: true)
            try FileManager.default.createSymbolicLink(atPath: "\(folder)/b.yaml", withDestinationPath: "nowhere")
            #expect(try PolicyFolder([folder]).read().problems.map(\.code) == [.fileUnreadable, .fileUnreadable])
        }
    }

    @Test func aFolderWithoutPoliciesSaysWhatThereIs() throws {
        try self.inFolder { folder in
            try FileManager.default.createDirectory(atPath: "\(folder)/quickstart", withIntermediateDirectories: true)
            let missing = try #require(throws: PolicyFolder.Missing.self) { try PolicyFolder([folder]).read() }
            #expect(missing.message == "\(folder) holds no *.yaml file; name one of its folders: quickstart")
        }
    }

    @Test func aThousandFilesAreOnePolicy() throws {
        try self.inFolder { folder in
            for index in 0..<1000 {
                try self.write("version: 1\nwindows: { w\(index): { hours: 08:00-09:00 } }\n", to: "\(folder)/\(1000 + index).yaml")
            }
            try self.write(Sample.whole, to: "\(folder)/0.yaml")
            let policy = try PolicyReader(PolicyFolder([folder]), environment: PolicyEnvironment(), prices: nil).read(at: Sample.now).policy
            #expect(policy?.calendar.ownNames.count == 1001)
        }
    }

    @Test func aHugeFileIsNotReadToItsEnd() throws {
        try self.inFolder { folder in
            try Data(repeating: 0x20, count: 8 << 20).write(to: URL(filePath: "\(folder)/a.yaml"))
            let file = try #require(try PolicyFolder([folder]).read().files.first)
            #expect(file.bytes.count < 2 << 20)
            #expect(PolicyLoader(environment: PolicyEnvironment(), now: Sample.now).load([file]).first(.fileTooLarge) != nil)
        }
    }
}
