import LabModel
import NetworkTypes

// What a tunnel is configured to do, whether netlab or its users wrote that.
extension Tunnel {
    /// The algorithms of its ESP packets, as configured; nil where the user's own files leave them open.
    public var algorithms: ESPAlgorithms? {
        if let esp = proposal?.esp { return ESPAlgorithms(encryption: esp.encryption, integrity: esp.integrity) }
        return ends.lazy.compactMap(\.own?.esp).first
    }

    /// The algorithms of its IKE SA, as configured; nil where the user's own files leave them open.
    public var ikeAlgorithms: IKEAlgorithms? {
        if let ike = proposal?.ike {
            return IKEAlgorithms(encryption: ike.encryption, hash: ike.integrity, group: ike.group)
        }
        return ends.lazy.compactMap(\.own?.ike).first
    }

    /// Whether its ESP rides in UDP: as soon as one end is behind NAT (RFC 7296, section 2.23), or when it is forced to.
    public var isUDPEncapsulated: Bool {
        ends.contains { $0.localAddress != $0.identity || $0.own?.forcesEncapsulation ?? false }
    }

    /// How long its IKE SA and its ESP associations last; nil where the user's own files leave that to the daemon.
    public var lifetimes: (ike: Duration, esp: Duration)? {
        if let proposal { return (proposal.ike.lifetime, proposal.esp.lifetime) }
        let own = ends.compactMap(\.own)
        guard let ike = own.compactMap(\.ikeLifetime).max(), let esp = own.compactMap(\.espLifetime).max() else {
            return nil
        }
        return (ike, esp)
    }
}
