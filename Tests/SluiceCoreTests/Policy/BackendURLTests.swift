import SluiceCore
import Testing

@Suite struct BackendURLTests {
    @Test(arguments: [
        ("https://api.example.com/v1/", "api.example.com", 443, "/v1", "api.example.com"), ("http://127.0.0.1:8000", "127.0.0.1", 8000, "", "127.0.0.1:8000"),
        ("http://[::1]:8000/x", "::1", 8000, "/x", "[::1]:8000"), ("https://[::1]", "::1", 443, "", "[::1]"), ("HTTP://x", "", 0, "", ""),
        ("http://GPU-1:80/", "gpu-1", 80, "", "gpu-1"),
    ])
    func splitsIntoItsParts(_ text: String, _ host: String, _ port: Int, _ path: String, _ authority: String) {
        let url = BackendURL(text)
        guard port > 0 else {
            #expect(url == nil)
            return
        }
        #expect(url?.host == host && url?.port == port && url?.path == path && url?.authority == authority)
    }

    @Test(arguments: [
        "", "api.example.com", "ftp://a", "http://", "http://:80", "http://a:0", "http://a:65536", "http://a:b", "http://user:pass@a", "http://a?x=1",
        "http://a#x", "http://a b", "http://a\\b",
        "http://[::1", "http://a\n", "http://[]", "http://é", "http://a:+80",
    ])
    func refusesWhatIsNoBase(_ text: String) {
        #expect(BackendURL(text) == nil)
    }

    @Test func doesNotDoubleTheVersion() throws {
        #expect(try #require(BackendURL("https://a/v1")).path(of: .chat) == "/v1/chat/completions")
        #expect(try #require(BackendURL("https://a/openai")).path(of: .messages) == "/openai/v1/messages")
    }

    @Test(arguments: [
        "127.0.0.1", "10.1.2.3", "192.168.0.1", "172.16.0.1", "172.31.255.255", "169.254.169.254", "100.64.0.1", "0.0.0.0", "::1", "::", "fe80::1", "fd00::1",
        "fc00::", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
        "nonsense.1", "1.2.3", "256.1.1.1",
    ])
    func knowsPrivateAddresses(_ address: String) {
        #expect(BackendURL.isPrivate(address: address))
    }

    @Test(arguments: ["8.8.8.8", "172.32.0.1", "172.15.0.1", "100.63.0.1", "100.128.0.1", "192.167.1.1", "2606:4700::1", "::ffff:8.8.8.8"])
    func knowsPublicAddresses(_ address: String) {
        #expect(!BackendURL.isPrivate(address: address))
    }

    @Test(arguments: [
        ("http://localhost", true), ("http://gpu-1", true), ("http://vllm.prod.internal", true), ("http://a.local", true), ("https://api.example.com", false),
        ("http://10.0.0.1:1", true),
    ])
    func knowsOwnNames(_ url: String, _ isPrivate: Bool) {
        #expect(BackendURL(url)?.isPrivate == isPrivate)
    }
}
