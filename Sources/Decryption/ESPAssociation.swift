import NetworkTypes

/// One direction of an ESP connection with its keys: what it takes to read its packets (RFC 4303; RFC 4301 section 4.4.2).
///
/// Names, keys and lengths are as the kernel's SAD has them (ip-xfrm(8), net/xfrm/xfrm_algo.c).
public struct ESPAssociation: Hashable, Sendable, Codable {
    public var source: IPAddress
    public var destination: IPAddress
    /// As it is on the wire.
    public var spi: UInt32
    public var mode: Mode
    /// A cipher, or an AEAD: then there is no integrity algorithm beside it.
    public var encryption: Algorithm
    public var integrity: Algorithm?
    /// Whether sequence numbers have 64 bits, of which packets carry the low half (RFC 4303 section 2.2.1).
    public var hasExtendedSequence: Bool
    /// Nil where ESP is right above IP.
    public var encapsulation: UDPEncapsulation?

    public init(
        source: IPAddress, destination: IPAddress, spi: UInt32, mode: Mode = .tunnel, encryption: Algorithm,
        integrity: Algorithm? = nil, hasExtendedSequence: Bool = false, encapsulation: UDPEncapsulation? = nil
    ) {
        self.source = source
        self.destination = destination
        self.spi = spi
        self.mode = mode
        self.encryption = encryption
        self.integrity = integrity
        self.hasExtendedSequence = hasExtendedSequence
        self.encapsulation = encapsulation
    }

    /// What is protected: all of a packet, or its payload.
    public enum Mode: String, Hashable, Sendable, Codable {
        case tunnel, transport
    }

    /// An algorithm with its key: `cbc(aes)`, `hmac(sha256)`, `rfc4106(gcm(aes))`.
    public struct Algorithm: Hashable, Sendable, Codable {
        public var name: String
        /// With the salt at its end, for AEADs and AES-CTR: 4 bytes, AES-CCM's 3.
        public var key: KeyMaterial
        /// The bits that are sent of each integrity value: an integrity algorithm's truncated length, an AEAD's ICV. 0 for a
        /// cipher.
        public var tagBits: Int

        public init(name: String, key: KeyMaterial, tagBits: Int = 0) {
            self.name = name
            self.key = key
            self.tagBits = tagBits
        }
    }

    /// The UDP ports that carry ESP (RFC 3948).
    public struct UDPEncapsulation: Hashable, Sendable, Codable {
        public var sourcePort: UInt16
        public var destinationPort: UInt16

        public init(sourcePort: UInt16 = 4500, destinationPort: UInt16 = 4500) {
            self.sourcePort = sourcePort
            self.destinationPort = destinationPort
        }
    }
}
