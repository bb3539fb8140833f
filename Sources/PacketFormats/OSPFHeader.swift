import NetworkTypes

/// The header of an OSPF version 2 packet: 24 bytes (RFC 2328, A.3.1), and what a hello packet says of its timers (A.3.2).
public struct OSPFHeader: Hashable, Sendable {
    public static let length = 24
    /// Up to the list of neighbours.
    private static let helloLength = 44

    public enum Kind: UInt8, Hashable, Sendable, CustomStringConvertible {
        case hello = 1
        case databaseDescription, request, update, acknowledgment

        public var description: String {
            switch self {
            case .hello: "Hello"
            case .databaseDescription: "Database Description"
            case .request: "Link State Request"
            case .update: "Link State Update"
            case .acknowledgment: "Link State Acknowledgment"
            }
        }
    }

    public let kind: Kind
    /// Of the whole packet, as it says, in bytes.
    public let packetLength: Int
    public let router: IPv4Address
    public let area: IPv4Address
    /// In seconds, and how many neighbours it names; nil for all but a hello packet that is all there.
    public let hello: Hello?

    public struct Hello: Hashable, Sendable {
        public let interval: UInt16
        public let deadInterval: UInt32
        public let neighbors: Int
    }

    /// Whether bytes can be a packet: version 2, a type that there is, and a length that it can have.
    static func begins(_ bytes: RawSpan) -> Bool {
        bytes.byteCount >= length && bytes.uint8(at: 0) == 2 && Kind(rawValue: bytes.uint8(at: 1)) != nil
            && Int(bytes.uint16(at: 2)) >= length
    }

    /// Decodes the packet that the bytes begin with.
    public init(_ bytes: RawSpan) throws(Malformation) {
        try bytes.require(Self.length)
        kind = Kind(rawValue: bytes.uint8(at: 1)) ?? .hello
        packetLength = Int(bytes.uint16(at: 2))
        router = bytes.ipv4Address(at: 4)
        area = bytes.ipv4Address(at: 8)
        let isWhole = packetLength >= Self.helloLength && packetLength <= bytes.byteCount
        hello =
            kind == .hello && isWhole
            ? Hello(
                interval: bytes.uint16(at: 28), deadInterval: bytes.uint32(at: 32),
                neighbors: (packetLength - Self.helloLength) / 4)
            : nil
    }
}

extension OSPFHeader {
    var text: String {
        let timers = hello.map { " every \($0.interval)s dead \($0.deadInterval)s neighbours \($0.neighbors)" } ?? ""
        return "OSPF \(kind) router \(router) area \(area)\(timers)"
    }
}
