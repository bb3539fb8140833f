import Daemons
import LabModel

/// An algorithm that a lab file asks for, with the place where it does.
struct AlgorithmChoice {
    let algorithm: KeyDaemonAlgorithm
    let line: Int
    /// The key's path in the file, as `tunnels.main.ike`.
    let path: String
}

extension KeyDaemonAlgorithm {
    /// What nearly every peer takes instead.
    fileprivate var alternative: String {
        switch self {
        case .ikeCipher: "Take aes-256-cbc or aes-256-gcm-16; under `esp:` any of them will do"
        case .signature: "Take an ECDSA or RSA key"
        case .group: "Take group 14 or higher, as any peer of today does"
        }
    }
}

extension TopologyResolver {
    /// Reports tunnels of a node that would give a peer up after different times, where its daemon has one schedule for all.
    func checkRepetitions() {
        for node in file.nodes {
            let daemon = daemon(of: node.name.value)
            guard daemon.hasOneSchedule else { continue }
            let own = keySettings(of: node, place: "nodes.\(node.name.value)").flatMap { text in
                try? daemon.readSettings(text).get().retransmission
            }
            var first: (tunnel: String, patience: Duration)?
            for spec in file.tunnels {
                let end = spec.ends.first { $0.node.value == node.name.value && $0.configuration == nil }
                guard let end, let patience = (end.deadPeerDetection ?? spec.deadPeerDetection)?.patience else {
                    continue
                }
                if let own {
                    guard own.patience != patience, let settings = node.keySettings else { continue }
                    collector.warning(
                        spec.name.line,
                        "tunnels.\(spec.name.value).dpd: \(node.name.value) repeats its questions for \(patience.shortText) here and for \(own.patience.shortText) in \(settings.value), which counts",
                        "Make `timeout` less `delay` \(own.patience.shortText), or mend the file.")
                    continue
                }
                guard let first else {
                    first = (spec.name.value, patience)
                    continue
                }
                guard patience != first.patience else { continue }
                collector.error(
                    spec.name.line,
                    "tunnels.\(spec.name.value).dpd: \(daemon.id) at \(node.name.value) repeats its questions for \(patience.shortText) here and for \(first.patience.shortText) in \(first.tunnel)",
                    "\(daemon.product) has one setting for all tunnels of a node: give both the same time from delay to timeout."
                )
            }
        }
    }

    /// Reports a group of perfect forward secrecy that one end would insist on and the other does not use, as it renews a child SA with
    /// the group of its IKE SA. Two daemons of that kind agree, and so the tunnel works.
    mutating func checkForwardSecrecy(of spec: TunnelSpec) {
        // Quick mode has its own exchange at once (RFC 2409, section 5.5).
        guard spec.options.over(TunnelOptions()).ikeVersion == 2 else { return }
        let own = spec.ends.first { end in
            end.configuration == nil && daemon(of: end.node.value).renewsWithGroupOfIKE
        }
        let other = spec.ends.first { !daemon(of: $0.node.value).renewsWithGroupOfIKE }
        guard let own, let other, let ike = (own.proposal.ike ?? spec.proposal.ike)?.proposals.first?.group,
            daemon(of: own.node.value).reason(against: .group(ike)) == nil,
            // Users' own files are compared by what they say.
            other.configuration == nil, let phase = other.proposal.esp ?? spec.proposal.esp,
            let esp = phase.proposals.first?.group, ike != esp, let choice = phase.algorithms.first
        else { return }
        collector.error(
            choice.line,
            "\(choice.path): the first renewal fails: \(daemon(of: own.node.value).product) at \(own.node.value) renews with the IKE SA's group \(ike.number) whatever this says, and \(daemon(of: other.node.value).product) at \(other.node.value) insists on group \(esp.number)",
            "Take `pfs-group: \(ike.number)`, or none, or the same daemon at both ends.")
    }

    /// Reports each algorithm of a generated tunnel that the daemon at one of its ends lacks.
    mutating func checkAlgorithms(of spec: TunnelSpec) {
        var reported: Set<Int> = []
        for end in spec.ends where end.configuration == nil {
            let node = end.node.value
            let choices =
                ((end.proposal.ike ?? spec.proposal.ike)?.algorithms ?? [])
                + ((end.proposal.esp ?? spec.proposal.esp)?.algorithms ?? [])
            for choice in choices {
                guard let reason = daemon(of: node).reason(against: choice.algorithm),
                    reported.insert(choice.line).inserted
                else { continue }
                let able = DaemonRegistry.keyDaemons.first { $0.reason(against: choice.algorithm) == nil }
                let other = able.map { "; or have \(node) run \($0.product), which has it: `ike: \($0.keyword)`" } ?? ""
                collector.error(
                    choice.line, "\(choice.path): \(reason)", "\(choice.algorithm.alternative)\(other).")
            }
        }
    }
}
