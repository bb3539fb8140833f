/// The header of an IKE message: 28 bytes (RFC 7296, 3.1; the same in IKEv1, RFC 2408, 3.1).
public struct IKEHeader: Hashable, Sendable {
    public static let length = 28

    public let initiatorSPI: UInt64
    /// 0 in the first message of an exchange of IKE_SA_INIT.
    public let responderSPI: UInt64
    public let firstPayload: IKEPayloadType
    /// 1 or 2.
    public let majorVersion: UInt8
    public let minorVersion: UInt8
    public let exchange: IKEExchange
    /// The flags byte: 0x08 from the initiator, 0x20 a response.
    public let flags: UInt8
    public let messageID: UInt32
    /// Of the header and all payloads, in bytes, as the header claims.
    public let messageLength: Int

    /// Whether the initiator of the IKE SA sent this (IKEv2).
    public var isFromInitiator: Bool { flags & 0x08 != 0 }
    /// Whether this is a response (IKEv2).
    public var isResponse: Bool { flags & 0x20 != 0 }

    /// Decodes the header that the bytes begin with.
    public init(_ bytes: RawSpan) throws(Malformation) {
        try bytes.require(Self.length)
        initiatorSPI = bytes.uint64(at: 0)
        responderSPI = bytes.uint64(at: 8)
        firstPayload = IKEPayloadType(rawValue: bytes.uint8(at: 16))
        let version = bytes.uint8(at: 17)
        majorVersion = version >> 4
        minorVersion = version & 0xF
        guard majorVersion == 1 || majorVersion == 2 else { throw .ikeVersion }
        exchange = IKEExchange(rawValue: bytes.uint8(at: 18))
        flags = bytes.uint8(at: 19)
        messageID = bytes.uint32(at: 20)
        let length = bytes.uint32(at: 24)
        guard length >= UInt32(Self.length) else { throw .ikeLength }
        messageLength = Int(length)
    }
}

/// What an IKEv2 message is about (IANA "ikev2-parameters", exchange types).
public struct IKEExchange: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    public let rawValue: UInt8

    public init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    public static let saInit = IKEExchange(rawValue: 34)
    public static let auth = IKEExchange(rawValue: 35)
    public static let createChildSA = IKEExchange(rawValue: 36)
    public static let informational = IKEExchange(rawValue: 37)

    public var description: String {
        switch self {
        case .saInit: "IKE_SA_INIT"
        case .auth: "IKE_AUTH"
        case .createChildSA: "CREATE_CHILD_SA"
        case .informational: "INFORMATIONAL"
        default: "exchange \(rawValue)"
        }
    }
}
