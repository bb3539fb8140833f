// Every type here travels as its own text: readable in JSON, and checked again where it is read.

extension LosslessStringConvertible where Self: Codable {
    init(fromText decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let value = Self(text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "\(text.debugDescription) is not a valid \(Self.self)")
        }
        self = value
    }

    func encode(textTo encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

extension IPv4Address: Codable {
    public init(from decoder: any Decoder) throws { try self.init(fromText: decoder) }
    public func encode(to encoder: any Encoder) throws { try encode(textTo: encoder) }
}
extension IPv6Address: Codable {
    public init(from decoder: any Decoder) throws { try self.init(fromText: decoder) }
    public func encode(to encoder: any Encoder) throws { try encode(textTo: encoder) }
}
extension IPAddress: Codable {
    public init(from decoder: any Decoder) throws { try self.init(fromText: decoder) }
    public func encode(to encoder: any Encoder) throws { try encode(textTo: encoder) }
}
extension IPPrefix: Codable {
    public init(from decoder: any Decoder) throws { try self.init(fromText: decoder) }
    public func encode(to encoder: any Encoder) throws { try encode(textTo: encoder) }
}
extension InterfaceAddress: Codable {
    public init(from decoder: any Decoder) throws { try self.init(fromText: decoder) }
    public func encode(to encoder: any Encoder) throws { try encode(textTo: encoder) }
}
extension InterfaceName: Codable {
    public init(from decoder: any Decoder) throws { try self.init(fromText: decoder) }
    public func encode(to encoder: any Encoder) throws { try encode(textTo: encoder) }
}
extension MACAddress: Codable {
    public init(from decoder: any Decoder) throws { try self.init(fromText: decoder) }
    public func encode(to encoder: any Encoder) throws { try encode(textTo: encoder) }
}
extension MTU: Codable {
    public init(from decoder: any Decoder) throws { try self.init(fromText: decoder) }
    public func encode(to encoder: any Encoder) throws { try encode(textTo: encoder) }
}
extension BitRate: Codable {
    public init(from decoder: any Decoder) throws { try self.init(fromText: decoder) }
    public func encode(to encoder: any Encoder) throws { try encode(textTo: encoder) }
}
extension Percentage: Codable {
    public init(from decoder: any Decoder) throws { try self.init(fromText: decoder) }
    public func encode(to encoder: any Encoder) throws { try encode(textTo: encoder) }
}
extension ASN: Codable {
    public init(from decoder: any Decoder) throws { try self.init(fromText: decoder) }
    public func encode(to encoder: any Encoder) throws { try encode(textTo: encoder) }
}
