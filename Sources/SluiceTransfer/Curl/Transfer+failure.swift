import CCurl
import Glibc
import SluiceDispatch

extension Transfer {
    /// Puts libcurl's word for what went wrong into the dispatcher's: what matters is how far the request had come.
    func failure(_ code: CURLcode, said text: String) -> TransportFailure {
        let reason = text.isEmpty ? String(cString: ccurl_easy_strerror(code)) : text
        switch self.verdict {
        case .notOpened(let failure): return failure
        case .notAgain: return TransportFailure(.ambiguous, "the connection was lost after the request, and it is not sent twice")
        case .malformed(let reason): return TransportFailure(.malformed, reason)
        case .stalled:
            return TransportFailure(self.answer.isComplete ? .cut : .ambiguous, "the backend took nothing of the request for 10 s")
        case .cut(let reason): return TransportFailure(.cut, reason)
        case nil: break
        }
        if self.answer.isComplete { return TransportFailure(.cut, reason) }
        if self.call?.isSent ?? false {
            switch code {
            // So libcurl says where a header line is longer than 100 kB.
            case CURLE_OUT_OF_MEMORY: return TransportFailure(.malformed, "a header line is too long")
            case CURLE_GOT_NOTHING: return TransportFailure(.hungUp, reason)
            case CURLE_OK: return TransportFailure(.ambiguous, "the connection ended before the answer's head was whole")
            case CURLE_UNSUPPORTED_PROTOCOL, CURLE_WEIRD_SERVER_REPLY: return TransportFailure(.malformed, reason)
            default: return TransportFailure(.ambiguous, reason)
            }
        }
        switch code {
        case CURLE_OUT_OF_MEMORY, CURLE_FAILED_INIT, CURLE_URL_MALFORMAT, CURLE_SSL_CACERT_BADFILE, CURLE_NOT_BUILT_IN:
            return TransportFailure(.local, reason)
        case CURLE_COULDNT_CONNECT where Transfer.isLocal(ccurl_get_long(self.easy, CURLINFO_OS_ERRNO)):
            return TransportFailure(.local, reason)
        case CURLE_COULDNT_RESOLVE_HOST:
            // The resolver does not tell why it failed; that it did says nothing of the backend.
            return TransportFailure(.local, Transfer.isOutOfDescriptors ? "\(reason): no file descriptor is left" : reason)
        case CURLE_OPERATION_TIMEDOUT:
            return TransportFailure(.unreached, reason)
        default:
            return TransportFailure(.notSent, reason)
        }
    }

    private static func isLocal(_ error: Int) -> Bool {
        [EMFILE, ENFILE, ENOBUFS, ENOMEM, EADDRNOTAVAIL].contains(Int32(error))
    }

    private static var isOutOfDescriptors: Bool {
        let probe = Glibc.open("/dev/null", O_RDONLY | O_CLOEXEC)
        guard probe >= 0 else { return true }
        close(probe)
        return false
    }
}
