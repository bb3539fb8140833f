import Foundation
import Glibc
import Synchronization
import Testing

/// A running lab as a live page: who sees it, what its buttons do, and how it ends.
@Suite(.timeLimit(.minutes(20)))
struct ServeTests {
    /// What a browser does: one request, and all of the answer.
    private static func ask(
        _ port: UInt16, _ method: String, _ path: String, host: String? = nil, headers: [String] = [], body: String = ""
    ) throws -> (status: Int, body: String) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(connected == 0)
        let head = [
            "\(method) \(path) HTTP/1.1", "Host: \(host ?? "127.0.0.1:\(port)")", "Content-Length: \(body.utf8.count)",
        ]
        let request = Array(((head + headers).joined(separator: "\r\n") + "\r\n\r\n" + body).utf8)
        try #require(send(descriptor, request, request.count, Int32(MSG_NOSIGNAL)) == request.count)
        var answer: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = recv(descriptor, &chunk, chunk.count, 0)
            guard count > 0 else { break }
            answer += chunk[..<count]
        }
        let text = String(decoding: answer, as: UTF8.self)
        let parts = text.split(separator: "\r\n\r\n", maxSplits: 1, omittingEmptySubsequences: false)
        let status = try #require(text.split(separator: " ").dropFirst().first.flatMap { Int($0) }, "\(text)")
        return (status, parts.count > 1 ? String(parts[1]) : "")
    }

    /// Asks for the state until it holds something.
    private static func wait(for words: String, _ port: UInt16, _ state: String) async throws -> String {
        let end = ContinuousClock.now + .seconds(30)
        var last = ""
        while ContinuousClock.now < end {
            last = try ask(port, "GET", state).body
            if last.contains(words) { return last }
            // The page asks each second, by the clock on the wall, and so does this.
            try await Task.sleep(for: .milliseconds(100))
        }
        Issue.record("\(words) is not in \(last)")
        return last
    }

    @Test func `A browser with the token sees the lab, breaks and mends it; nobody else does`() async throws {
        try await LabHome.with { home in
            try await home.netlab.succeed("up", try home.writePair(), "--clock", "paused")
            let seen = Mutex<[String]>([])
            let result = try await home.netlab.follow("serve", "pair", stream: .output) { line, process in
                let isFirst = seen.withLock { lines in
                    lines.append(line)
                    return lines.count == 1
                }
                guard isFirst else { return }
                defer { kill(process, SIGINT) }
                let found = try #require(
                    line.firstMatch(of: /http:\/\/127\.0\.0\.1:(\d+)(\/[0-9a-f]{32}\/)/), "\(line)")
                let port = try #require(UInt16(found.1))
                let base = String(found.2)

                let page = try Self.ask(port, "GET", base)
                #expect(page.status == 200 && page.body.contains("<title>pair, live</title>"))
                #expect(try Self.ask(port, "GET", "\(base)page.js").body.contains("fetch('state'"))
                let state = try await Self.wait(for: "<svg", port, "\(base)state")
                #expect(state.contains("paused") && !state.contains("fault"), "\(state)")

                // Another user, another site, a name that leads here, and a page that only knows how to send forms.
                #expect(try Self.ask(port, "GET", "/").status == 403)
                #expect(try Self.ask(port, "GET", "/00000000000000000000000000000000/state").status == 403)
                #expect(try Self.ask(port, "GET", "\(base)state", host: "evil.example").status == 403)
                #expect(
                    try Self.ask(
                        port, "POST", "\(base)do", headers: ["Origin: http://evil.example", "X-Netlab: 1"],
                        body: "resume"
                    ).status == 403)
                #expect(try Self.ask(port, "POST", "\(base)do", body: "resume").status == 403)
                #expect(try Self.ask(port, "GET", "\(base)do").status == 405)
                #expect(try Self.ask(port, "GET", "\(base)other").status == 404)
                #expect(try Self.ask(port, "POST", "\(base)do", headers: ["X-Netlab: 1"], body: "reboot").status == 400)
                #expect(try Self.ask(port, "BREW", base).status == 405)

                let act = { (words: String) in
                    let answer = try Self.ask(port, "POST", "\(base)do", headers: ["X-Netlab: 1"], body: words)
                    #expect(answer.status == 202)
                }
                try act("fail link wire down")
                let broken = try await Self.wait(for: "data-do=\"heal link wire down\"", port, "\(base)state")
                #expect(
                    broken.contains("link down\"") && broken.contains("$ netlab fail pair link wire down"), "\(broken)")
                try act("heal link wire down")
                let healed = try await Self.wait(for: "healed: link wire down", port, "\(base)state")
                #expect(!healed.contains("link down\""))
                try act("advance 10s")
                _ = try await Self.wait(for: "$ netlab clock pair advance 10s</code></p>", port, "\(base)state")
                try act("fail link nothing down")
                _ = try await Self.wait(for: "There is no &quot;nothing&quot;", port, "\(base)state")
            }
            #expect(result.code == 130, result.account)
            #expect(result.output.contains("$ netlab fail pair link wire down"), result.account)
            #expect(result.output.contains("$ netlab heal pair link wire down"), result.account)
        }
    }

    @Test func `It ends with the lab, and says why; a port that is taken is an error`() async throws {
        try await LabHome.with { home in
            let absent = try await home.netlab.run("serve", "pair")
            #expect(absent.code == 4 && absent.error.contains("is not up"), absent.account)
            try await home.netlab.succeed("up", try home.writePair(), "--clock", "paused")
            let taken = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            defer { close(taken) }
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let isBound = withUnsafeMutablePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(taken, $0, length) == 0 && listen(taken, 1) == 0 && getsockname(taken, $0, &length) == 0
                }
            }
            try #require(isBound)
            let refused = try await home.netlab.run("serve", "pair", "--port", "\(UInt16(bigEndian: address.sin_port))")
            #expect(refused.code == 2 && refused.error.contains("Address already in use"), refused.account)
            let result = try await home.netlab.follow("serve", "pair", stream: .output) { _, _ in
                try await home.netlab.succeed("down", "pair")
            }
            #expect(result.code == 4 && result.error.contains("\"pair\" has gone"), result.account)
        }
    }
}
