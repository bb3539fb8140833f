/// What can be read of a message of WireGuard's, which is in UDP (`struct message_header` and those that begin with it,
/// drivers/net/wireguard/messages.h).
public struct WireGuardMessage: Hashable, Sendable {
    public enum Kind: UInt8, Hashable, Sendable {
        case handshakeInitiation = 1
        case handshakeResponse = 2
        case cookieReply = 3
        case data = 4

        /// The bytes of the whole message; nil for data, which has 32 and what is in it.
        var length: Int? {
            switch self {
            case .handshakeInitiation: 148
            case .handshakeResponse: 92
            case .cookieReply: 64
            case .data: nil
            }
        }

        var text: String {
            switch self {
            case .handshakeInitiation: "handshake initiation"
            case .handshakeResponse: "handshake response"
            case .cookieReply: "cookie reply"
            case .data: "data"
            }
        }
    }

    /// The type and what is reserved, an index, and of data the counter.
    static let shortestData = 32
    /// UDP's ports at which messages are looked for.
    static let ports: ClosedRange<UInt16> = 51820...51835

    public let kind: Kind
    /// Of the sender in handshakes, of the receiver in what follows from them.
    public let index: UInt32
    /// Of data: how many messages the sender has sent before with the same key.
    public let counter: UInt64?
    /// Of data: the bytes of the packet inside with its padding; 0 for a keepalive.
    public let contentLength: Int?

    var headerLength: Int { kind == .data ? 16 : 8 }

    /// Whether a datagram with that many bytes begins as a message does, and is as long as one.
    static func begins(_ bytes: RawSpan, length: Int) -> Bool {
        guard bytes.byteCount >= 16, bytes.uint32(at: 0) & 0xFF_FFFF == 0, let kind = Kind(rawValue: bytes.uint8(at: 0))
        else { return false }
        return kind.length.map { $0 == length } ?? (length >= shortestData)
    }

    /// Decodes the beginning of a datagram with that many bytes.
    init(_ bytes: RawSpan, length: Int) throws(Malformation) {
        try bytes.require(16)
        kind = Kind(rawValue: bytes.uint8(at: 0)) ?? .data
        index = bytes.uint32(at: 4).byteSwapped
        counter = kind == .data ? (UInt64(bytes.uint32(at: 8)) << 32 | UInt64(bytes.uint32(at: 12))).byteSwapped : nil
        contentLength = kind == .data ? max(0, length - Self.shortestData) : nil
    }

    var text: String {
        let rest = counter.map { " counter \($0)\(contentLength == 0 ? " keepalive" : "")" } ?? ""
        return "WireGuard \(kind.text) index \(index.hexadecimal)\(rest)"
    }
}
