import ConfigurationFormats
import DaemonProfiles
import LabModel
import NetworkTypes

/// What libreswan's pluto reads in a node, at its default paths: generated where the lab gives parameters, the user's
/// own files word for word where the lab gives those.
///
/// Source: ipsec.conf(5), ipsec.secrets(5) of libreswan 4.10.
public enum LibreswanConfiguration {
    /// Where the node's NSS database is, which pluto wants even for pre-shared keys.
    public static let defaultNSSDirectory = "/etc/ipsec.d/nss"

    /// The key daemon in the foreground; it starts `addconn --autoall` itself, which loads every connection and
    /// initiates those with `auto=start`.
    ///
    /// Source: ipsec_pluto(8).
    public static let plutoArguments = ["/usr/libexec/ipsec/pluto", "--nofork", "--config", "/etc/ipsec.conf"]

    /// Every file below /etc that pluto reads in a node; none for a node without a tunnel.
    ///
    /// - Parameters:
    ///   - logFile: Where pluto writes its log, as the node sees it.
    ///   - nssDirectory: Where its key store is, as the node sees it.
    public static func files(
        for node: String, in topology: Topology, logFile: String, nssDirectory: String
    ) -> [ConfigurationFile] {
        let ends = topology.tunnelEnds(of: node)
        guard !ends.isEmpty else { return [] }
        let connections = ConnectionDirectory(directory, of: ends.map(\.end))
        let generated = ends.flatMap { tunnel, end -> [ConfigurationFile] in
            guard let proposal = end.proposal, case .generated(let startup, let action) = end.configuration,
                let peer = tunnel.peer(of: end)
            else { return [] }
            let connection = zip(end.connections, end.selectors).map { connection, selectors in
                section(
                    connection.name, of: end, peer: peer, tunnel.mode, selectors, proposal: proposal,
                    startup: tunnel.isUnused ? .listen : startup, action: action)
            }.joined(separator: "\n")
            let secret = proposal.presharedKey.map {
                "\(identity(end.ikeIdentity)) \(identity(peer.ikeIdentity)) : PSK \"\($0.reveal())\"\n"
            }
            return connections.generated(for: tunnel, connection: connection, secrets: secret)
        }
        // What the user's own files say of the whole daemon counts, but for where netlab has its log and its keys.
        let given = ends.flatMap { _, end -> [(key: String, value: String)] in
            if case .own(let files) = end.configuration { IpsecConf(files.configuration).setup } else { [] }
        }
        // Two tunnels of netlab's have the same identities; users may count on pluto's own value.
        var setup = ends.allSatisfy { $0.end.own != nil } ? [:] : ["uniqueids": "no"]
        // pluto drops IKEv1 unless told otherwise (ipsec.conf(5)).
        if ends.contains(where: { $0.end.proposal != nil && $0.end.options.ikeVersion == 1 }) {
            setup["ikev1-policy"] = "accept"
        }
        for (key, value) in given where key != "logfile" && key != "nssdir" { setup[key] = value }
        let more = setup.sorted { $0.key < $1.key }.map { "    \($0.key)=\($0.value)" }.joined(separator: "\n")
        let main = """
            config setup
                logfile="\(logFile)"
                nssdir=\(nssDirectory)
            \(more)

            include \(directory)/*.conf

            """
        return [
            ConfigurationFile(
                path: "/etc/ipsec.conf", contents: main + connections.includes(missing: ".conf") { !$0.isSecret }),
            ConfigurationFile(
                path: "/etc/ipsec.secrets",
                contents: "include \(directory)/*.secrets\n"
                    + connections.includes(missing: ".secrets", where: \.isSecret)),
        ] + generated + connections.own.map(Self.included)
    }

    private static let directory = "/etc/ipsec.d"

    /// A user's file as it may be included: `version 2.0` stands at the head of ipsec.conf alone, and decides nothing.
    private static func included(_ file: ConfigurationFile) -> ConfigurationFile {
        guard !file.isSecret else { return file }
        let text = file.contents.reveal()
        guard text.contains("version") else { return file }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let isHead = { (line: Substring) in line.split(whereSeparator: \.isWhitespace).first == "version" }
        return ConfigurationFile(
            path: file.path,
            contents: lines.map { isHead($0) && $0.first == "v" ? "# \($0)" : $0 }.joined(separator: "\n"),
            isSecret: file.isSecret)
    }

    /// A `conn` section with the lab's parameters and nothing left to a default that matters.
    private static func section(
        _ name: String, of end: TunnelEnd, peer: TunnelEnd, _ mode: Tunnel.Mode, _ selectors: SelectorPair,
        proposal: TunnelProposal, startup: TunnelEnd.Startup, action: TunnelEnd.DeadPeerAction
    ) -> String {
        let parameters: [(String, String)] =
            [
                ("type", mode.rawValue),
                ("auto", startup == .initiate ? "start" : "add"),
                ("ikev2", end.options.ikeVersion == 2 ? "insist" : "never"),
            ] + authentication(of: end, peer: peer) + traffic(selectors, mode) + way(into: end) + [
                // Interfaces and routes are netlab's and stay, so the script that would make them has nothing to do.
                ("leftupdown", "%disabled"),
                ("ike", proposal.ike.map(ikeAlgorithms).joined(separator: ",")),
                ("phase2", "esp"),
                ("phase2alg", proposal.esp.map(espAlgorithms).joined(separator: ",")),
                ("pfs", proposal.esp.allSatisfy { $0.group == nil } ? "no" : "yes"),
                ("compress", "no"),
                ("ikelifetime", seconds(proposal.ikeLifetime)),
                ("salifetime", seconds(proposal.espLifetime)),
            ] + options(end.options, proposal) + liveness(end, action: action)
        return "conn \(name)\n" + parameters.map { "    \($0)=\($1)\n" }.joined()
    }

    private static func authentication(of end: TunnelEnd, peer: TunnelEnd) -> [(String, String)] {
        let use = end.certificate
        let ways = [use, peer.certificate].compactMap(\.self).map(\.family)
        let word = { (family: CertificateKeyFamily, rsa: String) in family == .rsa ? rsa : "ecdsa" }
        // Of two ways in `authby=` pluto takes RSA, whatever its key is; `leftauth=` has another word for it (measured with 4.10).
        let means =
            Set(ways).count == 2
            ? [("leftauth", word(ways[0], "rsasig")), ("rightauth", word(ways[1], "rsasig"))]
            : [("authby", ways.first.map { word($0, "rsa-sha2") } ?? "secret")]
        // A stranger's certificate is for another subject, and for the same alternative names.
        var own = identity(end.ikeIdentity)
        if let use, use.shown == .stranger, case .distinguishedName = use.identity { own = "%fromcert" }
        return means + [
            ("left", "\(end.localAddress)"),
            ("leftid", own),
            ("right", "\(end.remoteAddress)"),
            ("rightid", identity(peer.ikeIdentity)),
        ]
            + (use?.hasIntermediate ?? false ? [("sendca", "issuer")] : [])
            // Anybody may have signed the peer's whom the key store trusts.
            + (use.map { [("leftcert", $0.name(of: $0.shown)), ("leftsendcert", "always"), ("rightca", "%any")] } ?? [])
    }

    private static func identity(_ identity: IKEIdentity) -> String {
        switch identity {
        case .address(let address): "\(address)"
        case .name(let name): "@\(name)"
        case .distinguishedName(let name): "\"\(name)\""
        }
    }

    private static func traffic(_ selectors: SelectorPair, _ mode: Tunnel.Mode) -> [(String, String)] {
        // In transport mode the ends' own addresses are the selectors.
        let prefixes =
            mode == .transport
            ? [] : [("leftsubnet", "\(selectors.local)"), ("rightsubnet", "\(selectors.remote)")]
        guard let upper = selectors.upper else { return prefixes }
        let side = { (port: UInt16?) in "\(upper.rawValue)/" + (port.map(String.init) ?? "0") }
        return prefixes + [
            ("leftprotoport", side(selectors.localPort)), ("rightprotoport", side(selectors.remotePort)),
        ]
    }

    private static func way(into end: TunnelEnd) -> [(String, String)] {
        switch end.steering {
        case .interface(let name, .vti, let number):
            [("mark", "\(number)/0xffffffff"), ("vti-interface", "\(name)"), ("vti-routing", "no")]
        case .interface(_, .xfrm, let number): [("ipsec-interface", "\(number)")]
        case .policy: []
        }
    }

    private static func options(_ options: TunnelOptions, _ proposal: TunnelProposal) -> [(String, String)] {
        let word = { (isOn: Bool) in isOn ? "yes" : "no" }
        let all: [(String, String?)] = [
            ("aggressive", options.isAggressive ? "yes" : nil),
            ("encapsulation", options.forcesEncapsulation ? "yes" : nil),
            ("replay-window", options.replayWindow.map(String.init)),
            ("esn", options.hasExtendedSequence.map(word)),
            ("fragmentation", options.fragmentsIKE.map(word)),
            ("mobike", options.moves ? "yes" : nil),
            ("rekeymargin", (options.rekeyMargin ?? shortMargin(proposal)).map(seconds)),
        ]
        return all.compactMap { key, value in value.map { (key, $0) } }
    }

    /// pluto renews 9 to 18 minutes ahead unless told otherwise, which would be before a short life has begun.
    private static func shortMargin(_ proposal: TunnelProposal) -> Duration? {
        let shortest = min(proposal.ikeLifetime, proposal.espLifetime)
        return shortest > .seconds(20 * 60) ? nil : shortest / 10
    }

    private static func liveness(_ end: TunnelEnd, action: TunnelEnd.DeadPeerAction) -> [(String, String)] {
        guard let detection = end.deadPeerDetection else { return [] }
        guard end.options.ikeVersion == 2 else {
            return [
                ("dpddelay", seconds(detection.delay)), ("dpdtimeout", seconds(detection.timeout)),
                ("dpdaction", action.rawValue),
            ]
        }
        let retransmission = detection.retransmission
        return [
            ("dpddelay", seconds(detection.delay)),
            ("retransmit-interval", "\(milliseconds(retransmission.interval))"),
            ("retransmit-timeout", seconds(retransmission.timeout)),
            ("dpdaction", action.rawValue),
        ]
    }

    private static func milliseconds(_ duration: Duration) -> Int64 { duration.wholeNanoseconds / 1_000_000 }

    /// Whole seconds where they are, else milliseconds: pluto takes no fractions.
    private static func seconds(_ duration: Duration) -> String {
        let milliseconds = milliseconds(duration)
        return milliseconds % 1000 == 0 ? "\(milliseconds / 1000)s" : "\(milliseconds)ms"
    }
}

extension LibreswanConfiguration {
    /// A member of `ike=`.
    static func ikeAlgorithms(_ proposal: IKEAlgorithms) -> String {
        "\(name(of: proposal.encryption))-\(name(of: proposal.hash));\(proposal.group.name)"
    }

    /// A member of `phase2alg=`.
    static func espAlgorithms(_ proposal: ESPProposal) -> String {
        name(of: proposal.algorithms.encryption) + (proposal.algorithms.integrity.map { "-\(name(of: $0))" } ?? "")
            + (proposal.group.map { ";\($0.name)" } ?? "")
    }

    static func name(of algorithm: EncryptionAlgorithm) -> String {
        let bits = algorithm.keyBits.map(String.init) ?? ""
        return switch algorithm.cipher {
        case .aesCBC: "aes_cbc\(bits)"
        case .aesCTR: "aes_ctr\(bits)"
        case .aesGCM8: "aes_gcm_8-\(bits)"
        case .aesGCM12: "aes_gcm_12-\(bits)"
        case .aesGCM16: "aes_gcm\(bits)"
        case .aesCCM8: "aes_ccm_8-\(bits)"
        case .aesCCM12: "aes_ccm_12-\(bits)"
        case .aesCCM16: "aes_ccm_16-\(bits)"
        case .chacha20Poly1305: "chacha20_poly1305"
        case .null: "null"
        }
    }

    static func name(of algorithm: IntegrityAlgorithm) -> String {
        switch algorithm {
        case .sha1: "sha1"
        case .sha2_256: "sha2_256"
        case .sha2_384: "sha2_384"
        case .sha2_512: "sha2_512"
        case .aesXCBC: "aes_xcbc"
        }
    }
}
