import LabModel

/// An algorithm that a lab file asks for, with the place where it does.
struct AlgorithmChoice {
    enum Algorithm: Hashable {
        /// A cipher for the IKE SA itself.
        case ikeCipher(EncryptionAlgorithm)
        case group(DiffieHellmanGroup)
    }

    let algorithm: Algorithm
    let line: Int
    /// The key's path in the file, as `tunnels.main.ike`.
    let path: String
}

extension IKEDaemon {
    /// Why this daemon, as Debian builds it, cannot use an algorithm, as the end of a sentence; nil where it can.
    ///
    /// Measured with `ipsec algparse` of libreswan 4.10-2+deb12u1 and `swanctl --list-algs` of strongSwan 5.9.8-5+deb12u6 with
    /// the plugins that netlab has it load.
    func reasonAgainst(_ algorithm: AlgorithmChoice.Algorithm) -> String? {
        switch (self, algorithm) {
        case (_, .ikeCipher(.null)): "\(title) does not protect IKE with null"
        case (.libreswan, .ikeCipher(let encryption)):
            encryption.cipher.isCCM ? "libreswan does not protect IKE with \(encryption.rawValue)" : nil
        case (.libreswan, .group(let group)):
            group.number == 2 ? "group 2 (modp1024) is not in Debian's libreswan: it is built without it" : nil
        case (.strongswan, _): nil
        }
    }
}

extension Cipher {
    fileprivate var isCCM: Bool { self == .aesCCM8 || self == .aesCCM12 || self == .aesCCM16 }
}

extension AlgorithmChoice.Algorithm {
    /// What nearly every peer takes instead.
    fileprivate var alternative: String {
        switch self {
        case .ikeCipher: "Take aes-256-cbc or aes-256-gcm-16; under `esp:` any of them will do"
        case .group: "Take group 14 or higher, as any peer of today does"
        }
    }
}

extension TopologyResolver {
    /// Reports tunnels of a strongSwan node that would give a peer up after different times: charon has one schedule of
    /// repetitions for all.
    func checkRepetitions() {
        for node in file.nodes where node.ike == .strongswan {
            var first: (tunnel: String, patience: Duration)?
            for spec in file.tunnels {
                let end = spec.ends.first { $0.node.value == node.name.value && $0.configuration == nil }
                guard let end, let patience = (end.deadPeerDetection ?? spec.deadPeerDetection)?.patience else {
                    continue
                }
                guard let first else {
                    first = (spec.name.value, patience)
                    continue
                }
                guard patience != first.patience else { continue }
                collector.error(
                    spec.name.line,
                    "tunnels.\(spec.name.value).dpd: charon at \(node.name.value) repeats its questions for \(patience.shortText) here and for \(first.patience.shortText) in \(first.tunnel)",
                    "strongSwan has one setting for all tunnels of a node: give both the same time from delay to timeout."
                )
            }
        }
    }

    /// Reports a group of perfect forward secrecy that strongSwan would insist on and libreswan does not use.
    ///
    /// libreswan renews a child SA with the group of its IKE SA whatever its `esp=` says, since 4.5 (its issues 1265 and 1347);
    /// measured with 4.10. Two libreswans agree on that, and so the tunnel works.
    mutating func checkForwardSecrecy(of spec: TunnelSpec) {
        guard let ike = spec.ike?.group, let esp = spec.esp?.group, ike != esp,
            IKEDaemon.libreswan.reasonAgainst(.group(ike)) == nil,
            let libreswan = spec.ends.first(where: {
                $0.configuration == nil && daemon(of: $0.node.value) == .libreswan
            }),
            let strongSwan = spec.ends.first(where: { daemon(of: $0.node.value) == .strongswan }),
            let choice = spec.algorithms.last
        else { return }
        collector.error(
            choice.line,
            "\(choice.path): the first renewal fails: libreswan at \(libreswan.node.value) renews with the IKE SA's group \(ike.number) whatever this says, and strongSwan at \(strongSwan.node.value) insists on group \(esp.number)",
            "Take `pfs-group: \(ike.number)`, or none, or the same daemon at both ends.")
    }

    /// Reports each algorithm of a generated tunnel that the daemon at one of its ends lacks.
    mutating func checkAlgorithms(of spec: TunnelSpec) {
        for choice in spec.algorithms {
            for end in spec.ends where end.configuration == nil {
                let node = end.node.value
                guard let reason = daemon(of: node).reasonAgainst(choice.algorithm) else { continue }
                let able = IKEDaemon.allCases.first { $0.reasonAgainst(choice.algorithm) == nil }
                let other = able.map { "; or have \(node) run \($0.title), which has it: `ike: \($0.rawValue)`" } ?? ""
                collector.error(
                    choice.line, "\(choice.path): \(reason)", "\(choice.algorithm.alternative)\(other).")
                break
            }
        }
    }
}
