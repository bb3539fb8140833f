import Daemons
import LabModel

extension Tunnel {
    /// What it makes of a packet's length; nil where its algorithms are not known.
    public var espEncapsulation: ESPEncapsulation? {
        guard let algorithms,
            let transform = try? ESPOverhead(cipher: algorithms.encryption.cipher, integrity: algorithms.integrity),
            let end = ends.first
        else { return nil }
        let family: EncapsulationFamily = if case .v4 = end.localAddress { .ipv4 } else { .ipv6 }
        return ESPEncapsulation(transform: transform, mode: mode, family: family, isUDPEncapsulated: isUDPEncapsulated)
    }
}
