/// What one end of a WireGuard tunnel is set to.
public struct WireGuardOptions: Hashable, Sendable, Codable {
    /// UDP's port, at both ends.
    public let port: UInt16
    /// How many seconds of silence pass before an end sends a keepalive of its own accord; nil for never.
    public let keepalive: UInt16?
    public let hasPresharedKey: Bool
    /// Nil until the lab is brought up: they are made anew for each lab.
    public var keys: WireGuardKeys?

    /// Those at which captures are read as WireGuard; the first is the one that wg(8)'s examples have.
    public static let ports: ClosedRange<UInt16> = 51820...51835

    public init(
        port: UInt16 = WireGuardOptions.ports.lowerBound, keepalive: UInt16? = nil, hasPresharedKey: Bool = false
    ) {
        self.port = port
        self.keepalive = keepalive
        self.hasPresharedKey = hasPresharedKey
    }
}

/// The keys of one end of a WireGuard tunnel: 32 bytes each (X25519, RFC 7748).
public struct WireGuardKeys: Hashable, Sendable, Codable {
    public let privateKey: KeyMaterial
    /// The public key of the other end.
    public let peer: KeyMaterial
    /// The same at both ends; nil for none.
    public let preshared: KeyMaterial?

    public init(privateKey: KeyMaterial, peer: KeyMaterial, preshared: KeyMaterial?) {
        self.privateKey = privateKey
        self.peer = peer
        self.preshared = preshared
    }
}
