package import NIOCore

/// Errors of a backend's own may echo what it was sent; nothing of ours in them reaches a client.
extension LivePolicy.Upstream {
    package func masked(_ text: String) -> String {
        self.secrets.filter { !$0.isEmpty && text.contains($0) }.reduce(text) { $0.replacing($1, with: "[masked]") }
    }

    package func masked(_ body: ByteBuffer) -> ByteBuffer {
        let text = String(buffer: body)
        let masked = self.masked(text)
        return masked == text ? body : ByteBuffer(string: masked)
    }

    func masked(_ problem: UpstreamProblem) -> UpstreamProblem {
        UpstreamProblem(
            status: problem.status, message: self.masked(problem.message), type: problem.type.map(self.masked), code: problem.code.map(self.masked))
    }

    func isEchoed(in bytes: ByteBuffer) -> Bool {
        guard self.secrets.contains(where: { !$0.isEmpty }) else { return false }
        let text = String(buffer: bytes)
        return self.secrets.contains { !$0.isEmpty && text.contains($0) }
    }
}
