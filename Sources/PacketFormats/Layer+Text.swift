import NetworkTypes

extension Layer {
    /// What has the checksum that this layer shows, if it has one.
    var checksumName: String? {
        switch self {
        case .ipv4: "IPv4 header"
        case .icmp: "ICMP"
        case .icmpv6: "ICMPv6"
        case .udp: "UDP"
        case .tcp: "TCP"
        default: nil
        }
    }
}

extension EtherType {
    var text: String {
        switch self {
        case .ipv4: "IPv4"
        case .ipv6: "IPv6"
        case .arp: "ARP"
        case .vlan, .serviceVLAN: "VLAN"
        case .bridgedEthernet: "Ethernet"
        default: isLength ? "802.3" : "ethertype \(rawValue.hexadecimal)"
        }
    }
}

extension ARPMessage {
    var text: String {
        switch operation {
        case 1: "ARP who-has \(target) tell \(sender)"
        case 2: "ARP \(sender) is-at \(senderMAC)"
        default: "ARP operation \(operation) from \(sender)"
        }
    }
}

extension TCPHeader {
    var text: String {
        let names: [(Flags, String)] = [
            (.syn, "SYN"), (.fin, "FIN"), (.rst, "RST"), (.psh, "PSH"), (.ack, "ACK"), (.urg, "URG"), (.ece, "ECE"),
            (.cwr, "CWR"),
        ]
        let set = names.filter { flags.contains($0.0) }.map(\.1)
        var words = ["TCP \(sourcePort) > \(destinationPort)", "[\(set.joined(separator: ","))]", "seq \(sequence)"]
        if flags.contains(.ack) { words.append("ack \(acknowledgment)") }
        words.append("win \(window)")
        if let maximumSegmentSize { words.append("mss \(maximumSegmentSize)") }
        if let windowScale { words.append("wscale \(windowScale)") }
        if sackPermitted { words.append("sack-ok") }
        if hasMD5Signature { words.append("md5") }
        return words.joined(separator: " ")
    }
}

extension ICMPMessage {
    var text: String {
        switch content {
        case .echoRequest(let identifier, let sequence): return "echo request id \(identifier) seq \(sequence)"
        case .echoReply(let identifier, let sequence): return "echo reply id \(identifier) seq \(sequence)"
        case .fragmentationNeeded(let mtu): return "frag-needed mtu \(mtu)"
        case .redirect(let gateway): return "redirect to \(gateway)"
        case .timeExceeded: return code == 0 ? "time exceeded in transit" : "time exceeded in reassembly"
        case .parameterProblem(let pointer): return "parameter problem at \(pointer)"
        case .other: return "type \(type) code \(code)"
        case .destinationUnreachable:
            switch code {
            case 0: return "net unreachable"
            case 1: return "host unreachable"
            case 2: return "protocol unreachable"
            case 3: return "port unreachable"
            case 9, 10, 13: return "administratively prohibited"
            default: return "unreachable code \(code)"
            }
        }
    }
}

extension ICMPv6Message {
    var text: String {
        switch content {
        case .echoRequest(let identifier, let sequence): return "echo request id \(identifier) seq \(sequence)"
        case .echoReply(let identifier, let sequence): return "echo reply id \(identifier) seq \(sequence)"
        case .packetTooBig(let mtu): return "packet-too-big mtu \(mtu)"
        case .timeExceeded: return code == 0 ? "time exceeded in transit" : "time exceeded in reassembly"
        case .parameterProblem(let pointer): return "parameter problem at \(pointer)"
        case .routerSolicitation: return "router solicitation"
        case .routerAdvertisement: return "router advertisement"
        case .neighborSolicitation(let target): return "neighbor solicitation for \(target)"
        case .neighborAdvertisement(let target): return "neighbor advertisement of \(target)"
        case .other: return "type \(type) code \(code)"
        case .destinationUnreachable:
            switch code {
            case 0: return "no route"
            case 1: return "administratively prohibited"
            case 3: return "address unreachable"
            case 4: return "port unreachable"
            default: return "unreachable code \(code)"
            }
        }
    }
}

extension IKEHeader {
    var text: String {
        guard majorVersion == 2 else { return "IKEv\(majorVersion) \(exchange)" }
        return "IKEv2 \(exchange) \(isResponse ? "response" : "request") \(messageID)"
    }
}

extension IKEPayload {
    /// What stands for this payload in a line; nil of the parts of an SA payload.
    var name: String? {
        switch self {
        case .securityAssociation: "SA"
        case .proposal, .transform: nil
        case .keyExchange(let group, _): "KE(\(group))"
        case .nonce: "Nonce"
        case .notify(let notification, _, _, _): "N(\(notification))"
        case .delete: "D"
        case .encrypted: "SK"
        case .encryptedFragment(_, let number, let total, _): "SKF(\(number)/\(total))"
        case .other(let type, _): "\(type)"
        }
    }
}

extension BGPMessage.Content {
    var text: String {
        switch self {
        case .open(let open): "OPEN as \(open.autonomousSystem) hold \(open.holdTime) id \(open.identifier)"
        case .update(let update): "UPDATE \(update.announced) announced \(update.withdrawn) withdrawn"
        case .notification(let code, let subcode): "NOTIFICATION code \(code) subcode \(subcode)"
        case .keepalive: "KEEPALIVE"
        case .routeRefresh: "ROUTE-REFRESH"
        case .other(let type): "type \(type)"
        case .incomplete(type: 2): "UPDATE (continued)"
        case .incomplete(let type): "type \(type) (continued)"
        }
    }
}
