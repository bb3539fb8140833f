import DaemonProfiles
import LabModel
import NetworkTypes

/// What BIRD reads in a node that speaks BGP: generated, or the user's own file word for word.
///
/// Source: the BIRD 2.0 user's guide, chapters "Configuration" and "Protocols".
public enum BirdConfiguration {
    /// The routing daemon in the foreground.
    ///
    /// Source: bird(8).
    public static let birdArguments = ["/usr/sbin/bird", "-f", "-c", path, "-s", socketPath]

    /// Where it answers, as the node sees it: birdc's default.
    public static let socketPath = "/run/bird/bird.ctl"

    private static let path = "/etc/bird/bird.conf"

    /// The one file BIRD reads in a node; none for a node that has no session and no file of the user's.
    ///
    /// A generated file advertises what the lab file says and no more, takes every route it is told into the kernel's
    /// main table with metric 32 (so that a route of the node's own to the same prefix, with metric 0, goes before it),
    /// and shares traffic among equally good ones. What other sessions tell is passed on only by a speaker with `transit`.
    /// A session speaks of its own address family only.
    ///
    /// - Parameter logFile: Where BIRD writes its log, as the node sees it.
    public static func files(for node: String, in topology: Topology, logFile: String) -> [ConfigurationFile] {
        if let own = topology.node(named: node)?.routingConfiguration {
            return [ConfigurationFile(path: path, contents: own, isSecret: true)]
        }
        let sessions =
            topology.sessions.compactMap { Session($0, at: node) }
            + topology.oneSidedSessions.filter { $0.node == node }.map(Session.init)
        guard !sessions.isEmpty else { return [] }
        let families = Family.allCases.filter { family in sessions.contains { $0.family == family } }
        let bfd = sessions.contains { $0.bfd != nil } ? ["protocol bfd netlab_bfd {\n}\n"] : []
        let parts =
            [general(routerID: topology.routerID(of: node), logFile: logFile)]
            + families.map { family in
                kernel(family, source: topology.node(named: node)?.preferredSource)
                    + advertised(sessions.filter { $0.family == family }.flatMap(\.advertised), family)
            } + bfd + sessions.map(\.text)
        return [
            ConfigurationFile(
                path: path, contents: parts.joined(separator: "\n"), isSecret: sessions.contains { $0.password != nil })
        ]
    }

    // Names with an underscore are netlab's own: a session's name has none.
    private static func general(routerID: IPv4Address, logFile: String) -> String {
        """
        log "\(logFile)" all;
        timeformat log iso long ms;
        timeformat protocol iso long ms;
        router id \(routerID);
        debug protocols { states };

        protocol device netlab_device {
        }

        """
    }

    private static func kernel(_ family: Family, source: IPv4Address?) -> String {
        let export =
            source.map { source in
                """
                export filter {
                            if source != RTS_BGP then reject;
                            krt_prefsrc = \(source);
                            accept;
                        }
                """
            }.flatMap { family == .ipv4 ? $0 : nil } ?? "export where source = RTS_BGP"
        return """
            protocol kernel netlab_kernel_\(family.rawValue) {
                merge paths yes;
                \(family.rawValue) {
                    import none;
                    \(export);
                };
            }

            """
    }

    /// The prefixes of the node's own, for the sessions alone: the kernel's table gets none of them.
    private static func advertised(_ prefixes: [IPPrefix], _ family: Family) -> String {
        let routes = Set(prefixes).sorted().map { "    route \($0) unreachable;\n" }.joined()
        return routes.isEmpty
            ? ""
            : """

            protocol static netlab_advertised_\(family.rawValue) {
                \(family.rawValue);
            \(routes)}

            """
    }
}

extension BirdConfiguration {
    private enum Family: String, CaseIterable {
        case ipv4, ipv6

        init(_ address: IPAddress) {
            switch address {
            case .v4: self = .ipv4
            case .v6: self = .ipv6
            }
        }
    }

    /// A session as one of its speakers sees it.
    private struct Session {
        let name: String
        let asn: ASN
        /// Nil for the one that the kernel takes.
        let address: IPAddress?
        /// Where the peer is; nil for one that may be several hops away.
        let interface: InterfaceName?
        let peer: IPAddress
        let peerASN: ASN
        let keepalive: Duration
        let hold: Duration
        let prefixes: [IPPrefix]
        var passesOn = false
        var prepended = 0
        let password: Secret?
        var bfd: BFDTimers?

        var family: Family { Family(peer) }
        var advertised: [IPPrefix] { prefixes.filter { Family($0.address) == family } }

        init?(_ session: BGPSession, at node: String) {
            guard let own = session.speakers.first(where: { $0.node == node }), let peer = session.peer(of: own) else {
                return nil
            }
            name = session.name
            asn = own.asn
            address = own.address
            interface = own.interface
            self.peer = peer.address
            peerASN = own.peerASN ?? peer.asn
            keepalive = own.keepalive
            hold = own.hold
            prefixes = own.advertised
            passesOn = own.passesOn
            prepended = own.prepended
            password = session.key(of: own)
            bfd = own.bfd
        }

        init(_ session: OneSidedSession) {
            name = session.name
            asn = session.asn
            address = session.address
            interface = session.interface
            peer = session.peer
            peerASN = session.peerASN
            keepalive = session.keepalive
            hold = session.hold
            prefixes = session.advertised
            password = session.password
        }

        /// What goes to the peer, as a channel's `export` takes it.
        private static func export(_ conditions: [String], prepending asn: ASN, times: Int) -> String {
            guard !conditions.isEmpty else { return "none" }
            let condition = conditions.joined(separator: " || ")
            guard times > 0 else { return "where \(condition)" }
            let prepending = String(repeating: "bgp_path.prepend(\(asn)); ", count: times)
            return "filter { if !(\(condition)) then reject; \(prepending)accept; }"
        }

        /// The name is quoted for its hyphens; the words of BIRD's own, which quotes do not help, are refused by the lab file.
        var text: String {
            let key = password.map { "    password \"\($0.reveal())\";\n" } ?? ""
            let advertises = "source = RTS_STATIC && net ~ [ \(advertised.map(\.description).joined(separator: ", ")) ]"
            let told = (advertised.isEmpty ? [] : [advertises]) + (passesOn ? ["source = RTS_BGP"] : [])
            let export = Self.export(told, prepending: asn, times: prepended)
            let bfd = bfd.map { timers in
                let milliseconds = { (time: Duration) in "\(Int(time / .milliseconds(1))) ms" }
                return
                    "    bfd { min rx interval \(milliseconds(timers.receive)); min tx interval \(milliseconds(timers.transmit)); multiplier \(timers.multiplier); };\n"
            }
            let place = interface.map { "    interface \"\($0)\";\n    direct;\n" } ?? "    multihop;\n"
            return """
                protocol bgp '\(name)' {
                    local \(address.map { "\($0) " } ?? "")as \(asn);
                    neighbor \(peer) as \(peerASN);
                \(place)    keepalive time \(keepalive.components.seconds);
                    hold time \(hold.components.seconds);
                    connect delay time 1;
                    connect retry time 5;
                    error wait time 1, 10;
                    graceful restart off;
                \(key)\(bfd ?? "")    \(family.rawValue) {
                        import all;
                        export \(export);
                        next hop self;
                    };
                }

                """
        }
    }
}
