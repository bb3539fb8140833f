/// An address block: a network address and the number of its bits that are fixed.
///
/// The host bits are always zero, so equal blocks are equal values. Text is CIDR notation (RFC 4632).
public struct IPPrefix: Hashable, Sendable, Comparable {
    /// The block's first address.
    public let address: IPAddress
    /// The number of leading bits that all members share: 0 to 32, or 0 to 128.
    public let length: Int

    /// The block of the given length around an address; host bits are cleared.
    ///
    /// - Precondition: `length` is 0 to `address.bitWidth`.
    public init(_ address: IPAddress, length: Int) {
        precondition((0...address.bitWidth).contains(length))
        self.address = address.masked(to: length)
        self.length = length
    }

    public func contains(_ other: IPAddress) -> Bool {
        other.bitWidth == address.bitWidth && other.masked(to: length) == address
    }

    /// Whether every address of `other` is in this block.
    public func contains(_ other: IPPrefix) -> Bool {
        other.length >= length && contains(other.address)
    }

    public func overlaps(_ other: IPPrefix) -> Bool {
        contains(other) || other.contains(self)
    }

    /// Whether this block is all of its family: 0.0.0.0/0 or ::/0.
    public var isDefault: Bool { length == 0 }

    public static func < (left: Self, right: Self) -> Bool {
        (left.address, left.length) < (right.address, right.length)
    }
}

extension IPPrefix: LosslessStringConvertible {
    /// Reads `10.0.0.0/8`; a bare address is a block of one. Host bits that are set make it nil.
    public init?(_ text: String) {
        guard let interface = InterfaceAddress(text), interface.prefix.address == interface.address else { return nil }
        self = interface.prefix
    }

    public var description: String { "\(address)/\(length)" }
}

/// An interface's own address together with the block of its link, as in `ip address add 10.2.3.100/24`.
public struct InterfaceAddress: Hashable, Sendable {
    public let address: IPAddress
    /// The number of bits the link's neighbours share: 0 to 32, or 0 to 128.
    public let prefixLength: Int

    /// - Precondition: `prefixLength` is 0 to `address.bitWidth`.
    public init(_ address: IPAddress, prefixLength: Int) {
        precondition((0...address.bitWidth).contains(prefixLength))
        self.address = address
        self.prefixLength = prefixLength
    }

    /// The link's block.
    public var prefix: IPPrefix { IPPrefix(address, length: prefixLength) }
}

extension InterfaceAddress: LosslessStringConvertible {
    /// Reads `10.2.3.100/24`; a bare address has all its bits fixed.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), let address = IPAddress(String(parts[0])) else { return nil }
        guard parts.count == 2 else {
            self.init(address, prefixLength: address.bitWidth)
            return
        }
        guard let length = Int(decimal: parts[1]), (0...address.bitWidth).contains(length) else { return nil }
        self.init(address, prefixLength: length)
    }

    public var description: String { "\(address)/\(prefixLength)" }
}
