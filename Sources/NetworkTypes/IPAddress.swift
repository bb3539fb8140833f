/// An IPv4 address, kept as the 32 bits of its network byte order read as one integer.
///
/// Text is the dotted quad of RFC 1123 section 2.1, without leading zeros or abbreviations.
public struct IPv4Address: Hashable, Sendable, Comparable {
    /// The address as an integer: 10.0.0.1 is 0x0A000001.
    public let rawValue: UInt32

    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// The four bytes in network order.
    public var bytes: [UInt8] {
        [UInt8(rawValue >> 24), UInt8(rawValue >> 16 & 0xFF), UInt8(rawValue >> 8 & 0xFF), UInt8(rawValue & 0xFF)]
    }

    public static func < (left: Self, right: Self) -> Bool {
        left.rawValue < right.rawValue
    }
}

extension IPv4Address: LosslessStringConvertible {
    public init?(_ text: String) {
        var value: UInt32 = 0
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        for part in parts {
            guard let byte = UInt8(decimal: part) else { return nil }
            value = value << 8 | UInt32(byte)
        }
        self.init(rawValue: value)
    }

    public var description: String {
        bytes.map(String.init).joined(separator: ".")
    }
}

/// An IPv6 address, kept as two 64-bit halves in network order.
///
/// Text is read as RFC 4291 section 2.2 allows (including an embedded IPv4 address) and written as RFC 5952 recommends.
public struct IPv6Address: Hashable, Sendable, Comparable {
    /// The network half: bits 0 to 63.
    public let high: UInt64
    /// The interface half: bits 64 to 127.
    public let low: UInt64

    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// The eight 16-bit groups, first group first.
    public var groups: [UInt16] {
        (0..<8).map { UInt16(truncatingIfNeeded: ($0 < 4 ? high : low) >> (48 - 16 * UInt64($0 % 4))) }
    }

    /// The sixteen bytes in network order.
    public var bytes: [UInt8] {
        groups.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }
    }

    public static func < (left: Self, right: Self) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }
}

extension IPv6Address: LosslessStringConvertible {
    public init?(_ text: String) {
        guard let (head, tail) = Self.halves(of: text) else { return nil }
        var groups = head
        if let tail {
            // "::" stands for at least one group of zeros.
            guard head.count + tail.count < 8 else { return nil }
            groups += Array(repeating: 0, count: 8 - head.count - tail.count) + tail
        }
        guard groups.count == 8 else { return nil }
        let pack = { (half: ArraySlice<UInt16>) in half.reduce(UInt64(0)) { $0 << 16 | UInt64($1) } }
        self.init(high: pack(groups[0..<4]), low: pack(groups[4..<8]))
    }

    /// Splits the text at "::" and reads the groups of both sides; the second is nil where there is no "::".
    private static func halves(of text: String) -> (head: [UInt16], tail: [UInt16]?)? {
        let scalars = Array(text.utf8)
        let colon = UInt8(ascii: ":")
        let gaps = scalars.indices.dropLast().filter { scalars[$0] == colon && scalars[$0 + 1] == colon }
        guard gaps.count <= 1, let gap = gaps.first else {
            guard gaps.isEmpty, let all = groups(of: text[...]) else { return nil }
            return (all, nil)
        }
        let head = String(decoding: scalars[..<gap], as: UTF8.self)
        let tail = String(decoding: scalars[(gap + 2)...], as: UTF8.self)
        // An IPv4 address can only be the end of the text.
        guard !head.contains("."), let headGroups = groups(of: head[...]), let tailGroups = groups(of: tail[...])
        else { return nil }
        return (headGroups, tailGroups)
    }

    private static func groups(of text: Substring) -> [UInt16]? {
        guard !text.isEmpty else { return [] }
        var groups: [UInt16] = []
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() {
            if index == parts.count - 1, part.contains("."), let v4 = IPv4Address(String(part)) {
                groups += [UInt16(v4.rawValue >> 16), UInt16(v4.rawValue & 0xFFFF)]
            } else if (1...4).contains(part.utf8.count), let group = UInt16(hexadecimal: part) {
                groups.append(group)
            } else {
                return nil
            }
        }
        return groups
    }

    public var description: String {
        // IPv4-mapped addresses are better known by their IPv4 part (RFC 5952, 5).
        if high == 0, low >> 32 == 0xFFFF { return "::ffff:\(IPv4Address(rawValue: UInt32(truncatingIfNeeded: low)))" }
        let groups = self.groups
        // The longest run of two or more zero groups becomes "::"; the first one where two are as long (RFC 5952, 4.2).
        var best: Range<Int>?
        var index = 0
        while index < 8 {
            guard groups[index] == 0 else {
                index += 1
                continue
            }
            let end = groups[index...].firstIndex { $0 != 0 } ?? 8
            if end - index >= 2, end - index > best?.count ?? 0 { best = index..<end }
            index = end
        }
        let hex = { (part: ArraySlice<UInt16>) in part.map { String($0, radix: 16) }.joined(separator: ":") }
        guard let best else { return hex(groups[...]) }
        return hex(groups[..<best.lowerBound]) + "::" + hex(groups[best.upperBound...])
    }
}

/// An address of either family.
public enum IPAddress: Hashable, Sendable, Comparable {
    case v4(IPv4Address)
    case v6(IPv6Address)

    /// The bits of an address of this family: 32 or 128.
    public var bitWidth: Int {
        switch self {
        case .v4: 32
        case .v6: 128
        }
    }

    /// The bytes in network order: 4 or 16.
    public var bytes: [UInt8] {
        switch self {
        case .v4(let address): address.bytes
        case .v6(let address): address.bytes
        }
    }

    /// Reads 4 or 16 bytes in network order; nil for any other count.
    public init?(bytes: some Collection<UInt8>) {
        let all = Array(bytes)
        let fold = { (part: ArraySlice<UInt8>) in part.reduce(UInt64(0)) { $0 << 8 | UInt64($1) } }
        switch all.count {
        case 4: self = .v4(IPv4Address(rawValue: UInt32(fold(all[...]))))
        case 16: self = .v6(IPv6Address(high: fold(all[..<8]), low: fold(all[8...])))
        default: return nil
        }
    }

    /// Whether this is 0.0.0.0 or ::.
    public var isUnspecified: Bool {
        bytes.allSatisfy { $0 == 0 }
    }

    /// The address with all but the first `length` bits cleared.
    ///
    /// - Precondition: `length` is 0 to `bitWidth`.
    public func masked(to length: Int) -> IPAddress {
        switch self {
        case .v4(let address):
            return .v4(IPv4Address(rawValue: length == 0 ? 0 : address.rawValue & ~0 << UInt32(32 - length)))
        case .v6(let address):
            let mask = { (bits: Int) in bits <= 0 ? UInt64(0) : bits >= 64 ? ~0 : ~0 << UInt64(64 - bits) }
            return .v6(IPv6Address(high: address.high & mask(length), low: address.low & mask(length - 64)))
        }
    }

    /// The first address of this family: 0.0.0.0 or ::.
    public var unspecified: IPAddress {
        masked(to: 0)
    }
}

extension IPAddress: LosslessStringConvertible {
    public init?(_ text: String) {
        if let v4 = IPv4Address(text) {
            self = .v4(v4)
        } else if let v6 = IPv6Address(text) {
            self = .v6(v6)
        } else {
            return nil
        }
    }

    public var description: String {
        switch self {
        case .v4(let address): address.description
        case .v6(let address): address.description
        }
    }
}

extension FixedWidthInteger {
    /// Reads decimal digits only, without sign or leading zeros.
    init?(decimal text: some StringProtocol) {
        guard text.utf8.allSatisfy({ (48...57).contains($0) }), text.count == 1 || text.first != "0" else { return nil }
        self.init(text, radix: 10)
    }

    /// Reads hexadecimal digits only, without sign: the standard library's reader takes `-0` for 0.
    init?(hexadecimal text: some StringProtocol) {
        guard text.allSatisfy({ $0.isASCII && $0.isHexDigit }) else { return nil }
        self.init(text, radix: 16)
    }
}
