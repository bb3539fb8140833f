import CNetlink
import Glibc

/// One netlink socket of libnl, and the request-and-answer exchange on it.
///
/// It is in the network namespace of the thread that made it. Not safe in threads: its owner keeps it behind a lock.
final class Channel: @unchecked Sendable {
    private let socket: OpaquePointer
    let descriptor: Int32

    /// Opens a socket of the given family (`NETLINK_ROUTE`, `NETLINK_XFRM`), without its own acknowledgement echo.
    init(family: Int32) throws(NetlinkError) {
        guard let socket = nl_socket_alloc() else {
            throw NetlinkError(errno: ENOMEM, operation: "open netlink socket", object: "")
        }
        guard nl_connect(socket, family) >= 0 else {
            let code = errno
            nl_socket_free(socket)
            throw NetlinkError(errno: code == 0 ? EIO : code, operation: "open netlink socket", object: "")
        }
        self.socket = socket
        descriptor = nl_socket_get_fd(socket)
        // A dump's datagram is at most 32 KiB: with room for it there is no need to ask each one's size first.
        nl_socket_disable_msg_peek(socket)
        nl_socket_set_msg_buf_size(socket, 65536)
        // Old kernels lack these options: errors then come without text.
        _ = netlab_netlink_option(descriptor, Int32(NETLINK_CAP_ACK))
        _ = netlab_netlink_option(descriptor, Int32(NETLINK_EXT_ACK))
    }

    deinit {
        nl_socket_free(socket)
    }

    /// Sends a request and returns its answers once the kernel has acknowledged it, or ended its dump.
    ///
    /// A dump that the kernel calls inconsistent (`NLM_F_DUMP_INTR`) is repeated, a few times.
    func request(
        _ message: Message, _ operation: String, _ object: @autoclosure () -> String = ""
    ) throws(NetlinkError) -> [Reply] {
        guard !message.isTooLong else {
            throw NetlinkError(errno: EMSGSIZE, operation: operation, object: object())
        }
        var answer = Answer()
        for _ in 0..<8 {
            guard nl_send_auto(socket, message.pointer) >= 0 else {
                throw NetlinkError(errno: errno, operation: operation, object: object())
            }
            answer = try receive(sequence: nlmsg_hdr(message.pointer).pointee.nlmsg_seq, operation)
            guard answer.isInterrupted else { break }
        }
        guard answer.code == 0 else {
            throw NetlinkError(
                errno: answer.code, operation: operation, object: object(), kernelMessage: answer.message)
        }
        return answer.replies
    }

    private struct Answer {
        var replies: [Reply] = []
        var isInterrupted = false
        var code: Int32 = 0
        var message: String?
    }

    private func receive(sequence: UInt32, _ operation: String) throws(NetlinkError) -> Answer {
        var answer = Answer()
        while true {
            for reply in Reply.all(in: try datagram(operation)) where reply.sequence == sequence {
                if reply.flags & Int32(NLM_F_DUMP_INTR) != 0 { answer.isInterrupted = true }
                switch Int32(reply.type) {
                case NLMSG_ERROR:
                    answer.code = Self.errorCode(reply) ?? EBADMSG
                    answer.message = Self.extendedText(reply)
                    return answer
                case NLMSG_DONE:
                    answer.code = max(0, Self.errorCode(reply) ?? 0)
                    return answer
                case NLMSG_NOOP:
                    continue
                default:
                    answer.replies.append(reply)
                }
            }
        }
    }

    /// What an acknowledgement or a dump's end begins with, which is an errno below zero; nil where that is missing.
    static func errorCode(_ reply: Reply) -> Int32? {
        reply.payload.integer(Int32.self).map { 0 &- $0 }
    }

    /// The text of an extended acknowledgement: attributes after the error number and the request's own header.
    static func extendedText(_ reply: Reply) -> String? {
        guard reply.flags & Int32(NLM_F_ACK_TLVS) != 0 else { return nil }
        let request = nlmsghdr(copying: reply.payload.dropFirst(4))
        let isCapped = reply.flags & Int32(NLM_F_CAPPED) != 0
        let echoed = isCapped ? MemoryLayout<nlmsghdr>.size : Int(request.nlmsg_len)
        return Attributes(reply.payload.dropFirst(4 + aligned(echoed)))[Int(NLMSGERR_ATTR_MSG.rawValue)]?.text
    }

    /// Receives one datagram. Throws `EAGAIN` where the socket is non-blocking and nothing is there.
    func datagram(_ operation: String) throws(NetlinkError) -> [UInt8] {
        var sender = sockaddr_nl()
        var buffer: UnsafeMutablePointer<UInt8>?
        errno = 0
        let count = nl_recv(socket, &sender, &buffer, nil)
        let code = errno
        defer { free(buffer) }
        guard count > 0, let buffer else {
            throw NetlinkError(errno: code == 0 ? EAGAIN : code, operation: operation, object: "")
        }
        return Array(UnsafeBufferPointer(start: buffer, count: Int(count)))
    }

    /// Joins multicast groups, makes the socket non-blocking and its queue as large as given.
    func subscribe(to groups: [UInt32], _ queueBytes: Int) throws(NetlinkError) {
        for group in groups where nl_socket_add_membership(socket, Int32(group)) < 0 {
            throw NetlinkError(errno: errno, operation: "join netlink group", object: String(group))
        }
        nl_socket_set_nonblocking(socket)
        // Beyond the system's limit for an unprivileged caller, which root may exceed (socket(7)).
        var size = Int32(clamping: queueBytes)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &size, socklen_t(MemoryLayout.size(ofValue: size)))
    }
}
