import CLibcrypto
import LabModel
import NetworkTypes

extension Topology {
    /// Makes the keys of all WireGuard tunnels, by libcrypto's random numbers (RAND_bytes(3)): they are new for each lab, and in no file.
    ///
    /// - Throws: ``CertificateError``.
    public mutating func makeWireGuardKeys() throws(CertificateError) {
        for tunnel in plainTunnels.indices where plainTunnels[tunnel].kind.isWireGuard {
            let pairs = [try X25519Pair(), try X25519Pair()]
            let preshared = KeyMaterial(try X25519Pair().privateKey)
            for (end, (own, peer)) in zip(plainTunnels[tunnel].ends.indices, zip(pairs, pairs.reversed())) {
                guard let options = plainTunnels[tunnel].ends[end].wireGuard else { continue }
                plainTunnels[tunnel].ends[end].wireGuard?.keys = WireGuardKeys(
                    privateKey: KeyMaterial(own.privateKey), peer: KeyMaterial(peer.publicKey),
                    preshared: options.hasPresharedKey ? preshared : nil)
            }
        }
    }
}

/// A private and a public key of 32 bytes each (RFC 7748, section 6.1).
struct X25519Pair {
    let privateKey: [UInt8]
    let publicKey: [UInt8]

    /// Makes a pair.
    init() throws(CertificateError) {
        _ = Libcrypto.isReady
        guard let key = netlab_make_x25519() else { throw .last("no key of X25519 could be made") }
        defer { EVP_PKEY_free(key) }
        var own = [UInt8](repeating: 0, count: 32)
        var other = own
        var lengths = (own.count, other.count)
        guard EVP_PKEY_get_raw_private_key(key, &own, &lengths.0) == 1,
            EVP_PKEY_get_raw_public_key(key, &other, &lengths.1) == 1, lengths == (32, 32)
        else { throw .last("a key of X25519 could not be read") }
        privateKey = own
        publicKey = other
    }
}
