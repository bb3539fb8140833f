import NetworkTypes

/// One direction of an IPsec connection, as the kernel's SAD has it (RFC 4301 section 4.4.2; ip-xfrm(8)).
public struct SecurityAssociation: Hashable, Sendable {
    public var source: IPAddress
    public var destination: IPAddress
    /// As it is on the wire: 256 or more.
    public var spi: UInt32
    public var `protocol`: IPsecProtocol
    public var mode: IPsecMode
    /// Joins it to the policies whose templates have the same number; 0 for none.
    public var requestID: UInt32 = 0
    /// Packets use it only with this mark.
    public var mark: PacketMark?
    /// The mark it gives to what it made.
    public var outputMark: PacketMark?
    /// The XFRM interface it belongs to.
    public var interfaceID: UInt32?
    public var encryption: IPsecAlgorithm?
    public var integrity: IPsecAlgorithm?
    /// Encryption and integrity in one.
    public var aead: IPsecAlgorithm?
    public var encapsulation: Encapsulation?
    /// Nil where any packet may use it.
    public var selector: IPsecSelector?
    /// In packets; 0 where replays are not looked for. More than 32 needs extended sequence numbers' larger window.
    public var replayWindow = 0
    /// Whether sequence numbers have 64 bits (RFC 4304).
    public var hasExtendedSequence = false
    /// The last sequence number sent, and the highest received.
    public var outputSequence: UInt64 = 0
    public var inputSequence: UInt64 = 0
    public var softLimits = IPsecLimits()
    public var hardLimits = IPsecLimits()
    /// What it carried so far; bytes of the packets as they were before protection.
    public var bytes: UInt64 = 0
    public var packets: UInt64 = 0
    /// Packets refused as replays, and for a wrong integrity value.
    public var replays: UInt32 = 0
    public var integrityFailures: UInt32 = 0
    /// In seconds since 1970, by the kernel's own clock; 0 where it was never used.
    public var addTime: UInt64 = 0
    public var useTime: UInt64 = 0

    public init(
        source: IPAddress, destination: IPAddress, spi: UInt32, protocol: IPsecProtocol = .esp,
        mode: IPsecMode = .tunnel
    ) {
        self.source = source
        self.destination = destination
        self.spi = spi
        self.protocol = `protocol`
        self.mode = mode
    }

    /// ESP inside UDP (RFC 3948) or TCP (RFC 8229).
    public struct Encapsulation: Hashable, Sendable, Codable {
        public var type: EncapsulationType
        public var sourcePort: UInt16
        public var destinationPort: UInt16

        public init(type: EncapsulationType = .espInUDP, sourcePort: UInt16 = 4500, destinationPort: UInt16 = 4500) {
            self.type = type
            self.sourcePort = sourcePort
            self.destinationPort = destinationPort
        }
    }

    /// `UDP_ENCAP_*` and `TCP_ENCAP_ESPINTCP` (linux/udp.h, linux/tcp.h).
    public struct EncapsulationType: RawRepresentable, Hashable, Sendable, Codable {
        public let rawValue: UInt16

        public init(rawValue: UInt16) {
            self.rawValue = rawValue
        }

        public static let espInUDP = EncapsulationType(rawValue: 2)
        public static let espInTCP = EncapsulationType(rawValue: 7)
    }
}
