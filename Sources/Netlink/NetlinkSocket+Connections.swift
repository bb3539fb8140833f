import CNetlink
import Glibc

extension NetlinkSocket {
    /// Makes the kernel forget every connection it tracks in the namespace, and with it what NAT had given each.
    ///
    /// The next packet of any of them is the first of a new one (nf_conntrack_netlink.c, `ctnetlink_flush_conntrack`).
    ///
    /// - Throws: `EOPNOTSUPP` or `EINVAL` where the kernel has no connection tracking by netlink.
    public func flushConnections() throws {
        let channel = try namespace.perform { try Channel(family: Int32(NETLINK_NETFILTER)) }
        var header = nfgenmsg()
        header.nfgen_family = UInt8(AF_UNSPEC)
        header.version = UInt8(NFNETLINK_V0)
        let type = Int(NFNL_SUBSYS_CTNETLINK) << 8 | Int(IPCTNL_MSG_CT_DELETE.rawValue)
        _ = try channel.request(try Message(type, header), "flush tracked connections")
    }
}
