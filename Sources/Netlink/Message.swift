import CNetlink
import Glibc
import NetworkTypes

/// A C structure of the kernel's interface: plain bytes, and meaningful when zero.
protocol KernelStructure {
    init()
}

extension ifinfomsg: KernelStructure {}
extension ifaddrmsg: KernelStructure {}
extension rtmsg: KernelStructure {}
extension ndmsg: KernelStructure {}
extension rtnexthop: KernelStructure {}
extension fib_rule_hdr: KernelStructure {}
extension tcmsg: KernelStructure {}
extension tc_netem_qopt: KernelStructure {}
extension tc_netem_corrupt: KernelStructure {}
extension tc_netem_reorder: KernelStructure {}
extension tc_netem_rate: KernelStructure {}
extension gnet_stats_queue: KernelStructure {}
extension nlmsghdr: KernelStructure {}
extension genlmsghdr: KernelStructure {}
extension nfgenmsg: KernelStructure {}
extension xfrm_usersa_info: KernelStructure {}
extension xfrm_usersa_id: KernelStructure {}
extension xfrm_usersa_flush: KernelStructure {}
extension xfrm_user_expire: KernelStructure {}
extension xfrm_userpolicy_info: KernelStructure {}
extension xfrm_userpolicy_id: KernelStructure {}
extension xfrm_user_tmpl: KernelStructure {}
extension xfrm_encap_tmpl: KernelStructure {}
extension xfrm_mark: KernelStructure {}
extension xfrm_replay_state: KernelStructure {}
extension xfrm_replay_state_esn: KernelStructure {}
extension xfrm_address_t: KernelStructure {}

extension KernelStructure {
    /// The structure's bytes in memory.
    var bytes: [UInt8] { withUnsafeBytes(of: self) { Array($0) } }

    /// Reads as many bytes as both sides have; what an older kernel left out stays zero.
    init(copying bytes: some Collection<UInt8>) {
        self.init()
        withUnsafeMutableBytes(of: &self) { $0.copyBytes(from: bytes.prefix($0.count)) }
    }
}

/// A message or attribute number. C's header files have them as macros, anonymous and named enumerations.
protocol NetlinkNumber {
    var number: Int32 { get }
}

extension Int: NetlinkNumber { var number: Int32 { Int32(truncatingIfNeeded: self) } }
extension rtattr_type_t: NetlinkNumber { var number: Int32 { Int32(truncatingIfNeeded: rawValue) } }
extension wgdevice_attribute: NetlinkNumber { var number: Int32 { Int32(truncatingIfNeeded: rawValue) } }
extension wgpeer_attribute: NetlinkNumber { var number: Int32 { Int32(truncatingIfNeeded: rawValue) } }
extension wgallowedip_attribute: NetlinkNumber { var number: Int32 { Int32(truncatingIfNeeded: rawValue) } }
extension xfrm_attr_type_t: NetlinkNumber { var number: Int32 { Int32(truncatingIfNeeded: rawValue) } }

/// A netlink request under construction, in memory that libnl owns.
///
/// What does not fit is remembered, and refused by `Channel.request`.
final class Message {
    let pointer: OpaquePointer
    private(set) var isTooLong = false

    /// A request with its fixed header. `NLM_F_REQUEST` and `NLM_F_ACK` are set when it is sent.
    convenience init(_ type: some NetlinkNumber, flags: Int32 = 0, _ header: some KernelStructure) throws(NetlinkError)
    {
        try self.init(number: type.number, flags)
        append(header)
    }

    /// A request for a dump, without a header: IPsec's would read one as malformed attributes, and log it.
    convenience init(dump type: some NetlinkNumber) throws(NetlinkError) {
        try self.init(number: type.number, Int32(NLM_F_DUMP))
    }

    /// A request without a fixed header.
    convenience init(bare type: some NetlinkNumber) throws(NetlinkError) {
        try self.init(number: type.number, 0)
    }

    private init(number: Int32, _ flags: Int32) throws(NetlinkError) {
        guard let pointer = nlmsg_alloc_simple(number, flags) else {
            throw NetlinkError(errno: ENOMEM, operation: "allocate a netlink message", object: "")
        }
        self.pointer = pointer
    }

    deinit {
        nlmsg_free(pointer)
    }

    /// Appends a structure that is not an attribute: a header, or a legacy option block inside a nest.
    func append(_ structure: some KernelStructure) {
        var bytes = structure.bytes
        note(nlmsg_append(pointer, &bytes, bytes.count, Int32(NLMSG_ALIGNTO)))
    }

    func put(_ type: some NetlinkNumber, bytes: [UInt8]) {
        note(nla_put(pointer, type.number, Int32(bytes.count), bytes))
    }

    /// An integer in the host's byte order.
    func put(_ type: some NetlinkNumber, _ value: some FixedWidthInteger) {
        put(type, bytes: withUnsafeBytes(of: value) { Array($0) })
    }

    /// A string, with C's terminator.
    func put(_ type: some NetlinkNumber, text: String) {
        put(type, bytes: Array(text.utf8) + [0])
    }

    func put(_ type: some NetlinkNumber, _ address: IPAddress) {
        put(type, bytes: address.bytes)
    }

    func put(_ type: some NetlinkNumber, structure: some KernelStructure) {
        put(type, bytes: structure.bytes)
    }

    /// An attribute that holds others. An empty one is left out.
    func nest(_ type: some NetlinkNumber, _ body: (Message) -> Void) {
        guard let start = nla_nest_start(pointer, type.number) else {
            isTooLong = true
            return
        }
        body(self)
        note(nla_nest_end(pointer, start))
    }

    private func note(_ result: Int32) {
        if result < 0 { isTooLong = true }
    }
}
