import CCurl
import Glibc
import NIOCore
import SluiceCore
import SluiceDispatch
import SluiceWire

/// The engine's side of a call: an easy handle, which serves one call after the other, and what libcurl told of the present one.
///
/// It lives on its engine's thread and is never seen elsewhere.
final class Transfer {
    /// Why a call must end badly whatever libcurl says; the first word counts.
    enum Verdict {
        /// No socket could be had, or its address is not allowed.
        case notOpened(TransportFailure)
        /// libcurl was about to send the request again, or the call was cancelled.
        case notAgain
        case malformed(String)
        case cut(String)
        /// The backend has stopped reading the request.
        case stalled
    }

    let easy: UnsafeMutableRawPointer
    unowned let owner: TransferLoop
    private(set) var call: CurlCall?
    /// The index of the call's host in the engine's habits.
    private(set) var host = 0
    /// The connection's socket, as far as libcurl named it.
    var socket: Int32 = -1
    var verdict: Verdict?
    var usesProxy = false
    private(set) var answer = AnswerHead()
    private var chunks: ChunkedBody?
    private var fields: RequestHeaderList
    private var errorText: UnsafeMutablePointer<CChar>

    init(owner: TransferLoop) {
        guard let easy = ccurl_easy_init() else { preconditionFailure("libcurl has no memory for a transfer") }
        self.easy = easy
        self.owner = owner
        self.fields = RequestHeaderList()
        self.errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        self.errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        self.setUp()
    }

    deinit {
        ccurl_easy_cleanup(self.easy)
        self.errorText.deallocate()
    }

    // MARK: - Options

    /// Sets what is the same for every call.
    private func setUp() {
        let configuration = self.owner.engine.configuration
        let context = Unmanaged.passUnretained(self).toOpaque()
        ccurl_set_pointer(self.easy, CURLOPT_PRIVATE, context)
        ccurl_set_pointer(self.easy, CURLOPT_ERRORBUFFER, self.errorText)
        ccurl_set_pointer(self.easy, CURLOPT_SHARE, self.owner.share)
        ccurl_on_header(self.easy, Transfer.onHeader, context)
        ccurl_on_body(self.easy, Transfer.onBody, context)
        ccurl_on_request(self.easy, Transfer.onRequest, context)
        ccurl_on_open(self.easy, Transfer.onOpen, context)
        // A connection outlives the transfer that opened it.
        ccurl_on_close(self.easy, SocketWatch.onClose, Unmanaged.passUnretained(self.owner.watch).toOpaque())
        ccurl_set_text(self.easy, CURLOPT_PROTOCOLS_STR, "http,https")
        ccurl_set_text(self.easy, CURLOPT_NOPROXY, "")
        if let file = configuration.certificateFile { ccurl_set_text(self.easy, CURLOPT_CAINFO, file) }
        let http = Int(configuration.allowsHTTP2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1)
        for (option, value) in [
            (CURLOPT_NOSIGNAL, 1), (CURLOPT_FOLLOWLOCATION, 0), (CURLOPT_PATH_AS_IS, 1), (CURLOPT_POST, 1),
            (CURLOPT_SSL_VERIFYPEER, 1), (CURLOPT_SSL_VERIFYHOST, 2), (CURLOPT_HTTP_VERSION, http),
            // Whole seconds, rounded down, are compared: a connection is used again up to 3.99 s after its last use.
            (CURLOPT_MAXAGE_CONN, 3),
            // Chunks come with their framing, which is followed strictly here; libcurl alone would lose bytes after the end unseen.
            (CURLOPT_HTTP_TRANSFER_DECODING, 0), (CURLOPT_HTTP_CONTENT_DECODING, 0),
            // Each open stream has both; a TLS record carries 16 KiB anyway.
            (CURLOPT_UPLOAD_BUFFERSIZE, 16_384), (CURLOPT_BUFFERSIZE, 8192),
            (CURLOPT_TCP_NODELAY, 1), (CURLOPT_TCP_KEEPALIVE, 1), (CURLOPT_QUICK_EXIT, 1), (CURLOPT_SUPPRESS_CONNECT_HEADERS, 1),
        ] { ccurl_set_long(self.easy, option, value) }
    }

    /// Sets what this call needs.
    func prepare(_ call: CurlCall, host: Int, needsFreshConnection: Bool) {
        let request = call.request
        self.call = call
        self.host = host
        self.socket = -1
        self.verdict = nil
        self.chunks = nil
        self.answer.reset()
        self.errorText[0] = 0
        let proxy = self.owner.engine.configuration.proxies.proxy(for: request.url)
        self.usesProxy = proxy != nil
        ccurl_set_text(self.easy, CURLOPT_URL, "\(request.url.isSecure ? "https" : "http")://\(request.url.authority)\(request.path)")
        ccurl_set_text(self.easy, CURLOPT_PROXY, proxy ?? "")
        ccurl_set_long(self.easy, CURLOPT_CONNECTTIMEOUT_MS, max(1, Int(request.connectTimeout / .milliseconds(1))))
        ccurl_set_long(self.easy, CURLOPT_FRESH_CONNECT, needsFreshConnection ? 1 : 0)
        ccurl_set_long(self.easy, CURLOPT_FORBID_REUSE, 0)
        ccurl_set_pointer(self.easy, CURLOPT_HTTPHEADER, self.fields.fill(from: request.allFields))
        ccurl_set_long(self.easy, request.method == .post ? CURLOPT_POST : CURLOPT_HTTPGET, 1)
        // The handle is used again: a name of its own must not stay.
        if request.method == .delete {
            ccurl_set_text(self.easy, CURLOPT_CUSTOMREQUEST, UpstreamCall.Method.delete.rawValue)
        } else {
            ccurl_set_text(self.easy, CURLOPT_CUSTOMREQUEST, nil)
        }
        guard request.method == .post else { return }
        // The bytes stay where they are as long as the call, which is not changed, is held. Nothing is copied.
        request.body.withUnsafeReadableBytesWithStorageManagement { bytes, _ in
            ccurl_set_offset(self.easy, CURLOPT_POSTFIELDSIZE_LARGE, numericCast(bytes.count))
            ccurl_set_pointer(self.easy, CURLOPT_POSTFIELDS, bytes.baseAddress ?? UnsafeRawPointer(self.errorText))
        }
    }

    /// Lets go of the call; the handle is free for another one.
    func release() {
        self.call = nil
    }

    /// Lets the body come again, beginning with what libcurl has kept.
    ///
    /// - Returns: false where the transfer must end.
    func resume() -> Bool {
        ccurl_easy_pause(self.easy, CURLPAUSE_CONT) == CURLE_OK
    }

    // MARK: - What libcurl tells

    /// - Returns: false where the transfer must end.
    func tookHeader(_ line: UnsafeRawBufferPointer) -> Bool {
        switch self.answer.take(line) {
        case .more:
            return true
        case .broken(let reason):
            self.verdict = .malformed(reason)
            return false
        case .complete:
            switch self.answer.head.framing {
            case .chunked: self.chunks = ChunkedBody()
            // Bytes after a head without a body would be dropped unseen, and the connection kept.
            case .none, .length(0): ccurl_set_long(self.easy, CURLOPT_FORBID_REUSE, 1)
            case .length, .untilClose: break
            }
            var head = self.answer.upstreamHead
            head.connectTime = self.connectTime
            self.hand(.answered(head))
            return true
        }
    }

    /// nil where the connection was there already.
    private var connectTime: Duration? {
        guard ccurl_get_long(self.easy, CURLINFO_NUM_CONNECTS) > 0 else { return nil }
        let plain = ccurl_get_offset(self.easy, CURLINFO_CONNECT_TIME_T)
        return .microseconds(max(plain, ccurl_get_offset(self.easy, CURLINFO_APPCONNECT_TIME_T)))
    }

    /// How much of the body has left.
    var sentBytes: Int { Int(ccurl_get_offset(self.easy, CURLINFO_SIZE_UPLOAD_T)) }

    enum Appetite {
        case all, later, none
    }

    func tookBody(_ bytes: UnsafeRawBufferPointer) -> Appetite {
        guard let call = self.call, !call.isCancelled, self.answer.isComplete else { return .none }
        guard call.hasRoom() else { return .later }
        guard self.chunks != nil else {
            self.hand(ByteBuffer(bytes: bytes), of: call)
            return .all
        }
        var piece = ByteBufferAllocator().buffer(capacity: bytes.count)
        let isWell = self.unframe(bytes, into: &piece)
        if piece.readableBytes > 0 { self.hand(piece, of: call) }
        return isWell ? .all : .none
    }

    /// Takes the framing of the chunked coding off.
    private func unframe(_ bytes: UnsafeRawBufferPointer, into piece: inout ByteBuffer) -> Bool {
        var position = 0
        do throws(HTTPFault) {
            while true {
                switch try self.chunks?.next(bytes, at: &position) ?? .more {
                case .data(let range):
                    piece.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[range]))
                case .more:
                    return true
                case .end:
                    // What follows belongs to no answer: nobody may read on from here.
                    if position < bytes.count { ccurl_set_long(self.easy, CURLOPT_FORBID_REUSE, 1) }
                    return true
                }
            }
        } catch {
            self.verdict = .cut(error.reason)
            return false
        }
    }

    private func hand(_ bytes: ByteBuffer, of call: CurlCall) {
        call.took(bytes.readableBytes)
        self.hand(.received(bytes))
    }

    func hand(_ event: CurlCall.Event) {
        guard let call = self.call else { return }
        self.owner.outbox.append(TransferEngine.Delivery(call: call, event: event))
    }

    // MARK: - The end

    /// Hands out how the call ended.
    func end(_ code: CURLcode) {
        if code == CURLE_OK, self.answer.isComplete, self.chunks?.isOver ?? true {
            self.hand(.ended)
        } else {
            self.hand(.failed(self.failure(code, said: String(cString: self.errorText))))
        }
    }

    /// Whether the answer was one whose end was told by chunks, as that of a stream is.
    var answerKind: ConnectionHabit.Answer { self.chunks == nil ? .whole : .streamed }
}
