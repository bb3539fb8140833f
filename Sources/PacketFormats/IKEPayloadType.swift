/// The kind of an IKEv2 payload (IANA "ikev2-parameters", payload types).
public struct IKEPayloadType: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    public let rawValue: UInt8

    public init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    public static let none = IKEPayloadType(rawValue: 0)
    public static let securityAssociation = IKEPayloadType(rawValue: 33)
    public static let keyExchange = IKEPayloadType(rawValue: 34)
    public static let nonce = IKEPayloadType(rawValue: 40)
    public static let notify = IKEPayloadType(rawValue: 41)
    public static let delete = IKEPayloadType(rawValue: 42)
    public static let encrypted = IKEPayloadType(rawValue: 46)
    /// A part of an encrypted payload (RFC 7383).
    public static let encryptedFragment = IKEPayloadType(rawValue: 53)

    /// The short name that RFC 7296 section 3.2 gives it.
    public var description: String {
        switch rawValue {
        case 33: "SA"
        case 34: "KE"
        case 35: "IDi"
        case 36: "IDr"
        case 37: "CERT"
        case 38: "CERTREQ"
        case 39: "AUTH"
        case 40: "Nonce"
        case 41: "N"
        case 42: "D"
        case 43: "V"
        case 44: "TSi"
        case 45: "TSr"
        case 46: "SK"
        case 47: "CP"
        case 48: "EAP"
        case 53: "SKF"
        default: "payload \(rawValue)"
        }
    }
}

/// What a Notify payload says (IANA "ikev2-parameters", notify message types).
public struct IKENotification: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    public let rawValue: UInt16

    public init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    public static let natDetectionSourceIP = IKENotification(rawValue: 16388)
    public static let natDetectionDestinationIP = IKENotification(rawValue: 16389)

    public var description: String {
        switch rawValue {
        case 1: "UNSUPPORTED_CRITICAL_PAYLOAD"
        case 4: "INVALID_IKE_SPI"
        case 5: "INVALID_MAJOR_VERSION"
        case 7: "INVALID_SYNTAX"
        case 9: "INVALID_MESSAGE_ID"
        case 11: "INVALID_SPI"
        case 14: "NO_PROPOSAL_CHOSEN"
        case 17: "INVALID_KE_PAYLOAD"
        case 24: "AUTHENTICATION_FAILED"
        case 38: "TS_UNACCEPTABLE"
        case 43: "TEMPORARY_FAILURE"
        case 44: "CHILD_SA_NOT_FOUND"
        case 16384: "INITIAL_CONTACT"
        case 16388: "NAT_DETECTION_SOURCE_IP"
        case 16389: "NAT_DETECTION_DESTINATION_IP"
        case 16390: "COOKIE"
        case 16391: "USE_TRANSPORT_MODE"
        case 16393: "REKEY_SA"
        case 16394: "ESP_TFC_PADDING_NOT_SUPPORTED"
        case 16396: "MOBIKE_SUPPORTED"
        case 16404: "MULTIPLE_AUTH_SUPPORTED"
        case 16406: "REDIRECT_SUPPORTED"
        case 16418: "CHILDLESS_IKEV2_SUPPORTED"
        case 16430: "IKEV2_FRAGMENTATION_SUPPORTED"
        case 16431: "SIGNATURE_HASH_ALGORITHMS"
        case 16435: "USE_PPK"
        case 16438: "INTERMEDIATE_EXCHANGE_SUPPORTED"
        default: "notify \(rawValue)"
        }
    }
}
