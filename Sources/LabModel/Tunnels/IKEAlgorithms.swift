/// What the IKE SA of a tunnel is protected with (RFC 7296, section 3.3.2).
public struct IKEAlgorithms: Hashable, Sendable, CustomStringConvertible {
    public let encryption: EncryptionAlgorithm
    /// Integrity algorithm and pseudo-random function; for an AEAD the latter alone.
    public let hash: IntegrityAlgorithm
    public let group: DiffieHellmanGroup

    public init(encryption: EncryptionAlgorithm, hash: IntegrityAlgorithm, group: DiffieHellmanGroup) {
        self.encryption = encryption
        self.hash = hash
        self.group = group
    }

    public var description: String { "\(encryption.rawValue), \(hash.rawValue), group \(group.number)" }
}
