/// Files of clients: their bytes and what is known of them.
///
/// Everything here blocks and must not be called on an event loop, but for the writes with a callback, which are as durable as those of
/// ``JobStore``.
package protocol FileStore: Sendable {
    typealias Completion<Value> = @Sendable (Result<Value, StoreError>) -> Void

    /// Begins to take in a file whose bytes come in pieces.
    func receive(_ id: String) throws(StoreError) -> any FileReceipt

    /// Makes a received file one that is there: its bytes are durable and under their name before its row is, and both before `then` hears
    /// of it.
    func add(_ file: StoredFile, _ receipt: any FileReceipt, then: @escaping Completion<Void>)

    /// Deletes a file. Lines of a batch that still wait keep their requests until they end; every other byte of it is gone within a minute.
    /// False where there is none of that tenant.
    func deleteFile(_ id: String, tenant: String?, at now: Timestamp, then: @escaping Completion<Bool>)

    /// Deletes what has expired, and what is left over of receipts and files that nobody needs. Gives how many.
    func sweepFiles(at now: Timestamp, then: @escaping Completion<Int>)

    func file(_ id: String, tenant: String?) throws(StoreError) -> StoredFile?
    /// Those that are shown, by when they were made: not of ``StoredFile/Purpose/messageBatch``, but with output and error files of batches once
    /// they have a line. nil where the cursor names nothing that this tenant has.
    func files(tenant: String?, purpose: StoredFile.Purpose?, page: PageRequest) throws(StoreError) -> Page<StoredFile>?
    /// Up to `length` bytes from `offset`; fewer at the end of the file. nil where the bytes are gone.
    func read(_ id: String, at offset: Int, length: Int) throws(StoreError) -> [UInt8]?
}

/// A file on its way in.
package protocol FileReceipt: AnyObject, Sendable {
    /// - Throws: `.full` where the disk is.
    func append(_ bytes: UnsafeRawBufferPointer) throws(StoreError)
    /// Forgets what was received; called once where ``FileStore/add(_:_:then:)`` is not.
    func discard()
    var bytes: Int { get }
    /// Of what was received so far.
    var sha256: [UInt8] { get }
}
