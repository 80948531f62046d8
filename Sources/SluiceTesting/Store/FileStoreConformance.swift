import SluiceCore

/// What every ``FileStore`` must do.
package enum FileStoreConformance {
    package static let cases = [
        StoreCase("a file comes back as it was received, in pieces") { store in
            let receipt = try store.files.receive("file-1")
            for piece in ["one ", "", "two"] { try receipt.append(piece) }
            try expect(receipt.bytes == 7 && receipt.sha256.count == 32, "\(receipt.bytes) bytes")
            let file = Sample.file("file-1", bytes: receipt.bytes, sha256: receipt.sha256, expires: Sample.now + .seconds(60))
            try expect(try store.files.file("file-1", tenant: nil) == nil, "it is there before it was added")
            try await stored { store.files.add(file, receipt, then: $0) }
            let found = try require(try store.files.file("file-1", tenant: "default"), "it is not found")
            try expect(String(describing: found) == String(describing: file), "stored \(file), found \(found)")
            try expect(try store.files.file("file-1", tenant: "another") == nil, "another tenant finds it")
            try expect(try store.files.read("file-1", at: 4, length: 100).map { String(decoding: $0, as: UTF8.self) } == "two", "other bytes")
            let next = try await store.afterKill()
            try expect(try next.files.read("file-1", at: 0, length: 3).map { String(decoding: $0, as: UTF8.self) } == "one", "gone after a kill")
        },
        StoreCase("what was discarded is nowhere, and its id is free again") { store in
            let receipt = try store.files.receive("file-1")
            try receipt.append("text")
            receipt.discard()
            try expect(try store.files.read("file-1", at: 0, length: 3) == nil && store.files.file("file-1", tenant: nil) == nil, "it is still there")
            try await store.file("file-1", of: 1)
        },
        StoreCase("an id that is no plain name is refused") { store in
            for id in ["../file", "", "a/b", "file.part", String(repeating: "a", count: 200)] {
                try expect((try? store.files.receive(id)) == nil, "`\(id)` was taken")
            }
        },
        StoreCase("a deleted file is gone") { store in
            try await store.file("file-1", of: 2)
            try expect(try await stored { store.files.deleteFile("file-1", tenant: "another", at: Sample.now, then: $0) } == false, "by another tenant")
            try expect(try await stored { store.files.deleteFile("file-1", tenant: "default", at: Sample.now, then: $0) }, "not deleted")
            try expect(try await stored { store.files.deleteFile("file-1", tenant: "default", at: Sample.now, then: $0) } == false, "deleted twice")
            try expect(try store.files.file("file-1", tenant: nil) == nil && store.files.read("file-1", at: 0, length: 1) == nil, "it is still there")
        },
        StoreCase("a deleted file keeps the requests that still wait, until they end") { store in
            let batch = Sample.batch()
            try await store.file("file-in", of: 3)
            try await store.begun(batch, lines: 3)
            try await store.end(batch, 1) { _ in .done }
            try expect(try await stored { store.files.deleteFile("file-in", tenant: nil, at: Sample.now, then: $0) }, "not deleted")
            try expect(try store.files.file("file-in", tenant: nil) == nil, "it is still shown")
            try expect(try store.lineText(1) == nil && store.lineText(2) == "line 2" && store.lineText(3) == "line 3", "other lines than those that wait")
            try await store.end(batch, 1) { _ in .failed }
            _ = try await stored { store.files.sweepFiles(at: Sample.now, then: $0) }
            try expect(try store.lineText(2) == nil && store.lineText(3) == "line 3", "an ended line keeps its request")
            try await store.end(batch, 1) { _ in .done }
            _ = try await stored { store.files.sweepFiles(at: Sample.now, then: $0) }
            try expect(try store.files.read("file-in", at: 0, length: 1) == nil, "the bytes are still there")
            let isRetried = await (try? stored { store.batches.retryBatch(batch.id, tenant: nil, at: Sample.now, then: $0) }) != nil
            try expect(!isRetried, "lines without their requests are retried")
        },
        StoreCase("a deleted file stays whole while its lines are still being stored") { store in
            try await store.file("file-in", of: 2)
            try await store.create(Sample.batch())
            _ = try await stored { store.files.deleteFile("file-in", tenant: nil, at: Sample.now, then: $0) }
            try expect(try store.lineText(1) == "line 1" && store.lineText(2) == "line 2", "its bytes are gone")
        },
        StoreCase("the sweep deletes what has expired and what is left over") { store in
            try await store.file("file-1", of: 1, expires: Sample.now + .seconds(60))
            try await store.file("file-2", of: 1)
            let receipt = try store.files.receive("file-3")
            try receipt.append("not yet")
            _ = try await stored { store.files.sweepFiles(at: Sample.now + .seconds(59), then: $0) }
            try expect(try store.files.file("file-1", tenant: nil) != nil, "expired too early")
            _ = try await stored { store.files.sweepFiles(at: Sample.now + .seconds(60), then: $0) }
            try expect(try store.files.read("file-1", at: 0, length: 1) == nil, "an expired file is still there")
            try expect(try store.files.read("file-2", at: 0, length: 1) != nil, "a file without an end is gone")
            // What is on its way in while a sweep goes on is left alone.
            let file = Sample.file("file-3", bytes: receipt.bytes, sha256: receipt.sha256)
            try await stored { store.files.add(file, receipt, then: $0) }
            try expect(try store.files.read("file-3", at: 0, length: 1) != nil, "what was on its way in is gone")
        },
        StoreCase("files are listed by purpose; those of message batches are shown to nobody") { store in
            for (id, purpose) in [("file-1", StoredFile.Purpose.batch), ("file-2", .userData), ("file-3", .batch), ("file-4", .messageBatch)] {
                try await store.file(id, of: 1, purpose: purpose)
            }
            func list(_ purpose: StoredFile.Purpose?, _ page: PageRequest = PageRequest(limit: 10)) throws -> [String]? {
                try store.files.files(tenant: "default", purpose: purpose, page: page)?.data.map(\.id)
            }
            try expect(try list(nil) == ["file-3", "file-2", "file-1"], "\(String(describing: try list(nil)))")
            try expect(try list(.batch) == ["file-3", "file-1"], "\(String(describing: try list(.batch)))")
            var page = PageRequest(limit: 1)
            page.order = .oldestFirst
            page.cursor = .after("file-1")
            try expect(try list(nil, page) == ["file-2"], "\(String(describing: try list(nil, page)))")
            page.cursor = .after("file-4")
            try expect(try list(nil, page) == nil, "a page after a file that is shown to nobody")
            try expect(try store.files.files(tenant: "another", purpose: nil, page: PageRequest(limit: 10))?.data.isEmpty == true, "another tenant's")
        },
        StoreCase("output and error files stand in the list once they have a line, and until they are deleted") { store in
            try await store.file("file-1", of: 1)
            let batch = Sample.batch()
            try await store.begun(batch, lines: 3)
            func list(_ page: PageRequest = PageRequest(limit: 10)) throws -> [String]? {
                try store.files.files(tenant: "default", purpose: nil, page: page)?.data.map(\.id)
            }
            try expect(try list() == ["file-1"], "files without a line are shown")
            try await store.end(batch) { $0 == 2 ? .failed : .done }
            try expect(try list() == ["file-out-batch_1", "file-err-batch_1", "file-1"], "\(String(describing: try list()))")
            var page = PageRequest(limit: 1)
            page.cursor = .after("file-out-batch_1")
            try expect(try list(page) == ["file-err-batch_1"], "\(String(describing: try list(page)))")
            let outputs = try store.files.files(tenant: "default", purpose: .batchOutput, page: PageRequest(limit: 1))
            try expect(outputs?.hasMore == true && outputs?.data.first?.bytes == (try store.found(batch)).outputBytes, "\(String(describing: outputs))")
            _ = try await stored { store.batches.eraseFile(.output, of: batch.id, tenant: "default", at: Sample.now, then: $0) }
            try expect(try list() == ["file-err-batch_1", "file-1"], "a deleted file is shown")
        },
    ]
}

extension FileReceipt {
    fileprivate func append(_ text: String) throws {
        var text = text
        let result: Result<Void, StoreError> = text.withUTF8 { bytes in
            do throws(StoreError) { return .success(try self.append(UnsafeRawBufferPointer(bytes))) } catch { return .failure(error) }
        }
        try result.get()
    }
}

extension StoreSubject {
    /// A file of lines as ``Sample/line(_:of:model:deadline:result:)`` wants them.
    func file(_ id: String, of lines: Int, purpose: StoredFile.Purpose = .batch, expires: Timestamp? = nil) async throws {
        let receipt = try self.files.receive(id)
        for n in 1...lines {
            var text = "line \(n)"
            while text.utf8.count < Sample.lineLength - 1 { text += " " }
            try receipt.append(text + "\n")
        }
        let file = Sample.file(id, purpose: purpose, bytes: receipt.bytes, sha256: receipt.sha256, expires: expires)
        try await stored { self.files.add(file, receipt, then: $0) }
    }

    /// What stands in the place of a line; nil where all of it is zero.
    fileprivate func lineText(_ n: Int) throws -> String? {
        guard let bytes = try self.files.read("file-in", at: (n - 1) * Sample.lineLength, length: Sample.lineLength) else { return nil }
        guard bytes.contains(where: { $0 != 0 }) else { return nil }
        return String(decoding: bytes.prefix { $0 != 0x0A }, as: UTF8.self).split(separator: " ").joined(separator: " ")
    }
}
