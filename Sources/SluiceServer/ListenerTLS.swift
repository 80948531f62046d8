import NIOSSL
package import SluiceCore

/// Certificates of a listener, read once at the start.
package struct ListenerTLS: Sendable {
    package struct Unreadable: Error, CustomStringConvertible {
        package let description: String
    }

    let configuration: TLSConfiguration
    let context: NIOSSLContext

    /// - Throws: What is wrong with the certificate or the key.
    package init(_ settings: ServerSettings.TLS) throws(Unreadable) {
        do {
            let certificates = try NIOSSLCertificate.fromPEMFile(settings.certificate).map { NIOSSLCertificateSource.certificate($0) }
            let key = try NIOSSLPrivateKey(file: settings.key, format: .pem)
            var configuration = TLSConfiguration.makeServerConfiguration(certificateChain: certificates, privateKey: .privateKey(key))
            configuration.minimumTLSVersion = .tlsv12
            configuration.applicationProtocols = ["http/1.1"]
            self.configuration = configuration
            self.context = try NIOSSLContext(configuration: configuration)
        } catch {
            throw Unreadable(description: "the certificate \(settings.certificate) with the key \(settings.key) cannot be used: \(error)")
        }
    }
}
