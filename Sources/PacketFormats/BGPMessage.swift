import NetworkTypes

/// One BGP message (RFC 4271, 4).
public struct BGPMessage: Hashable, Sendable {
    /// Of the header: marker, length, type.
    public static let headerLength = 19
    public static let port: UInt16 = 179

    public enum Content: Hashable, Sendable {
        case open(BGPOpen)
        case update(BGPUpdate)
        case notification(code: UInt8, subcode: UInt8)
        case keepalive
        case routeRefresh
        case other(type: UInt8)
        /// The segment ends before the message does; the next one continues it.
        case incomplete(type: UInt8)
    }

    /// Of the whole message, in bytes: 19 to 4096.
    public let messageLength: Int
    public let content: Content

    /// Whether a message begins here, as far as its marker tells.
    static func begins(_ bytes: RawSpan) -> Bool {
        bytes.byteCount >= headerLength && bytes.uint64(at: 0) == .max && bytes.uint64(at: 8) == .max
    }

    /// Decodes the message that the bytes begin with.
    public init(_ bytes: RawSpan) throws(Malformation) {
        try bytes.require(Self.headerLength)
        guard Self.begins(bytes) else { throw .bgpMarker }
        messageLength = Int(bytes.uint16(at: 16))
        let type = bytes.uint8(at: 18)
        let minimum =
            switch type {
            case 1: 29
            case 2: 23
            case 3: 21
            case 5: 23
            default: Self.headerLength
            }
        guard messageLength >= minimum, messageLength <= (type == 4 ? Self.headerLength : 4096) else {
            throw .bgpLength
        }
        guard messageLength <= bytes.byteCount else {
            content = .incomplete(type: type)
            return
        }
        let message = bytes.extracting(0..<messageLength)
        content =
            switch type {
            case 1: .open(try BGPOpen(message))
            case 2: .update(try BGPUpdate(message))
            case 3: .notification(code: message.uint8(at: 19), subcode: message.uint8(at: 20))
            case 4: .keepalive
            case 5: .routeRefresh
            default: .other(type: type)
            }
    }
}

/// What a speaker says of itself when a session begins (RFC 4271, 4.2).
public struct BGPOpen: Hashable, Sendable {
    public let version: UInt8
    /// With four octets where the speaker has that capability (RFC 6793).
    public let autonomousSystem: UInt32
    /// In seconds.
    public let holdTime: UInt16
    public let identifier: IPv4Address

    /// Decodes a whole OPEN message, header included.
    init(_ message: RawSpan) throws(Malformation) {
        version = message.uint8(at: 19)
        holdTime = message.uint16(at: 22)
        identifier = message.ipv4Address(at: 24)
        let parameters = 29..<29 + Int(message.uint8(at: 28))
        guard parameters.upperBound <= message.byteCount else { throw .bgpFields }
        var system = UInt32(message.uint16(at: 20))
        try Self.forEachField(in: message, parameters) { type, capabilities throws(Malformation) in
            guard type == 2 else { return }
            try Self.forEachField(in: message, capabilities) { code, value throws(Malformation) in
                guard code == 65 else { return }
                guard value.count == 4 else { throw .bgpFields }
                system = message.uint32(at: value.lowerBound)
            }
        }
        autonomousSystem = system
    }

    /// Visits optional parameters or capabilities: a type, a length, a value.
    private static func forEachField(
        in message: RawSpan, _ range: Range<Int>,
        _ visit: (_ type: UInt8, _ value: Range<Int>) throws(Malformation) -> Void
    ) throws(Malformation) {
        var offset = range.lowerBound
        while offset < range.upperBound {
            guard offset + 2 <= range.upperBound else { throw .bgpFields }
            let end = offset + 2 + Int(message.uint8(at: offset + 1))
            guard end <= range.upperBound else { throw .bgpFields }
            try visit(message.uint8(at: offset), offset + 2..<end)
            offset = end
        }
    }
}

/// How many IPv4 prefixes an UPDATE withdraws and announces (RFC 4271, 4.3); those of other families are attributes.
public struct BGPUpdate: Hashable, Sendable {
    public let withdrawn: Int
    public let announced: Int
    /// Of the path attributes, in bytes.
    public let attributesLength: Int

    /// Decodes a whole UPDATE message, header included.
    init(_ message: RawSpan) throws(Malformation) {
        let withdrawnEnd = 21 + Int(message.uint16(at: 19))
        guard withdrawnEnd + 2 <= message.byteCount else { throw .bgpFields }
        attributesLength = Int(message.uint16(at: withdrawnEnd))
        let announcedStart = withdrawnEnd + 2 + attributesLength
        guard announcedStart <= message.byteCount else { throw .bgpFields }
        withdrawn = try Self.prefixes(in: message, 21..<withdrawnEnd)
        announced = try Self.prefixes(in: message, announcedStart..<message.byteCount)
    }

    private static func prefixes(in message: RawSpan, _ range: Range<Int>) throws(Malformation) -> Int {
        var offset = range.lowerBound
        var count = 0
        while offset < range.upperBound {
            let bits = Int(message.uint8(at: offset))
            offset += 1 + (bits + 7) / 8
            guard bits <= 32, offset <= range.upperBound else { throw .bgpFields }
            count += 1
        }
        return count
    }
}
