import Foundation
import Testing

@testable import DaemonDrivers

@Suite struct BirdControlTests {
    /// A socket that greets and then answers with the given pieces; an empty list of pieces answers nothing.
    private func withServer<Result>(
        sending pieces: [String], closing: Bool = false, _ body: (String) throws -> Result
    ) throws -> Result {
        let path = FileManager.default.temporaryDirectory.appending(path: "bird-\(UInt32.random(in: 0...(.max))).ctl")
            .path
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        let bound = withUnsafePointer(to: address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(bound == 0 && listen(listener, 1) == 0)
        let done = DispatchSemaphore(value: 0)
        let server = Thread {
            let peer = accept(listener, nil, nil)
            var byte: UInt8 = 0
            _ = send(peer, "0001 BIRD 2.0.12 ready.\n", 24, Int32(MSG_NOSIGNAL))
            while read(peer, &byte, 1) == 1, byte != UInt8(ascii: "\n") {}
            for piece in pieces {
                _ = send(peer, piece, piece.utf8.count, Int32(MSG_NOSIGNAL))
            }
            if !closing { while read(peer, &byte, 1) == 1 {} }
            close(peer)
            done.signal()
        }
        server.start()
        defer {
            done.wait()
            close(listener)
            unlink(path)
        }
        return try body(path)
    }

    private func code(_ body: () throws -> Void) -> DaemonError.Code? {
        do {
            try body()
            return nil
        } catch {
            return (error as? DaemonError)?.code
        }
    }

    @Test func `Answer in pieces`() throws {
        let text = try Fixture.text("bird-active.txt").split(separator: "\n", maxSplits: 1)[1]
        let pieces = stride(from: 0, to: text.count, by: 7).map { String(text.dropFirst($0).prefix(7)) }
        let protocols = try withServer(sending: pieces) { try BirdControl(path: $0).protocols() }
        #expect(protocols.map(\.session?.state) == [.active])
    }

    @Test func `Silence ends at the deadline`() throws {
        let code = try withServer(sending: ["1002-main       BGP"]) { path in
            self.code { _ = try BirdControl(path: path, deadline: .milliseconds(50)).protocols() }
        }
        #expect(code == .timedOut)
    }

    @Test func `Broken off answer`() throws {
        let code = try withServer(sending: ["1002-main       BGP\n"], closing: true) { path in
            self.code { _ = try BirdControl(path: path).protocols() }
        }
        #expect(code == .malformed)
    }

    @Test func `Refused command`() throws {
        let code = try withServer(sending: ["9001 syntax error\n"]) { path in
            self.code { _ = try BirdControl(path: path).reply(to: "bogus") }
        }
        #expect(code == .refused)
    }

    @Test func `Nobody listens`() {
        #expect(code { _ = try BirdControl(path: "/nonexistent/bird.ctl").protocols() } == .notRunning)
        #expect(code { _ = try BirdControl(path: String(repeating: "x", count: 200)).protocols() } == .system)
        #expect(code { _ = try BirdControl(path: "").protocols() } == .system)
        #expect(code { _ = try BirdControl(path: "/nonexistent").reply(to: "show status\ndown") } == .refused)
    }
}
