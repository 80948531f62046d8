import FoundationEssentials
import NIOCore
import SluiceDispatch
import SluiceTesting
import SluiceTransfer
import Testing

@Suite(.serialized) struct TransportConformanceTests {
    @Test(arguments: Self.subjects, TransportConformance.cases)
    func keepsItsPromises(_ subject: TransportConformance.Subject, _ aCase: TransportConformance.Case) async throws {
        do {
            try await aCase.run(against: subject)
        } catch let skipped as TransportConformance.Skipped {
            print("skipped: \(aCase.description): \(skipped)")
        }
    }

    private static let subjects = [Self.curl(isSecure: false), Self.curl(isSecure: true), Self.plain]

    private static let plain = TransportConformance.Subject("plain", isSecure: false, make: { PlainTransport(group: $0) }, end: { _ in })

    private static func curl(isSecure: Bool) -> TransportConformance.Subject {
        TransportConformance.Subject(
            "curl over \(isSecure ? "https" : "http")", isSecure: isSecure,
            make: { group in
                var configuration = CurlTransport.Configuration()
                configuration.certificateFile = CertificateFile.path
                return CurlTransport(group: group, configuration: configuration)
            },
            end: { transport in (transport as? CurlTransport)?.shutDown() })
    }
}

/// The tests' certificate, as libcurl wants it.
enum CertificateFile {
    static let path: String = {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent(
            "sluice-test-\(ProcessInfo.processInfo.processIdentifier).pem")
        guard FileManager.default.createFile(atPath: url.path, contents: Data(TestCertificate.certificate.utf8)) else {
            preconditionFailure("no certificate can be written to \(url.path)")
        }
        return url.path
    }()
}
