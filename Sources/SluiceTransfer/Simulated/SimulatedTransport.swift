package import NIOCore
import SluiceCore
package import SluiceDispatch
import SluiceWire
import Synchronization

/// A backend inside the program: takes the time that its policy says, and answers in the wire formats of real ones.
package final class SimulatedTransport: Transport {
    private let clock: SluiceClock
    private let serial = Atomic(0)

    package init(clock: SluiceClock) {
        self.clock = clock
    }

    package func start(_ call: UpstreamCall, on loop: any EventLoop, receiver: any UpstreamReceiver) -> any UpstreamCallHandle {
        let serial = self.serial.add(1, ordering: .relaxed).newValue
        let created = self.clock.now.wall.seconds
        let simulation = call.simulation ?? Backend.Simulation()
        let exchange = SimulatedExchange(loop: loop, receiver: receiver)
        receiver.callSent()
        guard let endpoint = Endpoint.allCases.first(where: { call.path.hasSuffix($0.path.dropFirst(3)) }),
            let answer = call.body.withUnsafeReadableBytes({ bytes -> SimulatedAnswer? in
                guard let fields = try? RequestFields(bytes, endpoint: endpoint) else { return nil }
                return SimulatedAnswer(endpoint: endpoint, fields: fields, body: bytes, simulation: simulation, serial: serial, created: created)
            })
        else {
            exchange.play([.init(after: .zero, .whole(status: 400, SimulatedAnswer.problem("the request cannot be read")))])
            return exchange
        }
        if Int64.random(in: 0..<1_000_000) < simulation.fail.millionths {
            exchange.play([.init(after: simulation.firstToken, .whole(status: 503, SimulatedAnswer.problem("simulated failure")))])
            return exchange
        }
        exchange.play(answer.steps)
        return exchange
    }
}

/// One call to the simulated backend, played step by step on the event loop.
final class SimulatedExchange: UpstreamCallHandle {
    struct Step {
        enum Kind {
            case head(status: Int, contentType: StaticString)
            case bytes([UInt8])
            case whole(status: Int, [UInt8])
            case end
        }

        let after: Duration
        let kind: Kind

        init(after: Duration, _ kind: Kind) {
            self.after = after
            self.kind = kind
        }
    }

    private let loop: any EventLoop
    private var receiver: (any UpstreamReceiver)?
    private var steps: ArraySlice<Step> = []
    private var isPaused = false
    private var isWaiting = false

    init(loop: any EventLoop, receiver: any UpstreamReceiver) {
        self.loop = loop
        self.receiver = receiver
    }

    func play(_ steps: [Step]) {
        self.steps = steps[...]
        self.next()
    }

    func cancel() -> Bool {
        self.receiver = nil
        self.steps = []
        return true
    }

    func pause() { self.isPaused = true }

    func resume() {
        self.isPaused = false
        if !self.isWaiting { self.next() }
    }

    private func next() {
        guard let step = self.steps.first, !self.isPaused, self.receiver != nil else { return }
        self.isWaiting = true
        let bound = NIOLoopBound(self, eventLoop: self.loop)
        self.loop.scheduleTask(in: .nanoseconds(step.after.nanoseconds)) { bound.value.perform() }
    }

    private func perform() {
        self.isWaiting = false
        guard let receiver = self.receiver, let step = self.steps.popFirst() else { return }
        switch step.kind {
        case .head(let status, let contentType):
            receiver.callAnswered(SimulatedExchange.head(status, contentType))
        case .bytes(let bytes):
            receiver.callReceived(ByteBuffer(bytes: bytes))
            receiver.callPaused()
        case .whole(let status, let bytes):
            receiver.callAnswered(SimulatedExchange.head(status, "application/json"))
            receiver.callReceived(ByteBuffer(bytes: bytes))
            self.receiver = nil
            return receiver.callEnded()
        case .end:
            self.receiver = nil
            return receiver.callEnded()
        }
        self.next()
    }

    private static func head(_ status: Int, _ contentType: StaticString) -> UpstreamHead {
        UpstreamHead(status: status, lines: ByteBuffer(string: "content-type: \(contentType)\r\n"), endsWithConnection: false)
    }
}
