import SluiceCore
import CCurl
import Glibc
import SluiceDispatch

/// The functions that libcurl calls, on the engine's thread and inside its own functions; each goes on in the object that it was given.
extension Transfer {
    static func of(_ context: UnsafeMutableRawPointer) -> Transfer {
        Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
    }

    static let onHeader: curl_write_callback = { bytes, size, count, context in
        guard let bytes, let context else { return 0 }
        return Transfer.of(context).tookHeader(UnsafeRawBufferPointer(start: bytes, count: size * count)) ? size * count : 0
    }

    static let onBody: curl_write_callback = { bytes, size, count, context in
        guard let bytes, let context else { return 0 }
        switch Transfer.of(context).tookBody(UnsafeRawBufferPointer(start: bytes, count: size * count)) {
        case .all: return size * count
        case .later: return Int(CURL_WRITEFUNC_PAUSE)
        case .none: return 0
        }
    }

    /// Called when the connection stands, right before the request is written: each time, were it written twice.
    static let onRequest: curl_prereq_callback = { context, address, _, _, _ in
        guard let context else { return CURL_PREREQFUNC_ABORT }
        return Transfer.of(context).mayBeSent(to: address) ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT
    }

    private func mayBeSent(to address: UnsafePointer<CChar>?) -> Bool {
        guard let call = self.call else { return false }
        // A connection that was opened for a backend with other rights may be used again here.
        if !call.request.allowsPrivateAddresses, !self.usesProxy, address.flatMap({ PeerAddress($0) })?.isPrivate ?? true {
            self.verdict = self.verdict ?? .notOpened(Transfer.privateAddress)
            return false
        }
        guard call.markSent() else {
            self.verdict = self.verdict ?? .notAgain
            return false
        }
        self.hand(.sent)
        return true
    }

    static let onOpen: curl_opensocket_callback = { context, _, address in
        guard let context, let address else { return CURL_SOCKET_BAD }
        return Transfer.of(context).open(address)
    }

    private func open(_ address: UnsafeMutablePointer<curl_sockaddr>) -> curl_socket_t {
        guard let call = self.call, !call.isSent else {
            self.verdict = .notAgain
            return CURL_SOCKET_BAD
        }
        let allows = self.usesProxy || call.request.allowsPrivateAddresses
        guard allows || PeerAddress(&address.pointee.addr)?.isPrivate == false else {
            self.verdict = .notOpened(Transfer.privateAddress)
            return CURL_SOCKET_BAD
        }
        let type = address.pointee.socktype | Int32(SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let socket = Glibc.socket(address.pointee.family, type, address.pointee.protocol)
        guard socket >= 0 else {
            // No IPv6 on this machine is no trouble: the other addresses are tried.
            if errno != EAFNOSUPPORT {
                self.verdict = .notOpened(TransportFailure(.local, "no socket: \(String(cString: strerror(errno)))"))
            }
            return CURL_SOCKET_BAD
        }
        // Another address of the same name was refused; this one decides.
        self.verdict = nil
        self.owner.watch.opened(socket, host: self.host)
        return socket
    }

    static let privateAddress = TransportFailure(.notSent, "the host has a private address, which is not allowed for this backend")
}

extension SocketWatch {
    static let onClose: curl_closesocket_callback = { context, socket in
        if let context { Unmanaged<SocketWatch>.fromOpaque(context).takeUnretainedValue().closes(socket) }
        return close(socket)
    }
}

extension TransferLoop {
    static let onSocket: curl_socket_callback = { easy, socket, what, context, _ in
        guard let context else { return 0 }
        let owner = Unmanaged<TransferLoop>.fromOpaque(context).takeUnretainedValue()
        if what != CURL_POLL_REMOVE, let easy, let transfer = ccurl_context(easy) { Transfer.of(transfer).socket = socket }
        owner.watch.change(socket, to: what)
        return 0
    }

    static let onTimer: curl_multi_timer_callback = { _, milliseconds, context in
        guard let context else { return 0 }
        Unmanaged<TransferLoop>.fromOpaque(context).takeUnretainedValue().wake(in: milliseconds)
        return 0
    }
}
