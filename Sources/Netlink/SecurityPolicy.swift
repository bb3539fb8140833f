import CNetlink
import Glibc
import NetworkTypes

/// A rule of the kernel's SPD: which packets must be protected, and how (RFC 4301 section 4.4.1; ip-xfrm(8)).
public struct SecurityPolicy: Hashable, Sendable, Codable {
    /// Where packets are checked (`XFRM_POLICY_*`).
    public enum Direction: UInt8, Hashable, Sendable, Codable {
        case input, output, forward
    }

    /// What an association must be like for the policy's packets.
    public struct Template: Hashable, Sendable, Codable {
        public var source: IPAddress
        public var destination: IPAddress
        /// 0 for any.
        public var spi: UInt32
        public var `protocol`: IPsecProtocol
        public var mode: IPsecMode
        /// 0 for any.
        public var requestID: UInt32
        /// Whether received packets may come without it.
        public var isOptional: Bool

        public init(
            source: IPAddress, destination: IPAddress, spi: UInt32 = 0, protocol: IPsecProtocol = .esp,
            mode: IPsecMode = .tunnel, requestID: UInt32 = 0, isOptional: Bool = false
        ) {
            self.source = source
            self.destination = destination
            self.spi = spi
            self.protocol = `protocol`
            self.mode = mode
            self.requestID = requestID
            self.isOptional = isOptional
        }
    }

    public var direction: Direction
    public var selector: IPsecSelector
    /// Whether its packets are dropped.
    public var isBlocking: Bool
    /// The smallest goes first.
    public var priority: UInt32
    public var mark: PacketMark?
    public var interfaceID: UInt32?
    /// Innermost first; none where packets pass as they are.
    public var templates: [Template]

    public init(
        direction: Direction, selector: IPsecSelector, isBlocking: Bool = false, priority: UInt32 = 0,
        mark: PacketMark? = nil, interfaceID: UInt32? = nil, templates: [Template] = []
    ) {
        self.direction = direction
        self.selector = selector
        self.isBlocking = isBlocking
        self.priority = priority
        self.mark = mark
        self.interfaceID = interfaceID
        self.templates = templates
    }
}

extension SecurityPolicy {
    /// Reads an `XFRM_MSG_NEWPOLICY` message; nil for the policies of single sockets, which have other directions.
    init?(_ reply: Reply) {
        guard let (policy, attributes) = reply.split(xfrm_userpolicy_info.self),
            let direction = Direction(rawValue: policy.dir), let selector = IPsecSelector(policy.sel)
        else { return nil }
        var rest = attributes[XFRMA_TMPL]?.bytes ?? []
        var templates: [Template] = []
        while rest.count >= MemoryLayout<xfrm_user_tmpl>.size {
            guard let template = Template(xfrm_user_tmpl(copying: rest)) else { break }
            templates.append(template)
            rest = rest.dropFirst(MemoryLayout<xfrm_user_tmpl>.size)
        }
        self.init(
            direction: direction, selector: selector, isBlocking: policy.action == UInt8(XFRM_POLICY_BLOCK),
            priority: policy.priority,
            mark: attributes[XFRMA_MARK]?.structure(xfrm_mark.self).map { PacketMark(value: $0.v, mask: $0.m) },
            interfaceID: attributes[XFRMA_IF_ID]?.integer(), templates: templates)
    }

    func addMessage() throws(NetlinkError) -> Message {
        var policy = xfrm_userpolicy_info()
        policy.sel = xfrm_selector(selector)
        policy.lft = xfrm_lifetime_cfg()
        policy.priority = priority
        policy.dir = direction.rawValue
        policy.action = isBlocking ? UInt8(XFRM_POLICY_BLOCK) : UInt8(XFRM_POLICY_ALLOW)
        let message = try Message(XFRM_MSG_NEWPOLICY, flags: Int32(NLM_F_CREATE | NLM_F_EXCL), policy)
        if !templates.isEmpty { message.put(XFRMA_TMPL, bytes: templates.flatMap { xfrm_user_tmpl($0).bytes }) }
        message.put(mark, interfaceID)
        return message
    }

    func deleteMessage() throws(NetlinkError) -> Message {
        var policy = xfrm_userpolicy_id()
        policy.sel = xfrm_selector(selector)
        policy.dir = direction.rawValue
        let message = try Message(XFRM_MSG_DELPOLICY, policy)
        message.put(mark, interfaceID)
        return message
    }

    /// What names it in messages to people.
    var label: String { "\(direction) \(selector.source) to \(selector.destination)" }
}

extension SecurityPolicy.Template {
    fileprivate init?(_ template: xfrm_user_tmpl) {
        guard let source = IPAddress(template.saddr, family: template.family),
            let destination = IPAddress(template.id.daddr, family: template.family),
            let mode = IPsecMode(rawValue: template.mode)
        else { return nil }
        self.init(
            source: source, destination: destination, spi: UInt32(bigEndian: template.id.spi),
            protocol: IPsecProtocol(rawValue: template.id.proto), mode: mode, requestID: template.reqid,
            isOptional: template.optional != 0)
    }
}

extension xfrm_user_tmpl {
    fileprivate init(_ template: SecurityPolicy.Template) {
        self.init()
        saddr = xfrm_address_t(template.source)
        id.daddr = xfrm_address_t(template.destination)
        id.spi = template.spi.bigEndian
        id.proto = template.protocol.rawValue
        family = UInt16(template.destination.family)
        mode = template.mode.rawValue
        reqid = template.requestID
        optional = template.isOptional ? 1 : 0
        // Any algorithm will do.
        aalgos = .max
        ealgos = .max
        calgos = .max
    }
}
