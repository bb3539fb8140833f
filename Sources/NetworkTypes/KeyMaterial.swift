/// The bytes of a key: usable, comparable, storable, and never shown by any kind of printing.
///
/// Encoded, the bytes are there to read: what holds them is a secret file.
public struct KeyMaterial: Hashable, Sendable {
    public let bytes: [UInt8]

    public init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Two hexadecimal digits a byte, and nothing else.
    public init?(hexadecimalDigits text: some StringProtocol) {
        let digits = text.utf8.map { Character(Unicode.Scalar($0)).hexDigitValue }
        let nibbles = digits.compactMap(\.self)
        guard digits.count % 2 == 0, nibbles.count == digits.count else { return nil }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: nibbles.count, by: 2) {
            bytes.append(UInt8(nibbles[index] << 4 | nibbles[index + 1]))
        }
        self.init(bytes)
    }

    /// The key's length. An AEAD's includes its salt: AES-GCM-256 has 288 bits (RFC 4106).
    public var bits: Int { bytes.count * 8 }

    /// As key tables have it: `0x` and two digits a byte.
    public var hexadecimal: String { "0x" + bytes.hexadecimal }
}

extension KeyMaterial: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "\(bits) bits, not shown" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: []) }
}

extension KeyMaterial: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let key = KeyMaterial(hexadecimalDigits: try container.decode(String.self)) else {
            // Not what was read: it may be most of a key.
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "a key is two hexadecimal digits a byte")
        }
        self = key
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(bytes.hexadecimal)
    }
}
