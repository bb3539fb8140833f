/// What a generated end of a tunnel is told beside its proposals; nil leaves it to the daemon.
public struct TunnelOptions: Hashable, Sendable, Codable {
    /// 1 (RFC 2409) or 2 (RFC 7296).
    public var ikeVersion = 2
    /// Whether IKEv1 begins in aggressive mode, which tells the identities in clear (RFC 2409, section 5.4).
    public var isAggressive = false
    /// Whether ESP is put into UDP where no NAT asks for it.
    public var forcesEncapsulation = false
    /// How many numbers behind the highest one are still taken, from 0 for no check (RFC 4303, section 3.4.3).
    public var replayWindow: Int?
    /// Whether sequence numbers have 64 bits (RFC 4303, section 2.2.1).
    public var hasExtendedSequence: Bool?
    /// Whether messages of IKE are divided that are longer than a packet (RFC 7383).
    public var fragmentsIKE: Bool?
    /// Whether the tunnel may move to another address (MOBIKE, RFC 4555).
    public var moves = false
    /// How long before its end an SA is renewed.
    public var rekeyMargin: Duration?

    public init() {}
}
