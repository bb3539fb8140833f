import NetworkTypes

/// The protocol of a security association, by its IP protocol number.
public struct IPsecProtocol: RawRepresentable, Hashable, Sendable, Codable, CustomStringConvertible {
    public let rawValue: UInt8

    public init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    public static let esp = IPsecProtocol(rawValue: 50)
    public static let ah = IPsecProtocol(rawValue: 51)
    public static let ipcomp = IPsecProtocol(rawValue: 108)

    public var description: String {
        switch self {
        case .esp: "esp"
        case .ah: "ah"
        case .ipcomp: "ipcomp"
        default: "protocol \(rawValue)"
        }
    }
}

/// What is protected: the payload of a packet, or all of it (`XFRM_MODE_*`, linux/xfrm.h).
public enum IPsecMode: UInt8, Hashable, Sendable, Codable {
    case transport, tunnel, routeOptimization, inTrigger, beet
}

/// A packet mark, and the bits of it that count.
public struct PacketMark: Hashable, Sendable, Codable {
    public var value: UInt32
    public var mask: UInt32

    public init(value: UInt32, mask: UInt32 = .max) {
        self.value = value
        self.mask = mask
    }
}

/// The packets that a policy or an association is for: a traffic selector.
public struct IPsecSelector: Hashable, Sendable, Codable {
    public var source: IPPrefix
    public var destination: IPPrefix
    /// The upper protocol's number; 0 for any.
    public var `protocol`: UInt8
    /// 0 for any.
    public var sourcePort: UInt16
    public var destinationPort: UInt16

    /// Both prefixes must be of one family.
    public init(
        source: IPPrefix, destination: IPPrefix, protocol: UInt8 = 0, sourcePort: UInt16 = 0,
        destinationPort: UInt16 = 0
    ) {
        self.source = source
        self.destination = destination
        self.protocol = `protocol`
        self.sourcePort = sourcePort
        self.destinationPort = destinationPort
    }
}

/// A cipher or an integrity algorithm with its key, named as the kernel names it: `cbc(aes)`, `hmac(sha256)`, `rfc4106(gcm(aes))`.
public struct IPsecAlgorithm: Hashable, Sendable {
    public var name: String
    public var key: KeyMaterial
    /// The bits that are sent of each integrity value: an integrity algorithm's truncated length, an AEAD's ICV. 0 for a cipher.
    public var tagBits: Int

    public init(name: String, key: KeyMaterial, tagBits: Int = 0) {
        self.name = name
        self.key = key
        self.tagBits = tagBits
    }
}

/// When an association ends; nil where there is no such limit.
public struct IPsecLimits: Hashable, Sendable, Codable {
    public var bytes: UInt64?
    public var packets: UInt64?
    /// In whole seconds.
    public var sinceAdded: Duration?
    /// In whole seconds.
    public var sinceFirstUse: Duration?

    public init(
        bytes: UInt64? = nil, packets: UInt64? = nil, sinceAdded: Duration? = nil, sinceFirstUse: Duration? = nil
    ) {
        self.bytes = bytes
        self.packets = packets
        self.sinceAdded = sinceAdded
        self.sinceFirstUse = sinceFirstUse
    }
}
