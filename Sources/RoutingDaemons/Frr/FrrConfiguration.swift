import DaemonProfiles
import LabModel
import NetworkTypes

/// What FRR reads in a node that speaks BGP: generated, or the user's own file word for word.
///
/// Source: the FRR 8.4 user's guide, "BGP", "BFD", "Route Maps", "VTY shell"; each value that is written is one of FRR's own, so that
/// `vtysh` in the node shows what netlab has asked for.
enum FrrConfiguration {
    static let path = "/etc/frr/frr.conf"
    static let directory = "/run/frr"
    /// Where bgpd answers, as the node sees it: vtysh's default.
    static let socketPath = "\(directory)/bgpd.vty"
    static let bfdSocketPath = "\(directory)/bfdd.vty"
    static let ospfSocketPath = "\(directory)/ospfd.vty"
    /// What each program reads when it starts: of its log alone, so that frr.conf is left to vtysh, which is how Debian's start script
    /// has it read, each line by the programs that know it.
    private static let startPath = "/etc/frr/netlab-start.conf"
    private static let bgpStartPath = "/etc/frr/netlab-start-bgpd.conf"
    private static let vtyshPath = "/etc/frr/vtysh.conf"

    /// A program of FRR's in the foreground, which stays root: in a lab root is the user whom netlab runs as.
    ///
    /// It wants to be of the group that may use its sockets (lib/privs.c, `zprivs_preinit`), which is a group of Debian's package.
    ///
    /// - Parameter start: Nil for one that reads no file of its own.
    private static func program(_ name: String, start: String? = startPath) -> [String] {
        ["/usr/lib/frr/\(name)", "-u", "root", "-g", "frrvty"] + (start.map { ["-f", $0] } ?? [])
            + ["--log", "stdout", "--log-level", "debugging"]
    }

    static let bgpd = program("bgpd", start: bgpStartPath)

    /// What bgpd stands on: zebra, which has the kernel's routes; mgmtd since FRR 9.1, which hands on what is configured; and what the
    /// configuration speaks of.
    /// - Parameter restart: How long zebra leaves routes alone that it finds in the kernel when it starts; nil for no time.
    static func foundations(for configuration: String, restart: Duration? = nil) -> [DaemonPart] {
        let statements = FrrConfigurationUse(configuration)
        let keeping = restart.map { ["-K", "\($0.components.seconds)"] } ?? []
        return [DaemonPart(arguments: program("zebra") + keeping, socketPath: "\(directory)/zserv.api")]
            + [
                DaemonPart(
                    arguments: program("mgmtd", start: nil), socketPath: "\(directory)/mgmtd.vty", isOptional: true)
            ]
            + (statements.usesOSPF
                ? [DaemonPart(arguments: program("ospfd"), socketPath: ospfSocketPath)] : [])
            + (statements.usesBFD
                ? [DaemonPart(arguments: program("bfdd"), socketPath: bfdSocketPath)] : [])
            + (statements.hasStaticRoutes
                ? [DaemonPart(arguments: program("staticd"), socketPath: "\(directory)/staticd.vty")] : [])
    }

    /// Gives every program its part of frr.conf; an error in it is the exit code's.
    static let loading = ["/usr/bin/vtysh", "-b"]

    /// Sockets and process files, which would be taken for a program that runs.
    static let leftovers =
        ["\(directory)/zserv.api"]
        + ["zebra", "mgmtd", "bfdd", "staticd", "ospfd", "bgpd"].flatMap {
            ["\(directory)/\($0).vty", "\(directory)/\($0).pid"]
        }

    /// The files of a node; none for one that has no session and no file of the user's.
    ///
    /// A generated file advertises what the lab file says and no more, and shares traffic among equally good routes. What other sessions
    /// tell is passed on only by a speaker with `transit`. A session speaks of its own address family only.
    static func files(for node: String, in topology: Topology) -> [ConfigurationFile] {
        let own = topology.node(named: node)?.routingConfiguration
        guard let text = own ?? generated(for: node, in: topology) else { return [] }
        // A user's file says what bgpd logs of its sessions, or does not: this has it tell of them in any case.
        let debugging = own == nil ? "" : "debug bgp neighbor-events\n"
        return [
            ConfigurationFile(path: startPath, contents: "log timestamp precision 6\n"),
            ConfigurationFile(path: bgpStartPath, contents: "log timestamp precision 6\n" + debugging),
            ConfigurationFile(path: vtyshPath, contents: "service integrated-vtysh-config\n"),
            ConfigurationFile(path: path, contents: text, isSecret: own != nil || text.contains(" password ")),
        ]
    }

    /// How long a node's FRR may be away; nil where it may not, or has a file of the user's.
    static func restart(of node: String, in topology: Topology) -> Duration? {
        topology.node(named: node)?.routingConfiguration == nil
            ? SpeakerSession.all(at: node, in: topology).longestRestart : nil
    }

    static func text(for node: String, in topology: Topology) -> String {
        topology.node(named: node)?.routingConfiguration ?? generated(for: node, in: topology) ?? ""
    }

    private static func generated(for node: String, in topology: Topology) -> String? {
        let sessions = SpeakerSession.all(at: node, in: topology)
        let ospf = FrrOSPF(of: node, in: topology)
        guard ospf != nil || !sessions.isEmpty else { return nil }
        let source = topology.node(named: node)?.preferredSource
        let sources = source.map { "route-map netlab_source permit 10\n set src \($0)\nexit\n" } ?? ""
        let protocols = (sessions.isEmpty ? [] : ["bgp"]) + (ospf == nil ? [] : ["ospf"])
        return """
            frr defaults traditional
            hostname \(node)
            log timestamp precision 6
            !
            \(ospf?.text ?? "")\
            \(bgp(of: node, sessions, ospf, in: topology))\
            \(sources)\(source == nil ? "" : protocols.map { "ip protocol \($0) route-map netlab_source\n" }.joined())\
            !

            """
    }

    private static func bgp(
        of node: String, _ sessions: [SpeakerSession], _ ospf: FrrOSPF?, in topology: Topology
    ) -> String {
        // One router has one AS number here: the sessions that have another speak with it as their `local-as`.
        guard let asn = sessions.first?.asn else { return "" }
        let options = topology.node(named: node)?.bestPath ?? BestPathOptions()
        let profiles = sessions.compactMap(\.profile)
        return """
            \(profiles.isEmpty ? "" : "bfd\n" + profiles.joined() + "exit\n!\n")\
            router bgp \(asn)
             bgp router-id \(topology.routerID(of: node))
             bgp log-neighbor-changes
             no bgp ebgp-requires-policy
             no bgp default ipv4-unicast
             no bgp network import-check
             bgp graceful-restart-disable
            \(sessions.longestRestart.map(restartLines) ?? "")\
             bgp bestpath as-path multipath-relax
             bgp bestpath compare-routerid
            \(options.alwaysComparesMED ? " bgp always-compare-med\n" : "")\
            \(sessions.map { $0.neighborLines(ofRouter: asn) }.joined())\
            \(families(sessions, ospf, options))\
            exit
            !
            \(sessions.map { $0.policyText(beside: sessions, isEdge: ospf?.redistribution.isEmpty == false) }.joined())\
            bgp as-path access-list \(ownRoutes) seq 5 permit ^$

            """
    }

    /// What says of all of a router's sessions how it restarts; each says whether it takes part.
    ///
    /// Its peers are told that its kernel keeps routes, which zebra does. Routes are chosen as they come, and a NOTIFICATION ends a session for
    /// good: RFC 8538 would have it restart.
    private static func restartLines(_ time: Duration) -> String {
        [
            "graceful-restart restart-time \(time.components.seconds)", "graceful-restart preserve-fw-state",
            "graceful-restart select-defer-time 0",
        ].map { " bgp \($0)\n" }.joined() + " no bgp graceful-restart notification\n"
    }

    private static func families(
        _ sessions: [SpeakerSession], _ ospf: FrrOSPF?, _ options: BestPathOptions
    ) -> String {
        [("ipv4", 32), ("ipv6", 128)].map { name, bits in
            let sessions = sessions.filter { $0.peer.bitWidth == bits }
            guard !sessions.isEmpty else { return "" }
            let networks = Set(sessions.flatMap(\.advertised)).sorted().map { "  network \($0)\n" }.joined()
            let sharing = ["", "ibgp "].map { "  maximum-paths \($0)\(options.multipath)\n" }.joined()
            let inside = bits == 32 ? ospf?.redistribution ?? "" : ""
            return " address-family \(name) unicast\n" + networks + inside + sharing
                + sessions.map(\.familyLines).joined()
                + " exit-address-family\n"
        }.joined()
    }

    /// The access list of paths that begin here. Names with an underscore are netlab's own: a session's name has none.
    static let ownRoutes = "netlab_own"
}

/// Which programs besides zebra and bgpd a configuration is for.
private struct FrrConfigurationUse {
    var usesBFD = false
    var usesOSPF = false
    var hasStaticRoutes = false

    init(_ text: String) {
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.split(whereSeparator: \.isWhitespace)
            if words == ["bfd"] || words.first == "neighbor" && words.contains("bfd") { usesBFD = true }
            if words.starts(with: ["router", "ospf"]) { usesOSPF = true }
            if words.count > 2, ["ip", "ipv6"].contains(words[0]), words[1] == "route" { hasStaticRoutes = true }
        }
    }
}

extension SpeakerSession {
    /// - Parameter router: The AS number of the node's router.
    fileprivate func neighborLines(ofRouter router: ASN) -> String {
        var lines = ["remote-as \(peerASN)", "description \(name)"]
        if asn != router { lines.append("local-as \(asn) no-prepend replace-as") }
        if let password { lines.append("password \(password.reveal())") }
        lines.append("timers \(keepalive.components.seconds) \(hold.components.seconds)")
        lines.append("timers connect 5")
        if interface == nil, peerASN != asn { lines.append("ebgp-multihop 255") }
        if let address { lines.append("update-source \(address)") }
        if bfd != nil { lines += ["bfd", "bfd profile \(name)"] }
        if gracefulRestart != nil { lines.append("graceful-restart") }
        return lines.map { " neighbor \(peer) \($0)\n" }.joined()
    }

    fileprivate var familyLines: String {
        (["activate"] + (reflects ? ["route-reflector-client"] : [])
            // Without the word, routes that are reflected keep the next hop that they came with.
            + (policy.isNextHop ? ["next-hop-self\(peerASN == asn ? " force" : "")"] : [])
            + (inEntries == nil ? [] : ["route-map \(inMap) in"]) + ["route-map \(name) out"]
            + (policy.maximumPrefixes.map { ["maximum-prefix \($0)"] } ?? []))
            .map { "  neighbor \(peer) \($0)\n" }.joined()
    }

    private var inMap: String { "\(name)_in" }
    private var outMap: String { "\(name)_out" }

    /// The timers of BFD, in milliseconds.
    fileprivate var profile: String? {
        guard let bfd else { return nil }
        let milliseconds = { (time: Duration) in Int(time / .milliseconds(1)) }
        return """
             profile \(name)
              detect-multiplier \(bfd.multiplier)
              receive-interval \(milliseconds(bfd.receive))
              transmit-interval \(milliseconds(bfd.transmit))
             exit

            """
    }

    /// What comes from the peer, and what goes to it: what no line permits is told to nobody.
    ///
    /// - Parameters:
    ///   - sessions: All of the node's.
    ///   - isEdge: Whether routes of OSPF's are told in all of them.
    fileprivate func policyText(beside sessions: [SpeakerSession], isEdge: Bool) -> String {
        let map = { (name: String, entries: [RoutePolicy.Entry]?) in
            entries.map { FrrPolicy(name: name, entries: $0, bits: peer.bitWidth, asn: asn).text } ?? ""
        }
        let calling = outEntries == nil ? "" : " call \(outMap)\n"
        let family = peer.bitWidth == 32 ? "ip" : "ipv6"
        var text = map(inMap, inEntries) + map(outMap, outEntries)
        for (index, prefix) in Set(advertised).sorted().enumerated() {
            text += "\(family) prefix-list \(name) seq \((index + 1) * 5) permit \(prefix)\n"
        }
        if !advertised.isEmpty {
            text += """
                route-map \(name) permit 10
                 match \(family) address prefix-list \(name)
                 match as-path \(FrrConfiguration.ownRoutes)
                \(calling)exit

                """
        }
        let others = Set(sessions.flatMap(\.advertised)).subtracting(advertised).filter {
            $0.address.bitWidth == peer.bitWidth
        }
        if isEdge || passesOn {
            // What it has of its own is what other sessions are told, and an edge has OSPF's routes besides. A path without a number is also
            // that of a route that another speaker of this AS has told it.
            for (index, prefix) in others.sorted().enumerated() {
                text += "\(family) prefix-list \(name)_others seq \((index + 1) * 5) permit \(prefix)\n"
            }
            if !others.isEmpty {
                text +=
                    "route-map \(name) deny 14\n match \(family) address prefix-list \(name)_others\n match as-path \(FrrConfiguration.ownRoutes)\nexit\n"
            }
        }
        if isEdge {
            text += "route-map \(name) permit 16\n match as-path \(FrrConfiguration.ownRoutes)\n\(calling)exit\n"
        }
        if isEdge || !passesOn {
            text += "route-map \(name) deny 20\n match as-path \(FrrConfiguration.ownRoutes)\nexit\n"
        }
        text += passesOn ? "route-map \(name) permit 30\n\(calling)exit\n" : "route-map \(name) deny 30\nexit\n"
        return text + "!\n"
    }
}
