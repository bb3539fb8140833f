import Daemons
import LabModel

extension Tunnel {
    /// Something that keeps its ends from taking each other's certificates.
    public struct CertificateProblem: Hashable, Sendable {
        /// Of ``Tunnel/ends``, the one whose certificate it is about.
        public let end: Int
        public let message: String
        public let remedy: String
    }

    /// What keeps its ends from taking each other's certificates, each thing once.
    ///
    /// - Parameter date: The lab's, in seconds since 1970.
    public func certificateProblems(at date: Int64) -> [CertificateProblem] {
        let uses = ends.map(\.certificate)
        guard uses.count == 2, let some = uses.firstIndex(where: { $0 != nil }) else { return [] }
        guard let ours = uses[0], let theirs = uses[1] else { return lone(some) }
        if let problem = unknownSignature(Set([ours.family, theirs.family])) ?? olderVersion { return [problem] }
        let made = uses.map { $0?.isMade }
        if made[0] != made[1] {
            let (own, other) = made[0] == true ? (1, 0) : (0, 1)
            let problem = CertificateProblem(
                end: other,
                message:
                    "\(ends[other].node) would have a certificate by the lab's own CA, which the files of \(ends[own].node) cannot know: it is made when the lab comes up",
                remedy: "Give both ends files, or neither.")
            return [problem]
        }
        return [(0, ours, theirs), (1, theirs, ours)].compactMap { end, own, peer in
            guard case .files(_, _, let known) = own.origin, case .files(let shown, _, _) = peer.origin,
                let objection = own.objection(to: peer, at: date)
            else { return nil }
            return CertificateProblem(
                end: end,
                message: "\(ends[end].node) does not take its peer's \(shown) by what is in \(known): \(objection)",
                remedy: "Put the certificate of the CA that signed \(shown) into \(known), which may have several.")
        }
    }

    /// Where one end alone has a certificate; that a user's own file wants one and has none is said elsewhere.
    private func lone(_ end: Int) -> [CertificateProblem] {
        let peer = ends[1 - end]
        if case .own = peer.configuration {
            guard let own = peer.own, own.terms.keyless == nil else { return [] }
            let problem = CertificateProblem(
                end: end,
                message:
                    "\(ends[end].node) authenticates by certificate, and the file of \(peer.node) by a pre-shared key",
                remedy:
                    "Have both do the same: `authby=rsasig,ecdsa` in an ipsec.conf, `auth = pubkey` in a swanctl.conf.")
            return [problem]
        }
        let problem = CertificateProblem(
            end: end,
            message: "\(ends[end].node) authenticates by certificate and \(peer.node) by a pre-shared key",
            remedy: "Write `certificate:` for both ends, or `psk:`.")
        return [problem]
    }

    /// Each end signs with its own key and checks with the other's.
    private func unknownSignature(_ families: Set<CertificateKeyFamily>) -> CertificateProblem? {
        for (index, end) in ends.enumerated() {
            for family in families.sorted(by: { $0.rawValue < $1.rawValue }) {
                guard let reason = end.keyDaemon.reason(against: .signature(family)) else { continue }
                let able = DaemonRegistry.keyDaemons.first { $0.reason(against: .signature(family)) == nil }
                let other = able.map { "; or have \(end.node) run \($0.product), which has it: `ike: \($0.keyword)`" }
                return CertificateProblem(
                    end: index,
                    message: "\(end.node) would have to sign or to check with \(family.rawValue): \(reason)",
                    remedy: "Take an ECDSA or RSA key at both ends\(other ?? "").")
            }
        }
        return nil
    }

    private var olderVersion: CertificateProblem? {
        guard let index = ends.firstIndex(where: { $0.proposal != nil && $0.options.ikeVersion == 1 }) else {
            return nil
        }
        return CertificateProblem(
            end: index, message: "with IKEv1 netlab configures no certificates",
            remedy: "Leave `ike-version:` out, or write `psk:`, or bring files of your own.")
    }
}

extension CertificateUse {
    fileprivate var isMade: Bool { if case .made = origin { true } else { false } }
}
