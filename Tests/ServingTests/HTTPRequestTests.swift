import Testing

@testable import Serving

/// What browsers, and others, send to a page on this machine.
@Suite struct HTTPRequestTests {
    private static func read(_ text: String) throws -> HTTPRequest? { try HTTPRequest.read(Array(text.utf8)) }

    @Test func `A request is read when all of it has come`() throws {
        let text =
            "POST /abc/do?x=1 HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nX-Netlab:  1 \r\nContent-Length: 5\r\n\r\npause"
        let bytes = Array(text.utf8)
        for length in bytes.indices { #expect(try HTTPRequest.read(Array(bytes[..<length])) == nil, "\(length)") }
        let request = try #require(try Self.read(text))
        #expect(request.method == .post && request.path == "/abc/do")
        #expect(request.headers == ["host": "127.0.0.1:8080", "x-netlab": "1", "content-length": "5"])
        #expect(String(decoding: request.body, as: UTF8.self) == "pause")
        #expect(try Self.read("GET / HTTP/1.0\r\n\r\nmore")?.body == [])
    }

    @Test(
        arguments: [
            ("GET http://x/ HTTP/1.1\r\n\r\n", HTTPRequest.Refusal.malformed), ("GET /\r\n\r\n", .malformed),
            ("GET / HTTP/2\r\n\r\n", .malformed), ("GET / HTTP/1.1\r\nHost : x\r\n\r\n", .malformed),
            ("GET / HTTP/1.1\r\nnothing\r\n\r\n", .malformed), ("\r\n\r\n", .malformed),
            ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", .malformed),
            ("POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx", .malformed),
            ("POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", .malformed),
            ("POST / HTTP/1.1\r\nContent-Length: +1\r\n\r\nx", .malformed),
            ("POST / HTTP/1.1\r\nContent-Length: 5000\r\n\r\n", .bodyTooLarge),
            ("POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", .bodyTooLarge),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", .chunked),
            ("DELETE / HTTP/1.1\r\n\r\n", .otherMethod), ("get / HTTP/1.1\r\n\r\n", .otherMethod),
            (String(repeating: "x", count: 20_000), .headTooLarge),
            ("GET / HTTP/1.1\r\nX: \(String(repeating: "x", count: 20_000))\r\n\r\n", .headTooLarge),
        ])
    func `What is no request, or too much of one, is refused`(text: String, refusal: HTTPRequest.Refusal) {
        #expect(throws: refusal) { try Self.read(text) }
    }

    @Test func `Only who knows the token sees the page, by this machine's address and from the page itself`() throws {
        let gate = PageGate(port: 8080, token: "0123456789abcdef0123456789abcdef")
        let path = { (path: String, headers: [String]) in
            let head = ["GET \(path) HTTP/1.1"] + headers
            return try Self.read(head.joined(separator: "\r\n") + "\r\n\r\n").flatMap { gate.path(of: $0) }
        }
        let good = "/\(gate.token)/state"
        #expect(gate.address == "http://127.0.0.1:8080/\(gate.token)/")
        #expect(try path(good, ["Host: 127.0.0.1:8080"]) == "state")
        #expect(try path("/\(gate.token)/", ["Host: localhost:8080"])?.isEmpty == true)
        #expect(try path(good, ["Host: 127.0.0.1:8080", "Origin: http://127.0.0.1:8080"]) == "state")
        #expect(try path(good, []) == nil)
        #expect(try path(good, ["Host: evil.example:8080"]) == nil)
        #expect(try path(good, ["Host: 127.0.0.1"]) == nil)
        #expect(try path(good, ["Host: 127.0.0.1:8080", "Origin: http://evil.example"]) == nil)
        #expect(try path(good, ["Host: 127.0.0.1:8080", "Origin: null"]) == nil)
        for wrong in [
            "/", "/state", "/\(gate.token)", "/1123456789abcdef0123456789abcdef/state",
            "/\(gate.token.dropLast())/state",
        ] {
            #expect(try path(wrong, ["Host: 127.0.0.1:8080"]) == nil, "\(wrong)")
        }
    }

    @Test func `Tokens are long and never the same`() {
        let tokens = (0..<50).map { _ in PageGate.makeToken() }
        #expect(Set(tokens).count == 50)
        #expect(tokens.allSatisfy { $0.count == 32 && $0.allSatisfy(\.isHexDigit) })
    }

    @Test func `An answer says how long it is, and is kept by nobody`() {
        let text = String(decoding: HTTPResponse(200, "OK", "é").bytes, as: UTF8.self)
        #expect(text.hasPrefix("HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 2\r\n"))
        #expect(text.contains("\r\nCache-Control: no-store\r\n"))
        #expect(text.hasSuffix("\r\nConnection: close\r\n\r\né"), "\(text.debugDescription)")
    }
}
