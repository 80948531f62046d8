/// A self-signed certificate for `localhost`, `127.0.0.1` and `::1`, good until 2119, made for tests only: its key is no secret.
package enum TestCertificate {
    package static let certificate = """
        -----BEGIN CERTIFICATE-----
        MIIBvDCCAWKgAwIBAgIUfkHMox+Rim/xdtVrw5J1NvUDAqQwCgYIKoZIzj0EAwIw
        FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTIwMDEwMTAwMDAwMFoYDzIxMTkxMjA4
        MDAwMDAwWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
        PQMBBwNCAASZB3oGDYgJUjJlrWVwsx5CesRAZxze9nVZWn0qVQOeN+EI+bgRn0dE
        UEhqWarbWTPj1OGEKzFr4XtzAt7xBUjpo4GPMIGMMB0GA1UdDgQWBBRSdSeKEwW6
        R/MaGv/HEblcFSlYyTAfBgNVHSMEGDAWgBRSdSeKEwW6R/MaGv/HEblcFSlYyTAs
        BgNVHREEJTAjgglsb2NhbGhvc3SHBH8AAAGHEAAAAAAAAAAAAAAAAAAAAAEwDwYD
        VR0TAQH/BAUwAwEB/zALBgNVHQ8EBAMCAoQwCgYIKoZIzj0EAwIDSAAwRQIgSCX+
        J64gATKkw4+9Q0dNLJDe++nvSqjoLScS6Sp8KUwCIQDzL5vqVTe1tacH1e3JiZ+L
        X67fAMqAjNc5rt5HgZ+X1A==
        -----END CERTIFICATE-----
        """

    package static let key = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgptQklhXdMKBpRATr
        a5WXkrKLhigaspn73W5ZWyk+v0yhRANCAASZB3oGDYgJUjJlrWVwsx5CesRAZxze
        9nVZWn0qVQOeN+EI+bgRn0dEUEhqWarbWTPj1OGEKzFr4XtzAt7xBUjp
        -----END PRIVATE KEY-----
        """
}
