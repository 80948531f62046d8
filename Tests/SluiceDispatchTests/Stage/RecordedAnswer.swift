import NIOCore
import SluiceCore
import SluiceDispatch
import SluiceTesting
import Synchronization

/// What a client would have got.
struct RecordedAnswer: Sendable {
    var status: Int?
    var lines = ""
    var body = ""
    var isStream = false
    var refusal: Refusal?
    var isOver = false
    /// A stream that did not break off.
    var isWhole = false
    /// What was heard after the end.
    var faults = 0

    func header(_ name: String) -> String? {
        self.lines.split(separator: "\r\n").first { $0.lowercased().hasPrefix(name + ": ") }.map { String($0.dropFirst(name.count + 2)) }
    }
}

extension RecordedAnswer: CustomStringConvertible {
    var description: String { "\(self.status ?? 0) \(self.refusal?.message ?? "") \(self.body.utf8.count) bytes: \(self.body.prefix(200))" }
}

/// A sink that writes down what it gets.
final class AnswerRecorder: AnswerSink, Sendable {
    let answer = Observed(RecordedAnswer())
    private let writable = Mutex(true)

    var isWritable: Bool { self.writable.withLock { $0 } }

    func setWritable(_ isWritable: Bool) { self.writable.withLock { $0 = isWritable } }

    func answer(_ head: AnswerHead, body: ByteBuffer) {
        self.note {
            $0.take(head)
            $0.body = String(buffer: body)
            $0.isOver = true
        }
    }

    func refuse(_ refusal: Refusal) {
        self.note {
            $0.status = refusal.status
            $0.refusal = refusal
            $0.isOver = true
        }
    }

    func begin(_ head: AnswerHead) {
        self.note {
            $0.take(head)
            $0.isStream = true
        }
    }

    func send(_ events: ByteBuffer) {
        precondition(events.readerIndex >= AnswerHead.headroom, "no room for the framing")
        self.note { $0.body += String(buffer: events) }
    }

    func finish(isWhole: Bool) {
        self.note {
            $0.isOver = true
            $0.isWhole = isWhole
        }
    }

    private func note(_ change: (inout RecordedAnswer) -> Void) {
        self.answer.update { answer in
            if answer.isOver { answer.faults += 1 }
            change(&answer)
        }
    }
}

extension RecordedAnswer {
    fileprivate mutating func take(_ head: AnswerHead) {
        self.status = head.status
        self.lines = String(buffer: head.lines)
    }
}

/// The books of a test: intents and ends in the order in which they were written.
final class AttemptBook: AttemptRecorder, Sendable {
    let log = Observed<[LedgerEntry]>([])
    private let failure = Mutex<StoreError?>(nil)

    init(failure: StoreError? = nil) {
        self.failure.withLock { $0 = failure }
    }

    var entries: [LedgerEntry] { self.log.value }
    var ends: [LedgerEntry] { self.entries.filter { $0.kind.isEnd } }
    var outcomes: [LedgerEntry.Outcome] { self.ends.compactMap { $0.settlement?.outcome } }

    func begin(_ intent: AttemptIntent, then: @escaping (StoreError?) -> Void) {
        if let failure = self.failure.withLock({ $0 }) { return then(failure) }
        self.log.update { $0.append(intent.entry) }
        then(nil)
    }

    func end(_ entry: LedgerEntry) {
        self.log.update { $0.append(entry) }
    }
}
