import NetworkTypes
import Providers

/// A lab to begin with: two sides, a gateway and a host at each, and tunnels between them.
public struct LabDraft: Sendable {
    /// A provider's part of the lab, or a site of the user's own.
    public struct Side: Sendable {
        /// The cloud's name in the lab file.
        let name: String
        /// Nil for a site.
        let provider: Provider?

        /// - Parameter provider: Nil for a site.
        public init(name: String, provider: Provider?) {
            self.name = name
            self.provider = provider
        }
    }

    /// What leads packets into the tunnels.
    public enum Routing: Sendable {
        /// Routes that come and go with their tunnel.
        case fixed
        case bgp
        /// Policies alone, of one tunnel.
        case policies
    }

    let name: String
    /// Two; the first begins the negotiations.
    let sides: [Side]
    let tunnels: Int
    let routing: Routing

    /// - Parameters:
    ///   - sides: Two of different names; a site comes first, for providers' gateways wait to be asked.
    ///   - tunnels: 1 to ``mostTunnels``; one with policies.
    public init(name: String, sides: [Side], tunnels: Int, routing: Routing) {
        self.name = name
        self.sides = sides.filter { $0.provider == nil } + sides.filter { $0.provider != nil }
        self.tunnels = tunnels
        self.routing = routing
    }

    public static let mostTunnels = 8

    /// Texts of lab files, the one that keeps most to what providers set by themselves first: which of them all rules allow, resolving
    /// tells.
    public var candidates: some Sequence<String> {
        Proposal.all.lazy.flatMap { proposal in
            sizes.lazy.flatMap { mtu in
                timers.lazy.map { text(proposal, mtu: mtu, timers: $0) }
            }
        }
    }

    // MARK: What there is to choose

    struct Proposal {
        let ike: String
        let esp: String

        /// What most providers and both IKE daemons have comes first.
        static let all = [
            Proposal(
                ike: "encryption: aes-256-cbc, integrity: sha2-256, group: 14",
                esp: "encryption: aes-256-cbc, integrity: sha2-256, pfs-group: 14"),
            Proposal(
                ike: "encryption: aes-256-cbc, integrity: sha2-384, group: 20",
                esp: "encryption: aes-256-gcm-16, pfs-group: 20"),
            Proposal(
                ike: "encryption: aes-256-cbc, integrity: sha2-384, group: 14",
                esp: "encryption: aes-256-gcm-16, pfs-group: 14"),
            Proposal(
                ike: "encryption: aes-256-cbc, integrity: sha2-384, group: 5",
                esp: "encryption: aes-256-gcm-16, pfs-group: 5"),
            Proposal(
                ike: "encryption: aes-256-cbc, integrity: sha2-256, group: 14",
                esp: "encryption: aes-256-cbc, integrity: sha1, pfs-group: 14"),
        ]
    }

    /// MTUs of the tunnels' interfaces: what a provider sets by itself, and what ESP leaves of 1500 bytes.
    private var sizes: [Int] {
        let standards = sides.compactMap { $0.provider?.standard(.tunnelMTU) }.compactMap { Int($0.value) }
        let least = standards.min() ?? Self.usualMTU
        return [least] + [1438, 1422, Self.usualMTU].filter { $0 < least }
    }

    /// ESP with any usual algorithms, in UDP or not, leaves that much of 1500 bytes.
    private static let usualMTU = 1400

    /// Keepalive and hold time that both speakers get; nil for what each has by itself.
    private var timers: [(keepalive: Duration, hold: Duration)?] {
        guard routing == .bgp else { return [nil] }
        let known = sides.compactMap { side -> (keepalive: Duration, hold: Duration)? in
            guard let keepalive = side.provider?.standard(.bgpKeepalive)?.duration,
                let hold = side.provider?.standard(.bgpHold)?.duration
            else { return nil }
            return (keepalive, hold)
        }
        return [nil] + known.sorted { $0.hold > $1.hold }.map { $0 }
    }
}
