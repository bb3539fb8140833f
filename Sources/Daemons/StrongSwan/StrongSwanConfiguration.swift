import DaemonProfiles
import LabModel
import NetworkTypes

/// What strongSwan's charon and swanctl(8) read in a node, at their default paths: generated where the lab gives parameters,
/// the user's own files word for word where the lab gives those.
///
/// Source: strongswan.conf(5), swanctl.conf(5) of strongSwan 5.9.8.
public enum StrongSwanConfiguration {
    /// Where charon answers, as its node sees it (the protocol is vici).
    public static let socketPath = "/run/strongswan/charon.vici"

    /// Where charon writes the keys of IKE SAs while a capture asks for them, as its node sees it: in the lab's memory only.
    public static let keyLog = "/run/strongswan/keys.log"

    /// The part of strongswan.conf that has charon write keys, or not.
    public static func keyLogging(_ isOn: Bool) -> ConfigurationFile {
        let logging = Section(
            "charon-systemd", [],
            [
                Section(
                    "filelog", [],
                    [
                        Section(
                            "keys",
                            [
                                ("path", keyLog), ("flush_line", "yes"), ("ike_name", "yes"), ("default", "-1"),
                                ("ike", "4"), ("cfg", "1"),
                            ])
                    ])
            ])
        return ConfigurationFile(
            path: "/etc/strongswan.d/netlab-keys.conf",
            contents: isOn ? logging.text : "# Keys of IKE SAs are logged while a capture asks for them.\n")
    }

    /// The key daemon in the foreground; once it runs, it starts `swanctl --load-all` by its `start-scripts`.
    public static let charonArguments = ["/usr/sbin/charon-systemd"]

    /// Reads everything that swanctl(8) does, and unloads what is not there any more.
    public static let loadArguments = ["/usr/sbin/swanctl", "--load-all", "--noprompt"]

    /// Every file below /etc that charon and swanctl read in a node; none for a node without a tunnel.
    ///
    /// - Parameter logFile: Where charon writes its log, as the node sees it.
    public static func files(for node: String, in topology: Topology, logFile: String) -> [ConfigurationFile] {
        let ends = topology.tunnelEnds(of: node)
        guard !ends.isEmpty else { return [] }
        let connections = ConnectionDirectory(directory, of: ends.map(\.end), holdsSecrets: \.holdsSecrets)
        let generated = ends.flatMap { tunnel, end -> [ConfigurationFile] in
            guard let proposal = end.proposal, case .generated(let startup, let action) = end.configuration,
                let peer = tunnel.peer(of: end)
            else { return [] }
            let connection = connection(
                of: end, peer: peer, tunnel.mode, proposal: proposal, startup: tunnel.isUnused ? .listen : startup,
                action: action)
            return connections.generated(
                for: tunnel, connection: connection.text,
                secrets: proposal.presharedKey.map { secret(of: end, peer: peer, $0).text })
        }
        let own = topology.node(named: node)?.keySettings
        let schedule = own == nil && ends.contains { $0.end.own == nil } ? topology.charonRetransmission(of: node) : nil
        return [
            // What stands later counts.
            ConfigurationFile(
                path: "/etc/strongswan.conf",
                contents: (own.map { $0 + "\n\n# netlab's own, without which there is no lab:\n" } ?? "")
                    + daemon(
                        logFile: logFile, schedule, isAggressive: ends.contains { $0.end.options.isAggressive },
                        hasCertificates: ends.contains { $0.end.certificate != nil },
                        signsWithRSA: ends.contains { $0.end.proposal != nil && $0.end.certificate?.family == .rsa })),
            keyLogging(false),
            ConfigurationFile(
                path: "/etc/swanctl/swanctl.conf",
                contents: "include conf.d/*.conf\ninclude conf.d/*.secrets\n"
                    + connections.includes(missing: ".conf", ".secrets")),
        ] + generated + connections.own + CertificateDirectory.files(of: ends.map(\.end))
    }

    static let directory = "/etc/swanctl/conf.d"

    // MARK: strongswan.conf

    /// What charon needs for IKEv2 with pre-shared keys and for every algorithm that a lab file can ask for; Debian's
    /// default is all of what is installed, most of which is for certificates, EAP and address pools.
    static let plugins = [
        "random", "nonce", "openssl", "xcbc", "kdf", "kernel-netlink", "socket-default", "vici", "updown",
    ]
    /// What reads certificates and keys in PEM besides, and checks what an authority may sign and what it has revoked.
    private static let certificatePlugins = ["pem", "pkcs1", "pkcs8", "x509", "revocation", "constraints"]

    /// - Parameters:
    ///   - schedule: Nil where the settings or all connections are the user's, who may count on charon's own values.
    ///   - signsWithRSA: Whether a connection of netlab's does.
    private static func daemon(
        logFile: String, _ schedule: CharonRetransmission?, isAggressive: Bool, hasCertificates: Bool,
        signsWithRSA: Bool
    ) -> String {
        let readers = hasCertificates ? certificatePlugins : []
        return Section(
            "charon-systemd",
            // A responder refuses aggressive mode with a pre-shared key unless it is told so in these words.
            (isAggressive ? [("i_dont_care_about_security_and_use_aggressive_mode_psk", "yes")] : []) + [
                ("load", (plugins + readers).joined(separator: " ")), ("load_modular", "no"),
                // The lab's routes lead into the interfaces; charon's own would be in a table before all others.
                ("install_routes", "no"),
                ("install_virtual_ip", "no"),
            ]
                // Of RSA's two paddings the one that every peer takes (RFC 8247, section 3.2).
                + (signsWithRSA ? [("rsa_pss", "yes")] : [])
                + (schedule.map { schedule in
                    [
                        // New SAs before the old ones go, as libreswan renews its own.
                        ("make_before_break", "yes"),
                        // One setting for the whole daemon.
                        ("retransmit_tries", "\(schedule.tries)"),
                        ("retransmit_timeout", "\(schedule.firstWait.inSeconds)"),
                        ("retransmit_base", "\(schedule.base)"),
                    ]
                } ?? []),
            [
                Section("plugins", [], [Section("vici", [("socket", "unix://\(socketPath)")])]),
                // One file for people and for netlab: times to the millisecond are the finest there are.
                Section(
                    "filelog", [],
                    [
                        Section(
                            "netlab",
                            [
                                ("path", logFile), ("append", "yes"), ("flush_line", "yes"),
                                ("time_format", "%Y-%m-%dT%H:%M:%S"), ("time_add_ms", "yes"), ("ike_name", "yes"),
                                ("default", "1"),
                            ])
                    ]),
                // There is no journal in a lab.
                Section("journal", [("default", "-1")]),
                Section("start-scripts", [("load", loadArguments.joined(separator: " "))]),
            ]
        ).text
            + Section(
                "swanctl",
                [
                    ("load", (["random", "openssl"] + readers).joined(separator: " ")),
                    ("socket", "unix://\(socketPath)"),
                ]
            ).text
            + "include strongswan.d/netlab-keys.conf\n"
    }

    // MARK: swanctl.conf

    /// A `connections` section with the lab's parameters and nothing left to a default that matters.
    private static func connection(
        of end: TunnelEnd, peer: TunnelEnd, _ mode: Tunnel.Mode, proposal: TunnelProposal, startup: TunnelEnd.Startup,
        action: TunnelEnd.DeadPeerAction
    ) -> Section {
        let starts = startup == .initiate
        let children = zip(end.connections, end.selectors).map { connection, selectors in
            Section(
                connection.child,
                [
                    ("local_ts", selector(selectors.local, selectors.upper, selectors.localPort)),
                    ("remote_ts", selector(selectors.remote, selectors.upper, selectors.remotePort)),
                    ("mode", mode.rawValue),
                    (
                        "esp_proposals",
                        proposal.esp.map { espAlgorithms($0) + sequenceNumbers(end.options) }.joined(separator: ", ")
                    ),
                    ("start_action", starts ? "start" : "none"),
                    // An initiator keeps its tunnel up whatever the peer does.
                    ("close_action", starts ? "start" : "none"),
                    ("dpd_action", deadPeerAction(action)),
                ] + way(into: end) + (end.options.replayWindow.map { [("replay_window", "\($0)")] } ?? [])
                    + lifetime(proposal.espLifetime, margin: end.options.rekeyMargin))
        }
        let connection = Section(
            end.connection,
            [
                ("version", "\(end.options.ikeVersion)"),
                ("local_addrs", "\(end.localAddress)"),
                ("remote_addrs", "\(end.remoteAddress)"),
                ("proposals", proposal.ike.map(ikeAlgorithms).joined(separator: ", ")),
                ("mobike", end.options.moves ? "yes" : "no"),
                ("unique", "no"),
                ("keyingtries", "0"),
                ("reauth_time", "0"),
                // An initiator of libreswan's does not ask for one (measured with 4.10).
            ] + (end.certificate == nil ? [] : [("send_cert", "always")]) + options(end.options)
                + ikeLifetime(proposal.ikeLifetime, margin: end.options.rekeyMargin)
                + liveness(end),
            [
                Section("local", local(end)), Section("remote", remote(peer, of: end)),
                Section("children", [], children),
            ])
        return Section("connections", [], [connection])
    }

    private static func local(_ end: TunnelEnd) -> [(String, String)] {
        guard let use = end.certificate else { return [("auth", "psk"), ("id", name(of: end))] }
        let certificate = ("certs", CertificateDirectory.fileName(use.name(of: use.shown)))
        // Without `id` it is the certificate's subject.
        if use.shown == .stranger, case .distinguishedName = use.identity { return [("auth", "pubkey"), certificate] }
        return [("auth", "pubkey"), certificate, ("id", identity(use.identity))]
    }

    private static func remote(_ peer: TunnelEnd, of end: TunnelEnd) -> [(String, String)] {
        guard let use = end.certificate else { return [("auth", "psk"), ("id", name(of: peer))] }
        return [
            ("auth", "pubkey"), ("id", identity(peer.ikeIdentity)),
            ("cacerts", CertificateDirectory.authorityNames(of: use).joined(separator: ", ")),
        ]
    }

    /// In quotation marks, for a distinguished name has commas.
    private static func identity(_ identity: IKEIdentity) -> String { "\"\(identity)\"" }

    /// What an end with a pre-shared key calls itself.
    private static func name(of end: TunnelEnd) -> String { end.name ?? "\(end.identity)" }

    /// Settings of a child.
    private static func way(into end: TunnelEnd) -> [(String, String)] {
        switch end.steering {
        case .interface(_, .vti, let number): [("mark_in", "\(number)"), ("mark_out", "\(number)")]
        case .interface(_, .xfrm, let number): [("if_id_in", "\(number)"), ("if_id_out", "\(number)")]
        case .policy: []
        }
    }

    private static func selector(_ prefix: IPPrefix, _ upper: IPProtocol?, _ port: UInt16?) -> String {
        "\(prefix)" + (upper.map { "[\($0.rawValue)" + (port.map { "/\($0)" } ?? "") + "]" } ?? "")
    }

    private static func secret(of end: TunnelEnd, peer: TunnelEnd, _ key: Secret) -> Section {
        let shared = Section(
            "ike-\(end.connection)",
            [
                ("id-local", name(of: end)), ("id-remote", name(of: peer)),
                ("secret", "\"\(key.reveal().escaped)\""),
            ])
        return Section("secrets", [], [shared])
    }

    /// An IKE SA has no hard limit of its own but a time over its renewal's: both together are the lifetime. Renewal comes
    /// up to a tenth of it sooner, by chance, as swanctl.conf(5) has it by default.
    private static func ikeLifetime(_ lifetime: Duration, margin: Duration?) -> [(String, String)] {
        let margin = margin ?? lifetime / 10
        return [
            ("rekey_time", seconds(lifetime - margin)), ("over_time", seconds(margin)), ("rand_time", seconds(margin)),
        ]
    }

    private static func lifetime(_ lifetime: Duration, margin: Duration?) -> [(String, String)] {
        let margin = margin ?? lifetime / 10
        return [
            ("rekey_time", seconds(lifetime - margin)), ("life_time", seconds(lifetime)),
            ("rand_time", seconds(margin)),
        ]
    }

    private static func options(_ options: TunnelOptions) -> [(String, String)] {
        let all: [(String, String?)] = [
            ("aggressive", options.isAggressive ? "yes" : nil), ("encap", options.forcesEncapsulation ? "yes" : nil),
            ("fragmentation", options.fragmentsIKE.map { $0 ? "yes" : "no" }),
        ]
        return all.compactMap { key, value in value.map { (key, $0) } }
    }

    /// IKEv1 has a time of its own for a peer that does not answer, and no repetitions (swanctl.conf(5)).
    private static func liveness(_ end: TunnelEnd) -> [(String, String)] {
        guard let detection = end.deadPeerDetection else { return [] }
        return [("dpd_delay", seconds(detection.delay))]
            + (end.options.ikeVersion == 1 ? [("dpd_timeout", seconds(detection.timeout))] : [])
    }

    private static func sequenceNumbers(_ options: TunnelOptions) -> String {
        options.hasExtendedSequence.map { $0 ? "-esn" : "-noesn" } ?? ""
    }

    private static func deadPeerAction(_ action: TunnelEnd.DeadPeerAction) -> String {
        switch action {
        case .clear: "clear"
        case .hold: "trap"
        case .restart: "restart"
        }
    }

    /// charon takes whole seconds only: rounded up, so that a margin is never none.
    private static func seconds(_ duration: Duration) -> String {
        "\((duration.wholeNanoseconds + 999_999_999) / 1_000_000_000)s"
    }
}

extension StrongSwanConfiguration {
    /// A member of `proposals`.
    static func ikeAlgorithms(_ proposal: IKEAlgorithms) -> String {
        let hash = name(of: proposal.hash)
        return "\(name(of: proposal.encryption))-\(proposal.encryption.isAuthenticated ? "prf\(hash)" : hash)-"
            + name(of: proposal.group)
    }

    /// A member of `esp_proposals`.
    static func espAlgorithms(_ proposal: ESPProposal) -> String {
        ([name(of: proposal.algorithms.encryption)]
            + [proposal.algorithms.integrity.map(name), proposal.group.map(name)].compactMap { $0 })
            .joined(separator: "-")
    }

    static func name(of algorithm: EncryptionAlgorithm) -> String {
        let bits = algorithm.keyBits.map(String.init) ?? ""
        return switch algorithm.cipher {
        case .aesCBC: "aes\(bits)"
        case .aesCTR: "aes\(bits)ctr"
        case .aesGCM8: "aes\(bits)gcm64"
        case .aesGCM12: "aes\(bits)gcm96"
        case .aesGCM16: "aes\(bits)gcm128"
        case .aesCCM8: "aes\(bits)ccm64"
        case .aesCCM12: "aes\(bits)ccm96"
        case .aesCCM16: "aes\(bits)ccm128"
        case .chacha20Poly1305: "chacha20poly1305"
        case .null: "null"
        }
    }

    static func name(of algorithm: IntegrityAlgorithm) -> String {
        switch algorithm {
        case .sha1: "sha1"
        case .sha2_256: "sha256"
        case .sha2_384: "sha384"
        case .sha2_512: "sha512"
        case .aesXCBC: "aesxcbc"
        }
    }

    static func name(of group: DiffieHellmanGroup) -> String {
        switch group.number {
        case 19: "ecp256"
        case 20: "ecp384"
        case 21: "ecp521"
        case 31: "curve25519"
        default: group.name
        }
    }
}

/// A section of strongSwan's settings (strongswan.conf(5)).
private struct Section {
    let name: String
    let settings: [(String, String)]
    let sections: [Section]

    init(_ name: String, _ settings: [(String, String)], _ sections: [Section] = []) {
        self.name = name
        self.settings = settings
        self.sections = sections
    }

    var text: String { text(indent: "") }

    private func text(indent: String) -> String {
        let inner = indent + "    "
        return "\(indent)\(name) {\n" + settings.map { "\(inner)\($0) = \($1)\n" }.joined()
            + sections.map { $0.text(indent: inner) }.joined() + "\(indent)}\n"
    }
}

extension String {
    /// For a double-quoted value: a backslash begins an escape there.
    fileprivate var escaped: String { replacing("\\", with: "\\\\") }
}
