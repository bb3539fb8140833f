import ConfigurationFormats
import LabModel
import NetworkTypes

/// A connection of a user's swanctl.conf, as far as netlab must know it.
///
/// Source: swanctl.conf(5) of strongSwan 5.9.8, with its defaults.
public struct SwanctlConnection: Hashable, Sendable {
    public let name: String
    /// The first child; nil where it has none.
    public let child: String?
    private let settings: StrongSwanSettings
    private let childSettings: StrongSwanSettings?

    /// Nil where the file has no such connection.
    public init?(_ name: String, in file: StrongSwanSettings) {
        guard let settings = file[section: "connections"]?[section: name] else { return nil }
        self.name = name
        self.settings = settings
        child = settings[section: "children"]?.sectionNames.first
        childSettings = child.flatMap { settings[section: "children"]?[section: $0] }
    }

    /// Every setting by its path, to compare.
    public var flattened: [String: String] { settings.flattened }

    /// Options, values and proposals for which charon does not load it.
    var complaints: [SwanctlOptions.Complaint] { SwanctlOptions.complaints(about: settings) }

    /// Selectors with a range of ports: the kernel has one port and a mask for a policy.
    var portRanges: [(path: String, word: String)] {
        settings.flattened.sorted { $0.key < $1.key }.filter { path, value in
            (path.hasSuffix(".local_ts") || path.hasSuffix(".remote_ts")) && value.contains(#/\[\w+\/\d+-\d+\]/#)
        }.map { ($0.key, $0.value) }
    }

    /// Whether it installs no policies, and runs no script that could.
    var lacksPolicies: Bool {
        childSettings?.values["policies"].map { !Self.isOn($0) } ?? false && childSettings?.values["updown"] == nil
    }

    /// Whether packets with numbers of 64 bits are to come in with no window for their order, all of which Linux then drops
    /// (net/xfrm/xfrm_replay.c; measured with 7.3).
    var dropsExtendedSequences: Bool {
        childSettings?.values["replay_window"] == "0" && terms.extendedSequences == [true]
    }

    /// The line of every setting.
    var lines: [String: Int] { settings.flattenedLines }

    /// What it wants of its peer.
    var terms: ConnectionTerms {
        let path = "children.\(child ?? "")"
        var terms = ConnectionTerms(
            ike: ConnectionTerms.list(settings.values["proposals"], IKEAlgorithms.init(strongswan:)),
            esp: ConnectionTerms.list(
                childSettings?.values["esp_proposals"], ESPProposal.init(strongswan:)),
            narrows: true,
            localID: ConnectionTerms.identity(identity("local") ?? localAddress.map { "\($0)" }),
            remoteID: ConnectionTerms.identity(identity("remote")),
            keys: .init(
                ike: "proposals", esp: "\(path).esp_proposals", local: "\(path).local_ts", remote: "\(path).remote_ts",
                start: "\(path).start_action", version: "version", localID: "local.id", remoteID: "remote.id"))
        let offers = childSettings?.values["esp_proposals"]?.split(separator: ",").map { $0.split(separator: "-") }
        if let offers, terms.esp != nil {
            terms.extendedSequences = Set(
                offers.flatMap { $0.contains("esn") ? ($0.contains("noesn") ? [true, false] : [true]) : [false] })
        }
        terms.cutsSHA256 = Self.isOn(childSettings?.values["sha256_96"])
        terms.certificate = first("certs", ofSide: "local")
        terms.authority = first("cacerts", ofSide: "remote")
        let auth = first("auth", ofSide: "local")
        // `local.id` of swanctl.conf(5).
        terms.isNamedByCertificate = auth?.hasPrefix("psk") != true
        if auth?.hasPrefix("psk") != true {
            terms.keyless =
                auth.map { "authenticates by \($0)" }
                ?? "has no `auth` in `local`, which means public keys (swanctl.conf(5))"
        }
        terms.isUnique = ["replace", "keep"].contains(settings.values["unique"])
        terms.mindsInitialContact = settings.values["unique"] != "never"
        return terms
    }

    /// `id` of the first section whose name begins so.
    private func identity(_ side: String) -> String? { first("id", ofSide: side) }

    private func first(_ key: String, ofSide side: String) -> String? {
        settings.sectionNames.first { $0.hasPrefix(side) }.flatMap { settings[section: $0]?.values[key] }
    }

    /// The first of `local_addrs`, where that is an address.
    public var localAddress: IPAddress? { first("local_addrs").flatMap(IPAddress.init) }

    /// The first of `remote_addrs`.
    public var remote: String? { first("remote_addrs") }

    private func first(_ key: String) -> String? {
        settings.values[key]?.split { $0 == "," || $0.isWhitespace }.first.map(String.init)
    }

    /// The kind of interface that its policies' numbers are for, `if_id_in` and `if_id_out` or `mark_in` and `mark_out`, of the child or
    /// else of the connection; nil where they are not one number above zero.
    var interface: (kind: TunnelInterfaceKind, number: UInt32)? {
        for (kind, key) in [(TunnelInterfaceKind.xfrm, "if_id"), (.vti, "mark")] {
            if let input = number("\(key)_in"), input == number("\(key)_out"), input > 0 { return (kind, input) }
        }
        return nil
    }

    /// Whether it says any such number.
    var wantsInterface: Bool {
        ["if_id_in", "if_id_out", "mark_in", "mark_out"].contains { key in
            // `%unique` is a number as well.
            (childSettings?.values[key] ?? settings.values[key]).map { $0 != "0" } ?? false
        }
    }

    /// The number of `101`, `0x65` or `101/0xffffffff`.
    private func number(_ key: String) -> UInt32? {
        let written = childSettings?.values[key] ?? settings.values[key]
        guard let text = written?.split(separator: "/").first else { return nil }
        return text.hasPrefix("0x") ? UInt32(text.dropFirst(2), radix: 16) : UInt32(text)
    }

    /// `mode` of the first child.
    var mode: Tunnel.Mode { childSettings?.values["mode"] == "transport" ? .transport : .tunnel }

    /// Every pair of `local_ts` and `remote_ts` of every child; nil where one is not known.
    var selectors: [SelectorPair]? {
        let known = pairsOfChildren.compactMap(\.self)
        return child != nil && known.count == pairsOfChildren.count ? known.flatMap(\.self) : nil
    }

    /// How many of them are in one child, at most.
    var mostPairsInChild: Int { pairsOfChildren.compactMap { $0?.count }.max() ?? 1 }

    private var pairsOfChildren: [[SelectorPair]?] {
        let children = settings[section: "children"]
        return children?.sectionNames.map { name -> [SelectorPair]? in
            let values = children?[section: name]?.values ?? [:]
            guard let local = selectors(values["local_ts"], own: localAddress),
                let remote = selectors(values["remote_ts"], own: remote.flatMap(IPAddress.init))
            else { return nil }
            return local.flatMap { near in
                remote.compactMap { far -> SelectorPair? in
                    // Those that cannot go together are left out of the SA.
                    guard near.prefix.address.bitWidth == far.prefix.address.bitWidth,
                        near.upper == nil || far.upper == nil || near.upper == far.upper
                    else { return nil }
                    return SelectorPair(
                        local: near.prefix, remote: far.prefix, upper: near.upper ?? far.upper, localPort: near.port,
                        remotePort: far.port)
                }
            }
        } ?? []
    }

    /// Reads a list of traffic selectors: `10.1.0.0/16`, `10.1.0.0/16[tcp/443]`, `dynamic[gre]` (swanctl.conf(5)).
    private func selectors(
        _ text: String?, own address: IPAddress?
    ) -> [(prefix: IPPrefix, upper: IPProtocol?, port: UInt16?)]? {
        ConnectionTerms.list(text ?? "dynamic") { text in
            let parts = text.split(separator: "[", maxSplits: 1).map(String.init)
            let host = address.map { IPPrefix($0, length: $0.bitWidth) }
            guard let first = parts.first, let prefix = first == "dynamic" ? host : IPPrefix(first) else { return nil }
            guard parts.count == 2 else { return (prefix, nil, nil) }
            let words = parts[1].dropLast().split(separator: "/").map(String.init)
            guard parts[1].hasSuffix("]"), let upper = words.first.flatMap(IPProtocol.init(keyword:)) else {
                return nil
            }
            guard words.count == 2, words[1] != "any" else { return (prefix, upper, nil) }
            return UInt16(words[1]).map { (prefix, upper, $0) }
        }
    }

    public var ikeAlgorithms: IKEAlgorithms? { settings.values["proposals"].flatMap(IKEAlgorithms.init(strongswan:)) }

    public var espAlgorithms: ESPAlgorithms? {
        childSettings?.values["esp_proposals"].flatMap(ESPAlgorithms.init(strongswan:))
    }

    /// `encap`: whether ESP is put into UDP without need.
    var forcesEncapsulation: Bool { Self.isOn(settings.values["encap"]) }

    /// How long the IKE SA and the child SA last at most: 4 h and 1 h until they are renewed, and a tenth more; nil for ever.
    var lifetimes: (ike: Duration?, esp: Duration?) {
        let rekey = Self.time(settings.values["rekey_time"]) ?? .seconds(4 * 3600)
        let over = Self.time(settings.values["over_time"]) ?? rekey / 10
        let life = Self.time(childSettings?.values["life_time"]) ?? childRekey + childRekey / 10
        return (rekey == .zero ? nil : rekey + over, life == .zero ? nil : life)
    }

    private var childRekey: Duration { Self.time(childSettings?.values["rekey_time"]) ?? .seconds(3600) }

    /// Why the child SA is not renewed in its time, as a clause; nil where it is. Both measured with 5.9.8.
    var renewalProblem: String? {
        guard let life = Self.time(childSettings?.values["life_time"]), life > .zero, childRekey > .zero else {
            return nil
        }
        if life <= childRekey {
            return
                "ends after its life_time of \(life.shortText), before it is renewed (rekey_time \(childRekey.shortText)), and has to be made anew each time"
        }
        let chance = Self.time(childSettings?.values["rand_time"]) ?? life - childRekey
        guard chance >= childRekey else { return nil }
        return
            "is renewed again and again: chance takes up to \(chance.shortText) (rand_time, or life_time less rekey_time) off its rekey_time of \(childRekey.shortText)"
    }

    /// `dpd_delay`; nil where dead peers are not looked for.
    public var deadPeerDelay: Duration? {
        Self.time(settings.values["dpd_delay"]).flatMap { $0 > .zero ? $0 : nil }
    }

    /// What a child's action does, by the words that charon takes for it; none for `none` and `clear`
    /// (src/libcharon/plugins/vici/vici_config.c, `parse_action`).
    private struct Action: OptionSet {
        let rawValue: Int

        static let start = Action(rawValue: 1)
        static let trap = Action(rawValue: 2)

        static let words: [String: Action] = [
            "start": .start, "restart": .start, "trap": .trap, "route": .trap, "trap|start": [.start, .trap],
            "none": [], "clear": [],
        ]
    }

    private func action(_ key: String) -> Action { childSettings?.values[key].flatMap { Action.words[$0] } ?? [] }

    /// Settings of actions, by their paths, with words that charon refuses the whole connection for.
    var wrongActions: [(path: String, word: String)] {
        ["start_action", "close_action", "dpd_action"].compactMap { key in
            guard let child, let word = childSettings?.values[key], Action.words[word] == nil else { return nil }
            return ("children.\(child).\(key)", word)
        }
    }

    /// What `dpd_action` says, `clear` by default.
    public var deadPeerAction: TunnelEnd.DeadPeerAction {
        let action = action("dpd_action")
        return action.contains(.start) ? .restart : action.contains(.trap) ? .hold : .clear
    }

    /// Whether it begins a negotiation by itself, at once or when there is traffic.
    public var initiates: Bool { !action("start_action").isEmpty }

    public var waitsForTraffic: Bool { action("start_action") == .trap }

    /// `version`: 0, which is the default, begins with IKEv2.
    var ikeVersion: Int? { settings.values["version"].flatMap(Int.init).flatMap { $0 == 0 ? nil : $0 } }

    /// A trap stays when the SAs go, and negotiates with the next packet.
    private var traps: Bool { action("start_action").contains(.trap) }

    /// What `close_action` says, `none` by default.
    var comesBackAfterDelete: Bool { traps || !action("close_action").isEmpty }

    var waitsAfterDelete: Bool { comesBackAfterDelete && !action("close_action").contains(.start) }

    /// What `dpd_action` says, `clear` by default.
    var comesBackAfterSilence: Bool { traps || deadPeerAction != .clear }

    /// `keyingtries`, 1 by default and 0 for without end; a trap begins again with the next packet whatever it says.
    var attempts: Int? {
        let tries = settings.values["keyingtries"].flatMap(Int.init) ?? 1
        return traps || deadPeerAction == .hold || tries == 0 ? nil : tries
    }

    /// A trap's attempt ends after `keyingtries`, 1 by default; the kernel's next question, which begins another, comes when the last one
    /// is forgotten (`charon.plugins.kernel-netlink.xfrm_acq_expires`, strongswan.conf(5)).
    var pauseBetweenAttempts: Duration {
        let givesUp = settings.values["keyingtries"].flatMap(Int.init) != 0
        return givesUp && (traps || deadPeerAction == .hold) ? .seconds(165) : .zero
    }

    /// The settings that are computed with, by their paths without the child's name and those of `local` and `remote` sections
    /// (swanctl.conf(5)).
    private static let taken: Set = [
        "version", "local_addrs", "remote_addrs", "proposals", "dpd_delay", "keyingtries", "rekey_time", "over_time",
        "encap", "mobike", "if_id_in", "if_id_out", "mark_in", "mark_out", "local.auth", "local.id", "remote.auth",
        "remote.id", "local.certs", "remote.cacerts",
        "children.local_ts",
        "children.remote_ts", "children.esp_proposals", "children.rekey_time", "children.life_time",
        "children.if_id_in", "children.if_id_out", "children.mark_in", "children.mark_out", "children.mode",
        "children.start_action", "children.close_action",
        "children.dpd_action", "children.sha256_96", "unique",
    ]

    /// Those that decide neither when a tunnel comes or goes nor whether a ping gets through, whatever they say.
    private static let harmless: Set = [
        "dpd_timeout", "rand_time", "fragmentation", "send_certreq", "send_cert", "pull", "dscp", "aggressive",
        "children.rand_time", "children.replay_window", "children.copy_df", "children.copy_ecn",
        "children.copy_dscp", "children.priority", "children.reqid", "children.ipcomp",
    ]

    /// `children.NAME.local_ts` is one key for all children, and so is `local-1.auth` for all of its rounds.
    private static func key(of path: String) -> String {
        var parts = path.split(separator: ".").map(String.init)
        if parts.first == "children", parts.count > 2 { parts.remove(at: 1) }
        if let first = parts.first, parts.count > 1 {
            for side in ["local", "remote"] where first.hasPrefix(side) { parts[0] = side }
        }
        return parts.joined(separator: ".")
    }

    var taken: [String] { settings.flattened.keys.filter { Self.taken.contains(Self.key(of: $0)) }.sorted() }

    /// What is neither, unless it says what is so without it; and MOBIKE, which is on unless it is turned off.
    var open: [String] {
        let written = settings.flattened.filter { path, value in
            switch Self.key(of: path) {
            case "mobike": false
            case "reauth_time": value != "0" && value != "0s"
            case "ppk_required": Self.isOn(value)
            case "children.hw_offload": !["no", "auto"].contains(value)
            case "childless": !["allow", "never"].contains(value)
            case "local_port", "remote_port": value != "500"
            case "children.policies": !Self.isOn(value)
            case let key: !Self.taken.contains(key) && !Self.harmless.contains(key)
            }
        }
        return written.map { "\($0) = \($1)" }.sorted()
    }

    /// Whether it may move to another address of its node's (RFC 4555).
    var moves: Bool { (settings.values["mobike"].map(Self.isOn) ?? true) && ikeVersion != 1 }

    /// The words of a switch (src/libcharon/plugins/vici/vici_config.c, `parse_bool`).
    private static func isOn(_ text: String?) -> Bool { ["yes", "true", "enabled", "1"].contains(text?.lowercased()) }

    /// A bare number is one of seconds.
    private static func time(_ text: String?) -> Duration? {
        text.flatMap { Duration(text: $0) ?? Duration(text: $0 + "s") }
    }
}

// MARK: - Algorithms

extension ESPAlgorithms {
    /// Reads strongSwan's `esp_proposals` (swanctl.conf(5), "IKE/ESP proposals"): `aes256-sha256-modp2048`, `aes256gcm16`.
    ///
    /// Nil for what offers several, leaves something open, or is not known here.
    public init?(strongswan text: String) {
        guard let words = StrongSwanProposal(text) else { return nil }
        guard words.encryption.isAuthenticated || words.hash != nil else { return nil }
        self.init(encryption: words.encryption, integrity: words.encryption.isAuthenticated ? nil : words.hash)
    }
}

extension ESPProposal {
    /// Nil for what is not known here.
    init?(strongswan text: String) {
        guard let algorithms = ESPAlgorithms(strongswan: text), let words = StrongSwanProposal(text) else { return nil }
        self.init(algorithms: algorithms, group: words.group)
    }
}

extension IKEAlgorithms {
    /// Reads strongSwan's `proposals`: `aes256-sha256-modp1024`, `aes256gcm16-prfsha384-ecp384`.
    ///
    /// Nil for what offers several, leaves something open, or is not known here.
    public init?(strongswan text: String) {
        guard let words = StrongSwanProposal(text), let hash = words.hash, let group = words.group else { return nil }
        self.init(encryption: words.encryption, hash: hash, group: group)
    }
}

/// A proposal in strongSwan's keywords that leaves no choice (src/libstrongswan/crypto/proposal/proposal_keywords_static.txt).
private struct StrongSwanProposal {
    let encryption: EncryptionAlgorithm
    /// Integrity algorithm, or with an AEAD the pseudo-random function.
    let hash: IntegrityAlgorithm?
    let group: DiffieHellmanGroup?

    init?(_ text: String) {
        let words = text.lowercased().split(separator: "-").map(String.init).filter { !["esn", "noesn"].contains($0) }
        guard !text.contains(","), let first = words.first, let encryption = Self.encryption(first) else { return nil }
        let hashes = Set(
            words.dropFirst().compactMap { Self.hashes[$0.hasPrefix("prf") ? String($0.dropFirst(3)) : $0] })
        let groups = words.dropFirst().compactMap { Self.groups[$0] }
        let known = words.dropFirst().count { word in
            Self.groups[word] != nil || Self.hashes[word.hasPrefix("prf") ? String(word.dropFirst(3)) : word] != nil
        }
        guard hashes.count <= 1, groups.count <= 1, known == words.count - 1 else { return nil }
        self.encryption = encryption
        hash = hashes.first
        group = groups.first.flatMap { DiffieHellmanGroup(number: $0) }
    }

    private static func encryption(_ word: String) -> EncryptionAlgorithm? {
        if word == "null" { return .null }
        if word == "chacha20poly1305" { return .chacha20Poly1305 }
        guard word.hasPrefix("aes") else { return nil }
        var rest = word.dropFirst(3)
        let bits = ["128", "192", "256"].first { rest.hasPrefix($0) }
        if let bits { rest = rest.dropFirst(bits.count) }
        guard let cipher = ciphers[String(rest)] else { return nil }
        // `aes` alone is the one of 128 bits.
        return EncryptionAlgorithm.allCases.first { $0.cipher == cipher && $0.keyBits == Int(bits ?? "128") }
    }

    /// By what follows the key's bits; an ICV's length is in bytes or in bits.
    private static let ciphers: [String: Cipher] = [
        "": .aesCBC, "ctr": .aesCTR,
        "gcm8": .aesGCM8, "gcm64": .aesGCM8, "gcm12": .aesGCM12, "gcm96": .aesGCM12, "gcm": .aesGCM16,
        "gcm16": .aesGCM16, "gcm128": .aesGCM16,
        "ccm8": .aesCCM8, "ccm64": .aesCCM8, "ccm12": .aesCCM12, "ccm96": .aesCCM12, "ccm": .aesCCM16,
        "ccm16": .aesCCM16, "ccm128": .aesCCM16,
    ]

    private static let hashes: [String: IntegrityAlgorithm] = [
        "sha": .sha1, "sha1": .sha1, "sha256": .sha2_256, "sha2_256": .sha2_256, "sha384": .sha2_384,
        "sha2_384": .sha2_384, "sha512": .sha2_512, "sha2_512": .sha2_512, "aesxcbc": .aesXCBC,
    ]

    private static let groups: [String: Int] = [
        "modp1024": 2, "modp1536": 5, "modp2048": 14, "modp3072": 15, "modp4096": 16, "modp6144": 17, "modp8192": 18,
        "ecp256": 19, "ecp384": 20, "ecp521": 21, "curve25519": 31, "x25519": 31,
    ]
}
