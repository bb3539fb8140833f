import LabModel

/// What an ESP security association makes of a packet's length: algorithms, mode, address family and UDP.
///
/// The arithmetic is done once; what remains for each packet is an addition, a mask and another addition.
public struct ESPEncapsulation: Hashable, Sendable {
    public typealias Mode = Tunnel.Mode

    public let transform: ESPOverhead
    public let mode: Mode
    /// The family of the IP header before ESP; in transport mode also that of the packet.
    public let family: EncapsulationFamily
    /// Whether ESP stands in UDP to get through a NAT (RFC 3948).
    public let isUDPEncapsulated: Bool

    /// All bytes but the aligned part: IP header, UDP, ESP header, initialization vector, integrity check value.
    @usableFromInline let fixed: Int
    /// The packet's bytes that ESP does not protect: its IP header in transport mode.
    @usableFromInline let kept: Int
    /// The alignment less one.
    @usableFromInline let mask: Int
    /// The shortest packet of the association.
    @usableFromInline let shortest: Int

    public init(
        transform: ESPOverhead, mode: Mode = .tunnel, family: EncapsulationFamily = .ipv4,
        isUDPEncapsulated: Bool = false
    ) {
        self.init(
            transform: transform, mode: mode, family: family, isUDPEncapsulated: isUDPEncapsulated,
            ipLength: family.headerLength)
    }

    /// - Parameter ipLength: The bytes before UDP or ESP: the IP header, with extension headers where it has any.
    private init(
        transform: ESPOverhead, mode: Mode, family: EncapsulationFamily, isUDPEncapsulated: Bool, ipLength: Int
    ) {
        self.transform = transform
        self.mode = mode
        self.family = family
        self.isUDPEncapsulated = isUDPEncapsulated
        mask = transform.alignment - 1
        kept = mode == .transport ? ipLength : 0
        fixed =
            ipLength + (isUDPEncapsulated ? Encapsulation.udpHeaderLength : 0) + ESPOverhead.headerLength
            + transform.ivLength
            + transform.icvLength
        shortest = fixed + (Self.shortestPayload(mode) + ESPOverhead.trailerLength + mask) & ~mask
    }

    /// The same in transport mode, for packets whose IP header has extension headers that stay outside with it.
    ///
    /// Linux leaves all up to the first header that is not per fragment outside, and a lone destination options header with
    /// them (`ip6_find_1stfragopt` in net/ipv6/output_core.c).
    public func protecting(behind ipLength: Int) -> Self {
        guard mode == .transport else { return self }
        return Self(
            transform: transform, mode: mode, family: family, isUDPEncapsulated: isUDPEncapsulated, ipLength: ipLength)
    }

    /// A tunnel carries at least an IPv4 header; in transport mode a header may stand alone.
    private static func shortestPayload(_ mode: Mode) -> Int {
        mode == .tunnel ? EncapsulationFamily.ipv4.headerLength : 0
    }

    /// The bytes of the IP packet that carries a packet of that many, which is no shorter than its IP header.
    @inlinable
    public func outerLength(ofInner length: Int) -> Int {
        fixed &+ ((length &- kept &+ ESPOverhead.trailerLength &+ mask) & ~mask)
    }

    /// Whether an IP packet of that many bytes can be one of this association's: whether some packet inside makes it.
    @inlinable
    public func isPossible(outerLength: Int) -> Bool {
        outerLength >= shortest && (outerLength &- fixed) & mask == 0
    }

    /// The lengths of packets that an IP packet of exactly that many bytes carries; nil if none makes it.
    public func innerLengths(ofOuter length: Int) -> ClosedRange<Int>? {
        guard isPossible(outerLength: length) else { return nil }
        let most = length - fixed - ESPOverhead.trailerLength + kept
        return max(most - mask, kept + Self.shortestPayload(mode))...most
    }

    /// The longest packet whose IP packet has at most that many bytes; nil if there is no room for any.
    public func largestInner(within length: Int) -> Int? {
        guard length >= shortest else { return nil }
        return (length - fixed) & ~mask - ESPOverhead.trailerLength + kept
    }
}
