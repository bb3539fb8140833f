/// The mandatory part of a BFD control packet: 24 bytes (RFC 5880, 4.1).
public struct BFDControl: Hashable, Sendable {
    public static let length = 24
    /// UDP's ports of one hop and of several (RFC 5881, 4; RFC 5883, 5).
    static let ports: [UInt16] = [3784, 4784]

    public enum State: UInt8, Hashable, Sendable, CustomStringConvertible {
        case adminDown = 0
        case down, initial, up

        public var description: String {
            switch self {
            case .adminDown: "AdminDown"
            case .down: "Down"
            case .initial: "Init"
            case .up: "Up"
            }
        }
    }

    /// Why the sender went down last; 0 for no reason (RFC 5880, 4.1).
    public let diagnostic: UInt8
    public let state: State
    /// A question that wants an answer at once, and that answer (RFC 5880, 6.5).
    public let isPoll: Bool
    public let isFinal: Bool
    public let multiplier: UInt8
    public let senderDiscriminator: UInt32
    /// 0 while the sender has not heard of its peer.
    public let peerDiscriminator: UInt32
    /// Desired Min TX Interval and Required Min RX Interval, in microseconds.
    public let transmitInterval: UInt32
    public let receiveInterval: UInt32

    /// Whether what is in a UDP datagram to one of the ports can be one: version 1, and as long as it says.
    static func begins(_ bytes: RawSpan) -> Bool {
        guard bytes.byteCount >= length else { return false }
        let claimed = Int(bytes.uint8(at: 3))
        return bytes.uint8(at: 0) >> 5 == 1 && claimed >= length && claimed <= bytes.byteCount
    }

    /// Decodes the packet that the bytes begin with.
    public init(_ bytes: RawSpan) throws(Malformation) {
        try bytes.require(Self.length)
        diagnostic = bytes.uint8(at: 0) & 0x1F
        let flags = bytes.uint8(at: 1)
        state = State(rawValue: flags >> 6) ?? .adminDown
        isPoll = flags & 0x20 != 0
        isFinal = flags & 0x10 != 0
        multiplier = bytes.uint8(at: 2)
        senderDiscriminator = bytes.uint32(at: 4)
        peerDiscriminator = bytes.uint32(at: 8)
        transmitInterval = bytes.uint32(at: 12)
        receiveInterval = bytes.uint32(at: 16)
    }
}

extension BFDControl {
    /// As one line of text: intervals in milliseconds where they are whole ones.
    var text: String {
        let time = { (microseconds: UInt32) in
            microseconds % 1000 == 0 ? "\(microseconds / 1000)ms" : "\(microseconds)us"
        }
        var words = ["BFD \(state)"]
        if isPoll { words.append("poll") }
        if isFinal { words.append("final") }
        if diagnostic != 0 { words.append("diag \(diagnostic) (\(reason))") }
        words.append("tx \(time(transmitInterval)) rx \(time(receiveInterval)) x\(multiplier)")
        return words.joined(separator: " ")
    }

    /// The diagnostic code's name (RFC 5880, 4.1).
    private var reason: String {
        switch diagnostic {
        case 1: "detection time expired"
        case 2: "echo failed"
        case 3: "neighbor signaled down"
        case 4: "forwarding plane reset"
        case 5: "path down"
        case 6: "concatenated path down"
        case 7: "administratively down"
        case 8: "reverse concatenated path down"
        default: "reserved"
        }
    }
}
