import CNetlink
import Glibc
import NetworkTypes

extension NetlinkSocket {
    /// Turns off whatever lets an interface carry packets that no wire would: TSO, GSO, GRO and checksum offload.
    ///
    /// What the interface cannot switch is left alone if it is off already. By ethtool's ioctl (linux/ethtool.h).
    /// A veth needs it on both ends: what a capture shows at one was made at the other.
    ///
    /// TCP makes its runs of segments whatever ethtool says (net/core/sock.c, sk_setup_caps). So a run is limited to one segment:
    /// a queue would hold and release up to 64 KiB at one moment, as frames with no time between them.
    ///
    /// - Throws: `ENODEV`; `EOPNOTSUPP` where an offload is on for good.
    public func disableOffloads(of name: InterfaceName) throws {
        // Checksums last: without them the kernel drops the others by itself, and calls them unchangeable.
        let switches: [(name: String, get: Int32, set: Int32)] = [
            ("GRO", ETHTOOL_GGRO, ETHTOOL_SGRO), ("TSO", ETHTOOL_GTSO, ETHTOOL_STSO),
            ("GSO", ETHTOOL_GGSO, ETHTOOL_SGSO),
            ("rx checksum", ETHTOOL_GRXCSUM, ETHTOOL_SRXCSUM), ("tx checksum", ETHTOOL_GTXCSUM, ETHTOOL_STXCSUM),
        ]
        try withRoute { channel in
            for offload in switches {
                let object = "\(offload.name) of \(name)"
                guard netlab_ethtool(channel.descriptor, name.description, UInt32(offload.set), 0) < 0 else { continue }
                let code = errno
                let isOn = netlab_ethtool(channel.descriptor, name.description, UInt32(offload.get), -1) != 0
                if code != EOPNOTSUPP || isOn {
                    throw NetlinkError(errno: code, operation: "turn off", object: object)
                }
            }
        }
        try setSegmentRun(1, on: name)
    }

    /// Has the kernel write and read VLAN tags itself, in the frame, where a capture and a queue see them.
    ///
    /// - Throws: `ENODEV`; `EINVAL` where the interface does not let go of them.
    public func disableTagOffloads(of name: InterfaceName) throws {
        try withRoute { channel in
            guard netlab_ethtool(channel.descriptor, name.description, UInt32(ETHTOOL_SFLAGS), 0) < 0 else { return }
            throw NetlinkError(errno: errno, operation: "turn off", object: "VLAN offloads of \(name)")
        }
    }

    /// Whether any of the offloads that `disableOffloads(of:)` turns off is on, or runs of segments are still made.
    ///
    /// - Throws: ``NetlinkError``.
    public func hasOffloads(_ name: InterfaceName) throws -> Bool {
        if try segmentRun(of: name) != 1 { return true }
        return try withRoute { channel in
            for command in [ETHTOOL_GGRO, ETHTOOL_GTSO, ETHTOOL_GGSO, ETHTOOL_GRXCSUM, ETHTOOL_GTXCSUM] {
                let value = netlab_ethtool(channel.descriptor, name.description, UInt32(command), -1)
                guard value >= 0 else {
                    throw NetlinkError(errno: errno, operation: "read offloads", object: "\(name)")
                }
                if value > 0 { return true }
            }
            return false
        }
    }
}
