import CLinux
import Dispatch
import Glibc

/// Answers browsers on this machine: HTTP/1.1 on 127.0.0.1, a request each connection.
public final class LoopbackServer: Sendable {
    /// A system call that failed: errno(3).
    public struct Failure: Error, Sendable, CustomStringConvertible {
        public let code: Int32
        public var description: String { String(cString: strerror(code)) }

        static var last: Failure { Failure(code: errno) }
    }

    private let descriptor: Int32
    public let port: UInt16

    /// So many connections are read at a time; others wait.
    private static let mostConnections = 16
    /// How long a browser may take to send a request, and to take an answer.
    private static let patience = timeval(tv_sec: 5, tv_usec: 0)

    /// Listens.
    ///
    /// - Parameter port: 0 for one that is free.
    public init(port wanted: UInt16) throws(Failure) {
        let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        descriptor = socket(AF_INET, type, 0)
        guard descriptor >= 0 else { throw .last }
        var yes: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = wanted.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = descriptor
        let isReady = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && listen(descriptor, 64) == 0
                    && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard isReady else {
            let failure = Failure.last
            close(descriptor)
            throw failure
        }
        port = UInt16(bigEndian: address.sin_port)
    }

    /// Begins to answer, for as long as this process lives.
    ///
    /// - Parameter answer: Is called for each request that could be read.
    public func start(answer: @escaping @Sendable (HTTPRequest) async -> HTTPResponse) {
        let descriptor = descriptor
        let room = DispatchSemaphore(value: Self.mostConnections)
        let queue = DispatchQueue(label: "browsers", attributes: .concurrent)
        DispatchQueue(label: "listener").async {
            while true {
                let connection = netlab_accept(descriptor)
                guard connection >= 0 else {
                    // Somebody will close something; until then this need not run in circles.
                    if errno != EINTR, errno != ECONNABORTED { usleep(100_000) }
                    continue
                }
                room.wait()
                queue.async {
                    Self.serve(connection, answer) { room.signal() }
                }
            }
        }
    }

    /// Reads a request, has it answered, and closes the connection.
    private static func serve(
        _ connection: Int32, _ answer: @escaping @Sendable (HTTPRequest) async -> HTTPResponse,
        end: @escaping @Sendable () -> Void
    ) {
        var patience = patience
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, size)
        setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &patience, size)
        let finish = { @Sendable (response: HTTPResponse?) in
            if let response { send(response.bytes, to: connection) }
            close(connection)
            end()
        }
        do throws(HTTPRequest.Refusal) {
            guard let request = try request(from: connection) else { return finish(nil) }
            Task { finish(await answer(request)) }
        } catch {
            finish(HTTPResponse(error))
        }
    }

    /// Nil where the browser went, or took too long.
    private static func request(from connection: Int32) throws(HTTPRequest.Refusal) -> HTTPRequest? {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        // One that sends byte by byte has no more of them than a request may have.
        for _ in 0..<(HTTPRequest.largestHead + HTTPRequest.largestBody) {
            let count = recv(connection, &chunk, chunk.count, 0)
            guard count > 0 else { return nil }
            bytes += chunk[..<count]
            if let request = try HTTPRequest.read(bytes) { return request }
        }
        return nil
    }

    private static func send(_ bytes: [UInt8], to connection: Int32) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}
