import CNetlink
import Glibc
import NetworkTypes

extension IPAddress {
    /// Reads the kernel's union of both families; nil for any other family.
    init?(_ address: xfrm_address_t, family: UInt16) {
        switch Int32(family) {
        case AF_INET: self.init(bytes: address.bytes.prefix(4))
        case AF_INET6: self.init(bytes: address.bytes)
        default: return nil
        }
    }
}

extension xfrm_address_t {
    init(_ address: IPAddress) {
        self.init(copying: address.bytes)
    }
}

extension IPsecSelector {
    /// Nil where there is no family (any packet), or a prefix is longer than its address.
    init?(_ selector: xfrm_selector) {
        guard let source = IPAddress(selector.saddr, family: selector.family),
            let destination = IPAddress(selector.daddr, family: selector.family),
            Int(selector.prefixlen_s) <= source.bitWidth, Int(selector.prefixlen_d) <= destination.bitWidth
        else { return nil }
        self.init(
            source: IPPrefix(source, length: Int(selector.prefixlen_s)),
            destination: IPPrefix(destination, length: Int(selector.prefixlen_d)), protocol: selector.proto,
            sourcePort: UInt16(bigEndian: selector.sport & selector.sport_mask),
            destinationPort: UInt16(bigEndian: selector.dport & selector.dport_mask))
    }
}

extension xfrm_selector {
    init(_ selector: IPsecSelector) {
        self.init()
        saddr = xfrm_address_t(selector.source.address)
        daddr = xfrm_address_t(selector.destination.address)
        prefixlen_s = UInt8(selector.source.length)
        prefixlen_d = UInt8(selector.destination.length)
        family = UInt16(selector.destination.address.family)
        proto = selector.protocol
        sport = selector.sourcePort.bigEndian
        sport_mask = selector.sourcePort == 0 ? 0 : .max
        dport = selector.destinationPort.bigEndian
        dport_mask = selector.destinationPort == 0 ? 0 : .max
    }
}

extension Message {
    /// What associations and policies are told apart by, besides their addresses.
    func put(_ mark: PacketMark?, _ interfaceID: UInt32?) {
        if let mark { put(XFRMA_MARK, structure: xfrm_mark(v: mark.value, m: mark.mask)) }
        if let interfaceID { put(XFRMA_IF_ID, interfaceID) }
    }
}
