import Glibc
import NIOCore
import NIOPosix
import SluiceCore
import SluiceDispatch
import SluiceTransfer

/// Measures a transport against a server that runs elsewhere: CPU time for each call and each piece, one event loop.
///
///     sluice-transfer-probe curl|curl-http2|plain URL CALLS_AT_A_TIME SECONDS chat|stream [CERTIFICATES]
private struct Load {
    let transport: any Transport
    let loop: any EventLoop
    let call: UpstreamCall
    let seconds: Int64
}

/// One place in the load: starts its next call when one is over.
private final class Lane: UpstreamReceiver {
    let load: Load
    let count: Count
    var isStopped = false
    private var pieces = 0

    init(load: Load, count: Count) {
        self.load = load
        self.count = count
    }

    func start() {
        _ = self.load.transport.start(self.load.call, on: self.load.loop, receiver: self)
    }

    func callSent() {}
    func callAnswered(_ head: UpstreamHead) { if head.status != 200 { self.count.odd += 1 } }
    func callReceived(_ bytes: ByteBuffer) {
        self.count.pieces += 1
        self.count.bytes += bytes.readableBytes
    }
    func callPaused() { self.count.flushes += 1 }
    func callEnded() {
        self.count.calls += 1
        if !self.isStopped { self.start() }
    }
    func callFailed(_ failure: TransportFailure) {
        self.count.failures["\(failure.kind): \(failure.reason)", default: 0] += 1
        if !self.isStopped { self.start() }
    }
}

private final class Count {
    var calls = 0
    var odd = 0
    var pieces = 0
    var flushes = 0
    var bytes = 0
    var failures: [String: Int] = [:]
}

/// Microseconds of CPU time that the process has used.
private func cpuTime() -> Int {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1_000_000 + Int(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec)
}

private func run(_ arguments: [String]) throws {
    guard arguments.count >= 6, let url = BackendURL(arguments[2]), let lanes = Int(arguments[3]), let seconds = Int64(arguments[4]) else {
        print("usage: sluice-transfer-probe curl|curl-http2|plain URL CALLS_AT_A_TIME SECONDS chat|stream [CERTIFICATES]")
        exit(64)
    }
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let loop = group.next()
    var configuration = CurlTransport.Configuration()
    configuration.certificateFile = arguments.count > 6 ? arguments[6] : nil
    configuration.allowsHTTP2 = arguments[1] == "curl-http2"
    let transport: any Transport =
        arguments[1] == "plain" ? PlainTransport(group: group) : CurlTransport(group: group, configuration: configuration)
    let isStream = arguments[5] == "stream"
    let text = String(repeating: "x", count: 900)
    let body = #"{"model":"m","stream":\#(isStream),"messages":[{"role":"user","content":"\#(text)"}]}"#
    var call = UpstreamCall(
        url: url, path: "/v1/chat/completions",
        fields: ByteBuffer(
            string: "content-type: application/json\r\nauthorization: Bearer key\r\naccept-encoding: identity\r\nuser-agent: probe\r\n"),
        body: ByteBuffer(string: body))
    call.connectTimeout = .seconds(20)
    let load = Load(transport: transport, loop: loop, call: call, seconds: seconds)
    let finished = try loop.flatSubmit { measure(load, lanes: lanes) }.wait()
    print(finished)
    (transport as? CurlTransport)?.shutDown()
    try group.syncShutdownGracefully()
}

private func measure(_ load: Load, lanes: Int) -> EventLoopFuture<String> {
    let count = Count()
    let all = (0..<lanes).map { _ in Lane(load: load, count: count) }
    for lane in all { lane.start() }
    let bound = NIOLoopBound((count, all), eventLoop: load.loop)
    return load.loop.scheduleTask(in: .seconds(1)) { (bound.value.0.calls, bound.value.0.pieces, cpuTime()) }.futureResult.flatMap {
        before in
        load.loop.scheduleTask(in: .seconds(load.seconds)) {
            let (count, lanes) = bound.value
            let cpu = cpuTime() - before.2
            let (calls, pieces) = (count.calls - before.0, count.pieces - before.1)
            for lane in lanes { lane.isStopped = true }
            return "\(Int64(calls) / load.seconds) calls/s, \(pieces / Int(load.seconds)) pieces/s, "
                + "\(calls == 0 ? 0 : cpu / calls) us a call, \(pieces == 0 ? 0 : cpu * 10 / pieces) tenths of a us a piece, "
                + "\(count.flushes) flushes, \(count.odd) odd, failures \(count.failures)"
        }.futureResult
    }
}

try run(CommandLine.arguments)
