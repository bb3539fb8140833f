import FoundationEssentials

/// Bytes that travel as base64 in JSON.
public struct Bytes: Hashable, Sendable, Codable {
    public let array: [UInt8]

    public init(_ array: [UInt8]) {
        self.array = array
    }

    public init(from decoder: any Decoder) throws {
        array = Array(try decoder.singleValueContainer().decode(Data.self))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(Data(array))
    }
}
