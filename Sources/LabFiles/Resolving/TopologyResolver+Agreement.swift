import Daemons
import LabModel
import NetworkTypes
import YAMLReading

// Whether the two ends of a tunnel agree, before anything is built: what their daemons would find out of each other by NO_PROPOSAL_CHOSEN,
// TS_UNACCEPTABLE, or not at all. Nothing is said where a file leaves something open.
extension TopologyResolver {
    /// An end, and what it wants of its peer, whoever wrote that.
    private struct Side {
        let end: TunnelEnd
        let profile: any KeyDaemon
        /// The user's own file and what it says; nil for an end that netlab writes.
        let own: (file: String, connection: OwnConnection)?
        let ike: [IKEAlgorithms]?
        let esp: [ESPProposal]?
        let narrows: Bool
        let initiates: Bool
        let version: Int?
        let localID: String?
        let remoteID: String?
        let key: Secret?

        init(_ end: TunnelEnd, of tunnel: Tunnel) {
            self.end = end
            profile = end.keyDaemon
            switch end.configuration {
            case .own(let files):
                let connection = end.own
                own = connection.map { (files.configurationName, $0) }
                ike = connection?.terms.ike
                esp = connection?.terms.esp
                narrows = connection?.terms.narrows ?? true
                initiates = connection?.initiates ?? true
                version = connection?.ikeVersion
                // One that says nothing of itself has the address that it sends from for its name.
                let isSaid = connection.map { $0.settings[$0.terms.keys.localID] != nil } ?? true
                let subject = connection?.terms.isNamedByCertificate ?? false ? files.certificate?.subject : nil
                localID =
                    !isSaid && subject != nil
                    ? subject?.lowercased() : connection?.terms.localID ?? (isSaid ? nil : "\(end.localAddress)")
                remoteID = connection?.terms.remoteID
                key = profile.presharedKey(in: files, of: end)
            case .generated(let startup, _):
                own = nil
                // Quick mode takes a pair of selectors as it is, or not (RFC 2409, section 5.5).
                narrows = profile.narrowsUnlessTold && end.options.ikeVersion == 2
                ike = end.proposal?.ike
                esp = end.proposal?.esp
                initiates = startup == .initiate
                version = end.options.ikeVersion
                localID = "\(end.ikeIdentity)".lowercased()
                remoteID = tunnel.peer(of: end).map { "\($0.ikeIdentity)".lowercased() }
                key = end.proposal?.presharedKey
            }
        }

        /// Where something stands and what: `site.conf:17 (ike=aes256-sha1;modp1024)`.
        func words(_ key: KeyPath<ConnectionTerms.Keys, String>, _ generated: String) -> String {
            guard let own else { return "the lab file (\(generated))" }
            let path = own.connection.terms.keys[keyPath: key]
            let name = path.split(separator: ".").last.map(String.init) ?? path
            guard let value = own.connection.settings[path] else { return "\(own.file) (no \(name))" }
            let line = own.connection.lines[path].map { ":\($0)" } ?? ""
            return "\(own.file)\(line) (\(name)=\(value))"
        }
    }

    /// Reports tunnels of one node whose users' own files give their policies the same mark or `if_id`: a kernel takes one policy for a
    /// selector and a number (ip-xfrm(8)).
    func checkNumbers(of tunnels: [Tunnel]) {
        let ends = tunnels.filter { !$0.isUnused }.flatMap { tunnel in tunnel.ends.map { (tunnel, $0) } }
        for (index, (tunnel, end)) in ends.enumerated() {
            guard end.own?.number != nil, case .interface(_, let kind, let number) = end.steering,
                let (other, _) = ends[..<index].first(where: { other in
                    guard case .interface(_, kind, number) = other.1.steering else { return false }
                    return other.1.node == end.node
                }),
                let spec = file.tunnels.first(where: { $0.name.value == tunnel.name })
            else { continue }
            let line = spec.ends.first { $0.node.value == end.node }?.configuration?.line ?? spec.name.line
            collector.error(
                line,
                "tunnels.\(tunnel.name): at \(end.node) it has the number \(number) of \(other.name), by which packets find their tunnel",
                "Give each its own: `mark=` or `ipsec-interface=` in an ipsec.conf, `if_id_in` and `if_id_out` in a swanctl.conf."
            )
        }
    }

    /// Reports ends whose daemon does not load what a user's file says. A boot script may load it yet.
    func checkLoading(of tunnels: [Tunnel], at nodes: [Node]) {
        let ends = tunnels.filter { !$0.isUnused }.flatMap { tunnel in tunnel.ends.map { (tunnel, $0) } }
        for (tunnel, end) in ends where nodes.first(where: { $0.name == end.node })?.boot == nil {
            let others = ends.map(\.1).filter { $0.node == end.node }
            guard let problem = end.keyDaemon.refusal(of: end, beside: others),
                let spec = file.tunnels.first(where: { $0.name.value == tunnel.name })
            else { continue }
            let line = spec.ends.first { $0.node.value == end.node }?.configuration?.line ?? spec.name.line
            collector.error(line, "tunnels.\(tunnel.name).ends.\(end.node): \(problem.message)", problem.remedy)
        }
    }

    /// Reports tunnels of one node between the same identities whose daemon keeps one IKE SA of such a pair: each ends the other.
    func checkUniqueness(of tunnels: [Tunnel]) {
        let ends = tunnels.filter { !$0.isUnused }.flatMap { tunnel in
            tunnel.ends.map { (tunnel: tunnel, end: $0, terms: $0.own?.terms) }
        }
        for (index, one) in ends.enumerated() {
            guard let terms = one.terms, let local = terms.localID, let remote = terms.remoteID,
                let other = ends[..<index].first(where: {
                    $0.end.node == one.end.node && $0.terms?.localID == local && $0.terms?.remoteID == remote
                }), let spec = file.tunnels.first(where: { $0.name.value == one.tunnel.name })
            else { continue }
            let line = spec.ends.first { $0.node.value == one.end.node }?.configuration?.line ?? spec.name.line
            guard terms.isUnique else {
                let both = [one, other]
                let minds = both.allSatisfy { side in
                    side.terms?.mindsInitialContact == true
                        && side.tunnel.peer(of: side.end)?.own?.terms.mindsInitialContact == true
                }
                if minds, both.allSatisfy({ $0.end.begins && !$0.end.waitsForTraffic }) {
                    collector.warning(
                        line,
                        "tunnels.\(one.tunnel.name): \(one.end.node) begins it and \(other.tunnel.name) at once with the same identities, \(local) and \(remote), each as the first contact with its peer, which then ends the other",
                        "Give each its own identities, or write `unique = never` in both connections of one end (swanctl.conf(5))."
                    )
                }
                continue
            }
            collector.warning(
                line,
                "tunnels.\(one.tunnel.name): at \(one.end.node) it has the identities of \(other.tunnel.name), \(local) and \(remote), of which its daemon keeps one IKE SA: the two are never up together",
                "Give each its own identities, or write `unique = never` (swanctl.conf(5)).")
        }
    }

    /// Reports a tunnel that a long silence ends for good.
    func checkComeback(of tunnel: Tunnel, _ spec: TunnelSpec) {
        let watchers = tunnel.ends.filter(tunnel.looksForSilence)
        guard !tunnel.isUnused, !watchers.isEmpty else { return }
        let line = spec.ends.lazy.compactMap(\.configuration?.line).first ?? spec.name.line
        let place = "tunnels.\(spec.name.value)"
        let begun = tunnel.ends.filter {
            tunnel.beginsAnew($0, isLost: tunnel.looksForSilence($0), version: DaemonVersions.triedWith($0.daemon))
        }
        if begun.isEmpty {
            let names = watchers.map(\.node).joined(separator: " and ")
            collector.warning(
                line,
                "\(place): a silence ends the tunnel for good: \(names) \(watchers.count == 1 ? "gives its peer" : "give their peers") up, and nobody begins anew",
                "Have one end begin again: `dpd-action: restart`; in a swanctl.conf `dpd_action = restart` with `keyingtries = 0`, or `start_action = trap`."
            )
        } else if let first = begun.first, begun.allSatisfy({ tunnel.looksForSilence($0) && $0.own?.attempts != nil }),
            let attempts = first.own?.attempts
        {
            collector.warning(
                line,
                "\(place): a long silence ends the tunnel for good: when \(first.node) has given its peer up, it asks \(attempts == 1 ? "once" : "\(attempts) times") more (keyingtries, 1 unless the file says otherwise), and then no more",
                "Write `keyingtries = 0` (swanctl.conf(5)).")
        }
    }

    /// Reports what keeps a tunnel with a user's own file from coming up, and what it is lost by later.
    func checkAgreement(of tunnel: Tunnel, _ spec: TunnelSpec) {
        guard !tunnel.isUnused else { return }
        let sides = tunnel.ends.map { Side($0, of: tunnel) }
        guard sides.count == 2 else { return }
        let (one, other) = (sides[0], sides[1])
        let line = spec.ends.lazy.compactMap(\.configuration?.line).first ?? spec.name.line
        let place = "tunnels.\(spec.name.value)"
        // That both ends of a lab file listen has been said.
        let isGenerated = sides.allSatisfy { $0.own == nil }
        let both = { (key: KeyPath<ConnectionTerms.Keys, String>, section: String) in
            "\(one.words(key, section)) and \(other.words(key, section))"
        }
        if !isGenerated, !one.initiates, !other.initiates {
            collector.error(
                line,
                "\(place): both ends wait for the other, so the tunnel never comes up: \(both(\.start, "`startup:`"))",
                "Have one of them begin: \(Set(sides.map(\.profile.startSetting)).sorted().joined(separator: ", or "))."
            )
        }
        if let ours = one.version, let theirs = other.version, ours != theirs {
            collector.error(
                line,
                "\(place): one end speaks IKEv\(ours) and the other IKEv\(theirs), so the tunnel never comes up: \(one.words(\.version, "IKEv\(ours)")) and \(other.words(\.version, "IKEv\(theirs)"))",
                "Give both the same version, 2 unless something old cannot.")
        }
        if let ours = one.ike, let theirs = other.ike, Set(ours).isDisjoint(with: theirs) {
            collector.error(
                line, "\(place): the ends have no proposal for IKE in common: \(both(\.ike, "`ike:`"))",
                "Give both the same one; else the responder answers NO_PROPOSAL_CHOSEN (RFC 7296, section 2.7).")
        }
        for side in sides {
            guard let own = side.own, case .own(let files) = side.end.configuration else { continue }
            let peer = sides.first { $0.end.node != side.end.node }
            checkMeans(of: side, peer, own.connection, files, line, place)
        }
        let modes = sides.map { $0.own?.connection.mode ?? tunnel.mode }
        if modes[0] != modes[1] {
            collector.error(
                line,
                "\(place): \(one.end.node) wants ESP in \(modes[0].rawValue) mode and \(other.end.node) in \(modes[1].rawValue) mode",
                "Give both the same one: `type=` in an ipsec.conf, `mode` in a swanctl.conf, `mode:` in the lab file.")
        }
        let cuts = sides.map { $0.own?.connection.terms.cutsSHA256 ?? false }
        if cuts[0] != cuts[1], let ours = one.esp, let theirs = other.esp,
            let esp = ours.first(where: { offer in theirs.contains { $0.algorithms == offer.algorithms } }),
            esp.algorithms.integrity == .sha2_256
        {
            collector.error(
                line,
                "\(place): \((cuts[0] ? one : other).end.node) cuts HMAC-SHA2-256 to 96 bits and \((cuts[0] ? other : one).end.node) does not, so each drops every packet of the other's",
                "Take `sha2-truncbug=yes` out of the ipsec.conf, `sha256_96 = yes` out of the swanctl.conf (RFC 4868, section 2.3)."
            )
        }
        let sequences = sides.map { side in
            side.own.map { $0.connection.terms.extendedSequences }
                ?? (side.end.options.hasExtendedSequence ?? side.profile.usualExtendedSequence).map { [$0] }
        }
        if !isGenerated, let ours = sequences[0], let theirs = sequences[1], ours.isDisjoint(with: theirs) {
            collector.error(
                line,
                "\(place): one end wants sequence numbers of 64 bits (ESN) and the other of 32, so the tunnel never comes up: \(both(\.esp, "`esp:`"))",
                "Give both the same: `esn` in a swanctl.conf's esp_proposals, `esn=` in an ipsec.conf, `esn:` in the lab file."
            )
        }
        checkESP(one, other, line, place, both(\.esp, "`esp:`"))
        checkSelectors(one, other, line, place)
        for (own, peer) in [(one, other), (other, one)] {
            guard let expected = own.remoteID, let said = peer.localID, expected != said else { continue }
            collector.error(
                line,
                "\(place): \(own.end.node) takes its peer for \(expected), \(own.words(\.remoteID, "its address outside")), and \(peer.end.node) calls itself \(said), \(peer.words(\.localID, "its address outside"))",
                "Give both the same identity; else the answer is AUTHENTICATION_FAILED (RFC 7296, section 2.21.2). An end behind NAT is to say the address that its peer knows it by."
            )
        }
        if let ours = one.key, let theirs = other.key, ours.reveal() != theirs.reveal() {
            collector.error(
                line, "\(place): the ends have different pre-shared keys",
                "Give both the same one; else the answer is AUTHENTICATION_FAILED (RFC 7296, section 2.21.2).")
        }
    }

    /// Reports what a user's own file asks for and its daemon cannot do, or not with this lab's secrets.
    private func checkMeans(
        of side: Side, _ peer: Side?, _ own: OwnConnection, _ files: ConnectionFiles, _ line: Int, _ place: String
    ) {
        let node = side.end.node
        let wanted =
            (own.terms.ike ?? []).flatMap { [KeyDaemonAlgorithm.ikeCipher($0.encryption), .group($0.group)] }
            + (own.terms.esp ?? []).compactMap { $0.group.map { .group($0) } }
        if let reason = wanted.lazy.compactMap(side.profile.reason).first {
            collector.error(
                line, "\(place): \(node) does not take \(side.words(\.ike, "")): \(reason)",
                "Take another in \(files.configurationName), or another daemon for \(node).")
        }
        if let keyless = own.terms.keyless {
            check(files.certificate, of: side.end, own, line) {
                collector.error(
                    line, "\(place): in \(files.configurationName) of \(node) the connection \(keyless)",
                    "Give the end what it signs with, `certificate: {file: CERTIFICATE, key: KEY, ca: CA}`, files in PEM beside the lab file; or write `authby=secret`, in a swanctl.conf `auth = psk`."
                )
            }
        } else if files.certificate != nil {
            collector.error(
                line,
                "\(place): in \(files.configurationName) of \(node) the connection authenticates by a pre-shared key",
                "Remove `certificate:` here, or write `authby=rsasig,ecdsa`, in a swanctl.conf `auth = pubkey`.")
        } else if let local = side.localID, let remote = side.remoteID ?? peer?.localID,
            side.profile.lacksKey(in: files, for: local, and: remote)
        {
            collector.error(
                line,
                "\(place): none of the secrets of \(node) is for \(local) or \(remote), so that it finds no key",
                "Name them in the secret (ipsec.secrets: `\(local) \(remote) : PSK \"…\"`; swanctl.conf: `id-1` in a section `ike…`): secrets go by identities, and by addresses only where those are the identities."
            )
        }
    }

    private func checkESP(_ one: Side, _ other: Side, _ line: Int, _ place: String, _ words: String) {
        guard let ours = one.esp, let theirs = other.esp else { return }
        let common = ours.filter { offer in theirs.contains { $0.algorithms == offer.algorithms } }
        guard !common.isEmpty else {
            collector.error(
                line, "\(place): the ends have no proposal for ESP in common: \(words)",
                "Give both the same one; else the responder answers NO_PROPOSAL_CHOSEN (RFC 7296, section 2.7).")
            return
        }
        if checkRenewal(one, other, common, line, place) { return }
        // The first child SA has no key exchange of its own; a renewal has, and there the groups must fit, none being one of them.
        guard !one.profile.renewsWithGroupOfIKE, !other.profile.renewsWithGroupOfIKE,
            !common.contains(where: { theirs.contains($0) })
        else { return }
        collector.warning(
            line,
            "\(place): the tunnel comes up and is lost at its first renewal, for the ends want different groups of perfect forward secrecy: \(words)",
            "Give both the same group, or none: a renewal without the wanted group is refused (RFC 7296, section 1.3.1)."
        )
    }

    /// Reports a tunnel that its first renewal ends because one end's daemon renews with the IKE SA's group, whatever its file says, and
    /// the other's wants another or none.
    ///
    /// - Parameter common: What one end offers for ESP and the other takes.
    /// - Returns: Whether one end's daemon is such a one and the other's is not.
    private func checkRenewal(
        _ one: Side, _ other: Side, _ common: [ESPProposal], _ line: Int, _ place: String
    ) -> Bool {
        guard one.profile.renewsWithGroupOfIKE != other.profile.renewsWithGroupOfIKE else { return false }
        let (fixed, free) = one.profile.renewsWithGroupOfIKE ? (one, other) : (other, one)
        // That of two ends that netlab writes is said where their groups stand.
        guard one.own != nil || other.own != nil, one.version == 2 || other.version == 2,
            let offers = fixed.ike, let takes = free.ike, let wanted = free.esp
        else { return true }
        let groups = Set(offers.filter(takes.contains).map(\.group))
        let hasExchange = fixed.own?.connection.terms.hasForwardSecrecy ?? (common.first?.group != nil)
        guard groups.count == 1 || !hasExchange else { return true }
        let group = hasExchange ? groups.first : nil
        let fits = wanted.contains { proposal in
            proposal.group == group && common.contains { $0.algorithms == proposal.algorithms }
        }
        guard !fits else { return true }
        let told = { (group: DiffieHellmanGroup?) in group.map { "group \($0.number)" } ?? "no group" }
        let renewed = group == nil ? "without a key exchange" : "with \(told(group)), the IKE SA's,"
        let listed = Set(wanted.map { told($0.group) }).sorted().joined(separator: " or ")
        collector.warning(
            line,
            "\(place): the tunnel comes up, and its first renewal is refused: \(fixed.profile.product) at \(fixed.end.node) renews \(renewed) whatever `esp=` says, and \(free.profile.product) at \(free.end.node) takes \(listed): \(free.words(\.esp, "`esp:`"))",
            "Give \(free.end.node) \(group.map { "group \($0.number) for ESP" } ?? "no group for ESP")\(group == nil ? "" : ", or write `pfs=no` at \(fixed.end.node) and no group at \(free.end.node)")."
        )
        return true
    }

    private func checkSelectors(_ one: Side, _ other: Side, _ line: Int, _ place: String) {
        // A generated end that names none has all.
        let known = { (side: Side) in side.own == nil ? side.end.selectors : side.end.wantedSelectors }
        guard let ours = known(one), let theirs = known(other)?.map(\.mirrored) else { return }
        let isSame = Set(ours) == Set(theirs)
        for (side, peer) in [(one, other), (other, one)] {
            guard let count = side.own?.connection.mostPairsInChild, count > 1, peer.profile.hasConnectionForEachChild
            else {
                continue
            }
            collector.error(
                line,
                "\(place): \(side.end.node) wants \(count) pairs of selectors in one child SA, and \(peer.profile.product) at \(peer.end.node) takes one pair in each (measured with \(peer.profile.measuredVersion)): only the first comes up",
                "Give \(side.end.node) a child for each pair (swanctl.conf(5), `children`).")
            return
        }
        let generated = { (side: Side, wanted: KeyPath<SelectorPair, IPPrefix>) in
            side.end.selectors.map { $0[keyPath: wanted].isDefault ? "all addresses" : "\($0[keyPath: wanted])" }
                .joined(separator: ", ")
        }
        let pairs: [(ours: KeyPath<SelectorPair, IPPrefix>, words: String)] = [
            (
                \.local,
                "\(one.words(\.local, generated(one, \.local))) and \(other.words(\.remote, generated(other, \.remote)))"
            ),
            (
                \.remote,
                "\(one.words(\.remote, generated(one, \.remote))) and \(other.words(\.local, generated(other, \.local)))"
            ),
        ]
        let common = Set(ours).intersection(theirs)
        if !isSame, !common.isEmpty, one.profile.hasConnectionForEachChild, other.profile.hasConnectionForEachChild {
            let alone = [(one, ours), (other, theirs)].flatMap { side, pairs in
                pairs.filter { !common.contains($0) }.map { "\($0.local) with \($0.remote) only at \(side.end.node)" }
            }
            collector.warning(
                line,
                "\(place): the ends have not the same pairs of selectors, each of which is negotiated by itself: \(alone.joined(separator: ", "))",
                "Give both the same, each the other way round; else the responder refuses what it has not (TS_UNACCEPTABLE; RFC 7296, section 2.9)."
            )
            return
        }
        let areApart = !ours.contains { own in theirs.contains { $0.intersection(own) != nil } }
        let differing = pairs.filter { side in
            Set(ours.map { $0[keyPath: side.ours] }) != Set(theirs.map { $0[keyPath: side.ours] })
        }
        // Protocols, ports or the pairing differ where the prefixes do not.
        let told = { (side: Side) in
            "\(side.end.node) (\((side.end.selectors).map(\.description).sorted().joined(separator: ", ")))"
        }
        let pairing = (
            pairs[0].ours, words: "\(told(one)) and \(told(other)), in protocols, ports or which goes with which"
        )
        for (_, words) in isSame ? [] : differing.isEmpty ? [pairing] : differing {
            if areApart || (!one.narrows && !other.narrows) {
                collector.error(
                    line, "\(place): the ends' selectors differ: \(words)",
                    "Give both the same \(differing.isEmpty ? "protocols and ports" : "prefixes"), each the other way round; else the responder answers TS_UNACCEPTABLE (RFC 7296, section 2.9)."
                )
            } else if let strict = [one, other].first(where: { !$0.narrows }) {
                // Such an end takes a narrower question as it is, and no narrower answer.
                let peers = (strict.end.node == one.end.node ? theirs : ours.map(\.mirrored))
                let isWider = strict.end.selectors.contains { pair in !peers.contains { $0.intersection(pair) == pair }
                }
                let peer = strict.end.node == one.end.node ? other : one
                if isWider || !strict.initiates {
                    collector.error(
                        line,
                        strict.initiates
                            ? "\(place): the ends' selectors differ, and \(strict.profile.product) at \(strict.end.node) takes no narrower answer: \(words)"
                            : "\(place): the ends' selectors differ, and \(strict.profile.product) at \(strict.end.node), which \(peer.end.node) asks, takes none but its own: \(words)",
                        "Give both the same \(differing.isEmpty ? "protocols and ports" : "prefixes"), each the other way round; or in an ipsec.conf `narrowing=yes`."
                    )
                } else {
                    collector.warning(
                        line,
                        "\(place): the ends' selectors differ, and only one end takes a part for the whole: \(words)",
                        "Give both the same prefixes, or expect part of the traffic not to pass (RFC 7296, section 2.9)."
                    )
                }
            } else if one.narrows, other.narrows {
                collector.warning(
                    line, "\(place): the ends' selectors differ, and the tunnel takes what both have: \(words)",
                    "Give both the same prefixes, or expect the rest of the traffic not to pass (RFC 7296, section 2.9)."
                )
            }
        }
    }
}
