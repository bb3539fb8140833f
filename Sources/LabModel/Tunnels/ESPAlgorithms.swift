import NetworkTypes

/// What ESP packets are protected with.
public struct ESPAlgorithms: Hashable, Sendable, Codable, CustomStringConvertible {
    public var encryption: EncryptionAlgorithm
    /// Nil for encryption that authenticates by itself.
    public let integrity: IntegrityAlgorithm?

    public init(encryption: EncryptionAlgorithm, integrity: IntegrityAlgorithm?) {
        self.encryption = encryption
        self.integrity = integrity
    }

    public var description: String {
        ([encryption.rawValue] + [integrity?.rawValue].compactMap { $0 }).joined(separator: " with ")
    }
}
