@testable import SluiceBatch
import SluiceCore
import SluiceSQLite
import SluiceTesting
import Testing

@Suite struct FileLinesTests {
    private struct Line: Equatable {
        var text: String?
        var number: Int
        var offset: Int
    }

    /// The lines of a stored file.
    private func lines(of bytes: [UInt8]) async throws -> [Line] {
        let folder = TemporaryFolder()
        let database = try SQLiteDatabase(.init(folder: DataFolder(folder.path)), at: Sample.now)
        defer { try? database.close(at: Sample.now) }
        let store = SQLiteFileStore(database)
        let receipt = try store.receive("file-1")
        try bytes.withUnsafeBytes { try receipt.append($0) }
        let file = Sample.file("file-1", bytes: receipt.bytes, sha256: receipt.sha256)
        try await withCheckedThrowingContinuation { waiting in store.add(file, receipt) { waiting.resume(with: $0) } }
        var reader = FileLines("file-1", in: store)
        var found: [Line] = []
        while try reader.next({ bytes, place in
            found.append(Line(text: bytes.map { String(decoding: $0, as: UTF8.self) }, number: place.number, offset: place.offset))
        }) {}
        return found
    }

    @Test(arguments: ["a\nb\n", "a\nb", "a\r\nb\r\n", "\u{FEFF}a\nb", "a\nb\n\n", "a\nb\n \t \n"])
    func breaksMarksAndBlanksAreNoLines(text: String) async throws {
        let found = try await self.lines(of: Array(text.utf8))
        #expect(found.map(\.text) == ["a", "b"] && found.map(\.number) == [1, 2], "\(found)")
    }

    @Test func blankLinesCountWhereTheyStand() async throws {
        let found = try await self.lines(of: Array("\n\na\n\n\nb".utf8))
        #expect(found == [Line(text: "a", number: 3, offset: 2), Line(text: "b", number: 6, offset: 6)])
    }

    @Test func nothingIsNoLine() async throws {
        #expect(try await self.lines(of: []).isEmpty)
        #expect(try await self.lines(of: Array("\n\r\n  \n".utf8)).isEmpty)
    }

    @Test func linesAcrossTheEndOfAPieceStayWhole() async throws {
        // A letter of two bytes lies across the end of the first megabyte.
        let long = String(repeating: "ü", count: (1 << 20) - 3)
        let found = try await self.lines(of: Array("x\n\(long)\ny".utf8))
        #expect(found.map(\.text) == ["x", long, "y"])
        #expect(found.last == Line(text: "y", number: 3, offset: 3 + 2 * long.count))
    }

    @Test func aLineThatIsTooLongIsCountedButNotGiven() async throws {
        let long = [UInt8](repeating: 0x61, count: FileLines.longest + 1)
        let found = try await self.lines(of: long + Array("\nb".utf8))
        #expect(found == [Line(text: nil, number: 1, offset: 0), Line(text: "b", number: 2, offset: long.count + 1)])
    }
}
