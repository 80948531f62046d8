import SluiceCore
import SluiceTransfer
import Testing

@Suite struct ProxySettingsTests {
    @Test(arguments: [
        ("https://api.openai.com", "proxy"), ("http://api.openai.com", "none"), ("https://gpu.corp.example", "none"),
        ("https://corp.example", "none"),
        ("https://notcorp.example", "proxy"), ("https://10.1.2.3", "none"), ("https://11.1.2.3", "proxy"),
        ("https://host.example:8443", "none"),
        ("https://host.example", "proxy"), ("https://[fd00::1]", "none"), ("https://localhost", "none"),
    ])
    func findsTheWayToAHost(_ text: String, _ way: String) throws {
        let settings = ProxySettings(environment: [
            "HTTPS_PROXY": "proxy", "HTTP_PROXY": "never", "NO_PROXY": "localhost, .corp.example,10.0.0.0/8 host.example:8443,[fd00::1]",
        ])
        let url = try #require(BackendURL(text))
        #expect((settings.proxy(for: url) ?? "none") == way)
    }

    @Test func aStarMeansNoProxyAtAll() throws {
        let settings = ProxySettings(environment: ["https_proxy": "proxy", "no_proxy": "*"])
        #expect(settings.proxy(for: try #require(BackendURL("https://a.example"))) == nil)
    }

    @Test func lowerCaseNamesWin() throws {
        let settings = ProxySettings(environment: ["https_proxy": "lower", "HTTPS_PROXY": "upper", "http_proxy": "plain"])
        #expect(settings.proxy(for: try #require(BackendURL("https://a.example"))) == "lower")
        #expect(settings.proxy(for: try #require(BackendURL("http://a.example"))) == "plain")
    }
}
