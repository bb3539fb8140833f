import CNetlink
import Glibc
import NetworkTypes

/// The peer of a WireGuard interface that has one, as the kernel knows it.
public struct WireGuardPeer: Hashable, Sendable {
    /// Where it was last heard, or is to be reached; nil where neither is known.
    public var endpoint: (address: IPAddress, port: UInt16)? {
        address.map { ($0, port) }
    }
    let address: IPAddress?
    let port: UInt16
    /// Seconds since 1970, by the node's clock; nil for never.
    public let lastHandshake: Int64?
    public let receivedBytes: UInt64
    public let sentBytes: UInt64
    public let keepalive: UInt16
    public let allowed: [IPPrefix]
    /// 32 bytes.
    public let publicKey: [UInt8]
}

// WireGuard's generic netlink family (linux/wireguard.h).
extension NetlinkSocket {
    /// Gives a WireGuard interface its key and port, and one peer, which it may send anything to and take anything from; whatever it
    /// had before goes.
    ///
    /// - Throws: ``NetlinkError``, which never shows a key.
    public func configureWireGuard(
        _ name: InterfaceName, port: UInt16, keys: WireGuardKeys, endpoint: IPAddress, keepalive: UInt16?
    ) throws {
        try withGeneric("wireguard") { channel, family in
            let message = try Message(family, Self.header(WG_CMD_SET_DEVICE.rawValue))
            message.put(WGDEVICE_A_IFNAME, text: name.description)
            message.put(WGDEVICE_A_FLAGS, UInt32(WGDEVICE_F_REPLACE_PEERS.rawValue))
            message.put(WGDEVICE_A_PRIVATE_KEY, bytes: keys.privateKey.bytes)
            message.put(WGDEVICE_A_LISTEN_PORT, port)
            message.nested(WGDEVICE_A_PEERS) { message in
                message.nested(0) { message in
                    message.put(WGPEER_A_PUBLIC_KEY, bytes: keys.peer.bytes)
                    if let preshared = keys.preshared { message.put(WGPEER_A_PRESHARED_KEY, bytes: preshared.bytes) }
                    message.put(WGPEER_A_FLAGS, UInt32(WGPEER_F_REPLACE_ALLOWEDIPS.rawValue))
                    message.put(WGPEER_A_ENDPOINT, bytes: Self.socketAddress(endpoint, port))
                    message.put(WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL, keepalive ?? 0)
                    message.nested(WGPEER_A_ALLOWEDIPS) { message in
                        for (family, bytes) in [(AF_INET, 4), (AF_INET6, 16)] {
                            message.nested(0) { message in
                                message.put(WGALLOWEDIP_A_FAMILY, UInt16(family))
                                message.put(WGALLOWEDIP_A_IPADDR, bytes: Array(repeating: 0, count: bytes))
                                message.put(WGALLOWEDIP_A_CIDR_MASK, UInt8(0))
                            }
                        }
                    }
                }
            }
            _ = try channel.request(message, "configure WireGuard", "\(name)")
        }
    }

    /// The port and the peers of a WireGuard interface.
    ///
    /// - Throws: ``NetlinkError``.
    public func wireGuard(_ name: InterfaceName) throws -> (port: UInt16, peers: [WireGuardPeer]) {
        try withGeneric("wireguard") { channel, family in
            let message = try Message(family, flags: Int32(NLM_F_DUMP), Self.header(WG_CMD_GET_DEVICE.rawValue))
            message.put(WGDEVICE_A_IFNAME, text: name.description)
            var port: UInt16 = 0
            var peers: [WireGuardPeer] = []
            for reply in try channel.request(message, "read WireGuard", "\(name)") {
                guard let attributes = reply.split(genlmsghdr.self)?.attributes else { continue }
                port = attributes[WGDEVICE_A_LISTEN_PORT]?.integer() ?? port
                peers += (attributes[WGDEVICE_A_PEERS]?.nested.all ?? []).map { WireGuardPeer($0.value.nested) }
            }
            return (port, peers)
        }
    }

    private static func header(_ command: UInt32) -> genlmsghdr {
        var header = genlmsghdr()
        header.cmd = UInt8(command)
        header.version = UInt8(WG_GENL_VERSION)
        return header
    }

    /// `struct sockaddr_in` or `sockaddr_in6`.
    private static func socketAddress(_ address: IPAddress, _ port: UInt16) -> [UInt8] {
        let isIPv6 = address.bitWidth == 128
        let family = withUnsafeBytes(of: UInt16(isIPv6 ? AF_INET6 : AF_INET)) { Array($0) }
        let bytes = family + [UInt8(port >> 8), UInt8(port & 0xFF)]
        return isIPv6
            ? bytes + [0, 0, 0, 0] + address.bytes + [0, 0, 0, 0]
            : bytes + address.bytes + Array(repeating: 0, count: 8)
    }

    /// Runs a body with a socket of generic netlink and the number of a family, which the kernel gives anew at each boot.
    private func withGeneric<T>(_ name: String, _ body: (Channel, Int) throws -> T) throws -> T {
        let channel = try namespace.perform { try Channel(family: Int32(NETLINK_GENERIC)) }
        var header = genlmsghdr()
        header.cmd = UInt8(CTRL_CMD_GETFAMILY)
        header.version = 1
        // GENL_ID_CTRL (linux/genetlink.h).
        let message = try Message(0x10, header)
        message.put(Int(CTRL_ATTR_FAMILY_NAME), text: name)
        let replies = try channel.request(message, "find the netlink family", name)
        let number: UInt16? = replies.lazy.compactMap {
            $0.split(genlmsghdr.self)?.attributes[Int(CTRL_ATTR_FAMILY_ID)]?.integer()
        }.first
        guard let number else { throw NetlinkError(errno: ENOENT, operation: "find the netlink family", object: name) }
        return try body(channel, Int(number))
    }
}

extension Message {
    /// An attribute that holds others, and says so, as newer families want it (`NLA_F_NESTED`).
    fileprivate func nested(_ type: some NetlinkNumber, _ body: (Message) -> Void) {
        nest(Int(type.number) | 0x8000, body)
    }
}

extension WireGuardPeer {
    fileprivate init(_ attributes: Attributes) {
        let endpoint = attributes[WGPEER_A_ENDPOINT]?.bytes ?? []
        let start = endpoint.count == 16 ? 4 : 8
        let length = endpoint.count == 16 ? 4 : 16
        address = IPAddress(bytes: endpoint.dropFirst(start).prefix(length))
        port = UInt16(bigEndian: endpoint.dropFirst(2).integer() ?? 0)
        // `struct __kernel_timespec`: seconds and nanoseconds, 64 bits each.
        let seconds: Int64? = attributes[WGPEER_A_LAST_HANDSHAKE_TIME]?.integer()
        lastHandshake = seconds == 0 ? nil : seconds
        receivedBytes = attributes[WGPEER_A_RX_BYTES]?.integer() ?? 0
        sentBytes = attributes[WGPEER_A_TX_BYTES]?.integer() ?? 0
        keepalive = attributes[WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL]?.integer() ?? 0
        publicKey = Array(attributes[WGPEER_A_PUBLIC_KEY]?.bytes ?? [])
        allowed = (attributes[WGPEER_A_ALLOWEDIPS]?.nested.all ?? []).compactMap { entry in
            let fields = entry.value.nested
            guard let address = fields[WGALLOWEDIP_A_IPADDR]?.address,
                let length: UInt8 = fields[WGALLOWEDIP_A_CIDR_MASK]?.integer()
            else { return nil }
            return IPPrefix("\(address)/\(length)")
        }
    }
}
