/// One header of a frame, or what else there is to say about the bytes at its place.
public enum Layer: Hashable, Sendable {
    case ethernet(EthernetHeader)
    /// Once for each tag, the outermost first.
    case vlan(VLANTag)
    case linuxCooked(LinuxCookedHeader)
    case arp(ARPMessage)
    /// Directly within another IP header: a tunnel (IPIP, IPv4 in IPv6).
    case ipv4(IPv4Header)
    /// Directly within another IP header: a tunnel (6in4, ISATAP, IPv6 in IPv6).
    case ipv6(IPv6Header)
    case hopByHopOptions(IPv6OptionsHeader)
    case destinationOptions(IPv6OptionsHeader)
    case routing(IPv6RoutingHeader)
    case fragment(IPv6FragmentHeader)
    /// The body of an error is the quoted packet, for `Dissection.walkPacket`.
    case icmp(ICMPMessage)
    /// The body of an error is the quoted packet, for `Dissection.walkPacket`.
    case icmpv6(ICMPv6Message)
    case udp(UDPHeader)
    case tcp(TCPHeader)
    /// The body is encrypted.
    case esp(ESPHeader)
    case ah(AuthenticationHeader)
    case gre(GREHeader)
    /// After UDP, and before an Ethernet frame.
    case vxlan(VXLANHeader)
    /// After UDP; the body is encrypted.
    case wireGuard(WireGuardMessage)
    /// The four zero bytes before IKE at UDP port 4500 (RFC 3948, 2.2).
    case nonESPMarker
    /// The single byte 0xFF at UDP port 4500 that keeps a NAT's mapping alive (RFC 3948, 2.3).
    case natKeepalive
    /// The body is the payloads, for `IKEPayload.forEach`.
    case ike(IKEHeader)
    /// Once for each message of a TCP segment.
    case bgp(BGPMessage)
    case bfd(BFDControl)
    /// The body is what the packet says of links and routers.
    case ospf(OSPFHeader)
    /// Bytes that are not looked into: data, an unknown protocol, or a fragment other than the first.
    case payload
    /// The frame ends before its headers say it should, by `missing` bytes or more: it was captured in part, or a
    /// length is corrupted.
    case truncated(missing: Int)
    case malformed(Malformation)
}
