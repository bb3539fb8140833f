import CNetlink
import Glibc
import NetworkTypes

extension NetlinkSocket {
    /// Adds a rule. Throws `EEXIST` where there is the same one already.
    public func addRule(_ rule: RoutingRule) throws {
        try change(rule, RTM_NEWRULE, Int32(NLM_F_CREATE | NLM_F_EXCL), "add rule")
    }

    /// Deletes the first rule that agrees with what is given. Throws `ENOENT` where there is none.
    public func deleteRule(_ rule: RoutingRule) throws {
        try change(rule, RTM_DELRULE, 0, "delete rule")
    }

    /// All rules of both families, by priority within each; the kernel's own among them (0, 32766, 32767).
    ///
    /// - Throws: ``NetlinkError``.
    public func rules() throws -> [RoutingRule] {
        try withRoute { channel in
            let message = try Message(RTM_GETRULE, flags: Int32(NLM_F_DUMP), fib_rule_hdr())
            return try channel.request(message, "list rules").compactMap(RoutingRule.init)
        }
    }

    private func change(_ rule: RoutingRule, _ type: Int, _ flags: Int32, _ operation: String) throws {
        try withRoute { channel in _ = try channel.request(try rule.message(type, flags), operation, "\(rule)") }
    }
}

extension RoutingRule {
    /// Reads an `RTM_NEWRULE` message; nil where it is malformed or of another family.
    init?(_ reply: Reply) {
        guard let (header, attributes) = reply.split(fib_rule_hdr.self), let action = Action(rawValue: header.action)
        else { return nil }
        switch Int32(header.family) {
        case AF_INET: self.init(family: .v4)
        case AF_INET6: self.init(family: .v6)
        default: return nil
        }
        let prefix = { (address: IPAddress?, length: UInt8) in
            address.flatMap { Int(length) <= $0.bitWidth ? IPPrefix($0, length: Int(length)) : nil }
        }
        priority = attributes[FRA_PRIORITY]?.integer() ?? 0
        source = prefix(attributes[FRA_SRC]?.address, header.src_len)
        destination = prefix(attributes[FRA_DST]?.address, header.dst_len)
        inputInterface = attributes[FRA_IIFNAME].flatMap { InterfaceName($0.text) }
        outputInterface = attributes[FRA_OIFNAME].flatMap { InterfaceName($0.text) }
        let mask = attributes[FRA_FWMASK]?.integer(UInt32.self) ?? 0
        if mask != 0 { mark = PacketMark(value: attributes[FRA_FWMARK]?.integer() ?? 0, mask: mask) }
        isForVRF = attributes[FRA_L3MDEV]?.integer(UInt8.self) == 1
        table = attributes[FRA_TABLE]?.integer() ?? UInt32(header.table)
        self.action = action
    }

    fileprivate func message(_ type: Int, _ flags: Int32) throws(NetlinkError) -> Message {
        var header = fib_rule_hdr()
        header.family = UInt8(family == .v4 ? AF_INET : AF_INET6)
        header.src_len = UInt8(source?.length ?? 0)
        header.dst_len = UInt8(destination?.length ?? 0)
        header.action = action.rawValue
        let message = try Message(type, flags: flags, header)
        if let priority { message.put(FRA_PRIORITY, priority) }
        if let source { message.put(FRA_SRC, source.address) }
        if let destination { message.put(FRA_DST, destination.address) }
        if let inputInterface { message.put(FRA_IIFNAME, text: inputInterface.description) }
        if let outputInterface { message.put(FRA_OIFNAME, text: outputInterface.description) }
        if let mark {
            message.put(FRA_FWMARK, mark.value)
            message.put(FRA_FWMASK, mark.mask)
        }
        if isForVRF {
            message.put(FRA_L3MDEV, UInt8(1))
        } else if action == .lookup {
            message.put(FRA_TABLE, table)
        }
        return message
    }
}
