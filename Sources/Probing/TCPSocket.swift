import AgentProtocol
import Glibc
import LabRecords
import NetworkTypes
import NodeRuntime

/// A non-blocking TCP socket in a node.
final class TCPSocket {
    let descriptor: Int32

    init(in sandbox: NodeSandbox, family: Int32) throws {
        descriptor = try sandbox.openSocket(family, SOCK_STREAM, protocol: 0)
    }

    private init(adopting descriptor: Int32) {
        self.descriptor = descriptor
    }

    deinit {
        close(descriptor)
    }

    /// Listens on a port at all of the node's addresses of a family; nil where something else does.
    static func listening(in sandbox: NodeSandbox, for address: IPAddress, port: UInt16) throws -> TCPSocket? {
        let socket = try TCPSocket(in: sandbox, family: address.family)
        setOption(socket.descriptor, SOL_SOCKET, SO_REUSEADDR, 1)
        if let code = socket.bind(to: address.unspecified, port: port) {
            guard code == EADDRINUSE else {
                throw LabFailure("\(sandbox.name): cannot listen on port \(port): \(String(cString: strerror(code))).")
            }
            return nil
        }
        return listen(socket.descriptor, 16) == 0 ? socket : nil
    }

    /// - Returns: The error number; nil when all is well.
    func bind(to address: IPAddress, port: UInt16) -> Int32? {
        address.withSocketAddress(port: port) { Glibc.bind(descriptor, $0, $1) } == 0 ? nil : errno
    }

    /// Begins to connect.
    ///
    /// - Returns: The error number; nil when it is under way.
    func connect(to address: IPAddress, port: UInt16) -> Int32? {
        let code = address.withSocketAddress(port: port) { Glibc.connect(descriptor, $0, $1) }
        return code == 0 || errno == EINPROGRESS ? nil : errno
    }

    /// A connection that has been made to this listener, if there is one.
    func accept() -> TCPSocket? {
        let accepted = Glibc.accept(descriptor, nil, nil)
        guard accepted >= 0 else { return nil }
        _ = fcntl(accepted, F_SETFD, FD_CLOEXEC)
        _ = fcntl(accepted, F_SETFL, O_NONBLOCK)
        return TCPSocket(adopting: accepted)
    }

    /// The error that ended the connection, or 0; reading it clears it.
    func takeError() -> Int32 {
        var code: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length)
        return code
    }

    /// Has closing end the connection at once, with a reset: nothing of it is sent again for minutes.
    func abortOnClose() {
        var setting = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &setting, socklen_t(MemoryLayout<linger>.size))
    }

    /// Has the kernel spread what it sends over a round trip, instead of sending in bursts as acknowledgements come in.
    ///
    /// The pace is the kernel's own: twice the window in a round trip in slow start, 1.2 times after it (net/ipv4/tcp_input.c,
    /// tcp_update_pacing_rate). Senders with the queueing discipline fq do the same, and those of BBR and of QUIC (RFC 9002,
    /// section 7.7).
    ///
    /// Acknowledgements that share a queue with the data wait behind it and leave in bunches ("ACK-compression"; Zhang, Shenker and
    /// Clark, Observations on the Dynamics of a Congestion Control Algorithm, SIGCOMM 1991). A sender without a pace answers
    /// each bunch with a burst, and the link is idle between two bursts until the window is several times what the way holds. CUBIC
    /// leaves slow start long before that (HyStart), and then grows by 5 % in a round trip (net/ipv4/tcp_cubic.c,
    /// bictcp_update). So what such a transfer reaches depends on its length, and on where bursts lie when the measurement begins
    /// and ends.
    func pace() {
        // Any limit but “none” turns pacing on (net/core/sock.c, SO_MAX_PACING_RATE); this one, in bytes a second, no link reaches.
        var rate: UInt64 = 1 << 40
        setsockopt(descriptor, SOL_SOCKET, SO_MAX_PACING_RATE, &rate, socklen_t(MemoryLayout<UInt64>.size))
    }

    var figures: TCPFigures {
        var info = tcp_info()
        var length = socklen_t(MemoryLayout<tcp_info>.size)
        getsockopt(descriptor, Int32(IPPROTO_TCP), TCP_INFO, &info, &length)
        return TCPFigures(
            state: Self.states.indices.contains(Int(info.tcpi_state))
                ? Self.states[Int(info.tcpi_state)] : "\(info.tcpi_state)",
            sendMSS: Int(info.tcpi_snd_mss), receiveMSS: Int(info.tcpi_rcv_mss), advertisedMSS: Int(info.tcpi_advmss),
            pathMTU: Int(info.tcpi_pmtu), retransmissions: Int(info.tcpi_total_retrans),
            unacknowledged: Int(info.tcpi_unacked))
    }

    /// By number (include/net/tcp_states.h).
    private static let states = [
        "?", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT", "CLOSE", "CLOSE_WAIT",
        "LAST_ACK",
        "LISTEN", "CLOSING", "NEW_SYN_RECV",
    ]
}

extension ProbeSession {
    /// A socket at the source, on a port that depends on nothing but the probe's number as long as it is free.
    ///
    /// - Returns: The socket, or why it cannot have the source address.
    func clientSocket() throws -> (socket: TCPSocket, error: LocalError?) {
        let socket = try TCPSocket(in: node, family: destination.family)
        let address = request.sourceAddress ?? destination.unspecified
        let port = UInt16(truncatingIfNeeded: 40_000 + id % 20_000)
        guard let code = socket.bind(to: address, port: port) else { return (socket, nil) }
        guard code == EADDRINUSE else { return (socket, LocalError(errno: code)) }
        return (socket, socket.bind(to: address, port: 0).map { LocalError(errno: $0) })
    }
}
