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
    /// main table, but for what policies reject, with metric 32 (so that a route of the node's own to the same prefix, with metric 0, goes before it),
    /// and shares traffic among equally good ones. What other sessions tell is passed on only by a speaker with `transit`.
    /// A session speaks of its own address family only.
    ///
    /// How BIRD chooses among what it takes, which predictions follow: bird2 2.0.12, proto/bgp/attrs.c (`bgp_rte_better`,
    /// `bgp_rte_mergable`); how it cuts a list of next hops: nest/rt-attr.c (`nexthop_merge`, by their addresses); which next hops it
    /// takes: proto/bgp/packets.c (`bgp_apply_next_hop`, `gateway direct`).
    ///
    /// - Parameter logFile: Where BIRD writes its log, as the node sees it.
    public static func files(for node: String, in topology: Topology, logFile: String) -> [ConfigurationFile] {
        if let own = topology.node(named: node)?.routingConfiguration {
            return [ConfigurationFile(path: path, contents: own, isSecret: true)]
        }
        let sessions = SpeakerSession.all(at: node, in: topology)
        guard !sessions.isEmpty else { return [] }
        let options = topology.node(named: node)?.bestPath ?? BestPathOptions()
        let families = Family.allCases.filter { family in sessions.contains { $0.family == family } }
        let bfd = sessions.contains { $0.bfd != nil } ? ["protocol bfd netlab_bfd {\n}\n"] : []
        let parts =
            [general(routerID: topology.routerID(of: node), logFile: logFile, sessions.longestRestart)]
            + families.map { family in
                kernel(
                    family, source: topology.node(named: node)?.preferredSource, options,
                    isKept: sessions.longestRestart != nil)
                    + advertised(sessions.filter { $0.family == family }.flatMap(\.advertised), family)
            } + bfd + sessions.map { $0.text(options) }
        return [
            ConfigurationFile(
                path: path, contents: parts.joined(separator: "\n"), isSecret: sessions.contains { $0.password != nil })
        ]
    }

    // Names with an underscore are netlab's own: a session's name has none.
    private static func general(routerID: IPv4Address, logFile: String, _ restart: Duration?) -> String {
        let waiting = restart.map { "\ngraceful restart wait \($0.components.seconds);" } ?? ""
        return """
            log "\(logFile)" all;
            timeformat log iso long ms;
            timeformat protocol iso long ms;
            router id \(routerID);\(waiting)
            debug protocols { states };

            protocol device netlab_device {
            }

            """
    }

    /// - Parameter isKept: Whether the routes that a restart finds in the kernel stay there until the sessions have told theirs again.
    private static func kernel(
        _ family: Family, source: IPv4Address?, _ options: BestPathOptions, isKept: Bool
    ) -> String {
        let merging =
            switch options.multipath {
            case 1: "no"
            case BestPathOptions.usualMultipath: "yes"
            case let limit: "yes limit \(limit)"
            }
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
                merge paths \(merging);\(isKept ? "\n    graceful restart;" : "")
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
    fileprivate enum Family: String, CaseIterable {
        case ipv4, ipv6

        init(_ address: IPAddress) {
            switch address {
            case .v4: self = .ipv4
            case .v6: self = .ipv6
            }
        }

        var bits: Int { self == .ipv4 ? 32 : 128 }
    }
}

extension SpeakerSession {
    fileprivate var family: BirdConfiguration.Family { BirdConfiguration.Family(peer) }

    /// What comes from the peer, as a channel has it.
    private var imports: String {
        let limit = policy.maximumPrefixes.map { "\n        import limit \($0) action disable;" } ?? ""
        guard let inEntries else { return "import all;\(limit)" }
        return "import filter {\(lines(inEntries))};\(limit)"
    }

    /// What goes to the peer.
    private var exports: String {
        let advertises =
            "source = RTS_STATIC && net ~ [ \(advertised.map(\.description).joined(separator: ", ")) ]"
        let conditions = (advertised.isEmpty ? [] : [advertises]) + (passesOn ? ["source = RTS_BGP"] : [])
        guard !conditions.isEmpty else { return "export none;" }
        let condition = conditions.joined(separator: " || ")
        guard let outEntries else { return "export where \(condition);" }
        return "export filter {\(lines(outEntries, after: "if !(\(condition)) then reject;"))};"
    }

    /// A policy as a filter's statements, of which the first that fits ends it.
    private func lines(_ entries: [RoutePolicy.Entry], after first: String? = nil) -> String {
        let statements = entries.compactMap { $0.statement(family: family.bits, asn: asn) }
        // What no entry is for is rejected.
        let end = entries.last?.match.isEmpty == true ? [] : ["reject;"]
        let all = [first].compactMap(\.self) + statements + end
        guard entries.count > 1 else { return " \(all.joined(separator: " ")) " }
        return "\n" + all.map { "            \($0)\n" }.joined() + "        "
    }

    /// The name is quoted for its hyphens; the words of BIRD's own, which quotes do not help, are refused by the lab file.
    fileprivate func text(_ options: BestPathOptions) -> String {
        let key = password.map { "    password \"\($0.reveal())\";\n" } ?? ""
        let med = options.alwaysComparesMED ? "    med metric yes;\n" : ""
        let nextHop = policy.isNextHop ? "\n        next hop self;" : ""
        let bfd = bfd.map { timers in
            let milliseconds = { (time: Duration) in "\(Int(time / .milliseconds(1))) ms" }
            return
                "    bfd { min rx interval \(milliseconds(timers.receive)); min tx interval \(milliseconds(timers.transmit)); multiplier \(timers.multiplier); };\n"
        }
        let client = reflects ? "    rr client;\n" : ""
        let restart =
            gracefulRestart.map {
                "on;\n    graceful restart time \($0.components.seconds);\n    long lived graceful restart off"
            } ?? "off"
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
                graceful restart \(restart);
            \(key)\(bfd ?? "")\(med)\(client)    \(family.rawValue) {
                    \(imports)
                    \(exports)\(nextHop)
                };
            }

            """
    }
}

extension RoutePolicy.Entry {
    /// A statement of a BIRD filter; nil for one that is for routes of another address family alone.
    ///
    /// Source: the BIRD 2.0 user's guide, "Filters".
    ///
    /// - Parameter asn: What paths are made longer with.
    fileprivate func statement(family bits: Int, asn: ASN) -> String? {
        guard let condition = match.condition(family: bits) else { return nil }
        let changes = isAccepting ? self.changes.assignments(asn: asn) : []
        let verdict = isAccepting ? "accept;" : "reject;"
        let action = changes.isEmpty ? verdict : "{ \((changes + [verdict]).joined(separator: " ")) }"
        if !condition.isEmpty { return "if \(condition) then \(action)" }
        return (changes + [verdict]).joined(separator: " ")
    }
}

extension RouteMatch {
    /// Empty for every route, nil for none of this address family.
    fileprivate func condition(family bits: Int) -> String? {
        let ranges = prefixes.filter { $0.prefix.address.bitWidth == bits }
        guard prefixes.isEmpty || !ranges.isEmpty else { return nil }
        let nets = ranges.map { range in
            range.lengths == range.prefix.length...range.prefix.length
                ? "\(range.prefix)" : "\(range.prefix){\(range.lengths.lowerBound),\(range.lengths.upperBound)}"
        }
        let alternatives = [
            nets.isEmpty ? [] : ["net ~ [ \(nets.joined(separator: ", ")) ]"],
            paths.map { "bgp_path ~ [= \($0) =]" },
            communities.map { "\($0.literal) ~ \($0.attribute)" },
        ]
        return alternatives.filter { !$0.isEmpty }.map { "(\($0.joined(separator: " || ")))" }.joined(separator: " && ")
    }
}

extension RouteChanges {
    fileprivate func assignments(asn: ASN) -> [String] {
        [
            localPreference.map { "bgp_local_pref = \($0);" }, med.map { "bgp_med = \($0);" },
            origin.map { "bgp_origin = ORIGIN_\($0.rawValue.uppercased());" },
        ].compactMap(\.self) + communities.map { "\($0.attribute).add(\($0.literal));" }
            + Array(repeating: "bgp_path.prepend(\(asn));", count: prepended)
    }
}

extension BGPCommunity {
    fileprivate var attribute: String {
        switch self {
        case .standard: "bgp_community"
        case .large: "bgp_large_community"
        }
    }

    fileprivate var literal: String {
        switch self {
        case .standard(let first, let second): "(\(first), \(second))"
        case .large(let first, let second, let third): "(\(first), \(second), \(third))"
        }
    }
}
