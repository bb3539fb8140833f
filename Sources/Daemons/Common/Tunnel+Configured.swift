import LabModel
import NetworkTypes

extension Tunnel {
    /// The algorithms of its ESP packets, as configured; nil where the user's own files leave them open.
    public var algorithms: ESPAlgorithms? {
        if let esp = proposal?.esp { return ESPAlgorithms(encryption: esp.encryption, integrity: esp.integrity) }
        return ownParameters.lazy.compactMap { $0["phase2alg"] ?? $0["esp"] }.first.flatMap(
            ESPAlgorithms.init(libreswan:)) ?? ownConnections.lazy.compactMap(\.espAlgorithms).first
    }

    /// Whether its ESP rides in UDP: as soon as one end is behind NAT (RFC 7296, section 2.23), or when it is forced to.
    public var isUDPEncapsulated: Bool {
        ends.contains { $0.localAddress != $0.identity }
            || ownParameters.contains {
                ["yes", "on", "true"].contains($0["encapsulation"]) || $0["forceencaps"] == "yes"
            }
            || ownConnections.contains(where: \.forcesEncapsulation)
    }

    /// How long its IKE SA and its ESP associations last; nil where the user's own files leave that to the daemon.
    public var lifetimes: (ike: Duration, esp: Duration)? {
        if let proposal { return (proposal.ike.lifetime, proposal.esp.lifetime) }
        let swanctl = ownConnections.map(\.lifetimes)
        let longest = { (names: [String]) in
            self.ownParameters.compactMap { parameters in
                names.lazy.compactMap { parameters[$0] }.first.flatMap(Self.lifetime)
            }.max()
        }
        let ike = [longest(["ikelifetime"]), swanctl.map(\.ike).max()].compactMap { $0 }.max()
        let esp = [longest(["salifetime", "keylife", "lifetime"]), swanctl.map(\.esp).max()].compactMap { $0 }.max()
        guard let ike, let esp else { return nil }
        return (ike, esp)
    }

    /// A bare number is one of seconds.
    private static func lifetime(_ text: String) -> Duration? {
        Duration(text: text) ?? Duration(text: text + "s")
    }

    /// The connections of the ends that bring their own swanctl.conf.
    var ownConnections: [SwanctlConnection] { ends.compactMap(\.swanctlConnection) }

    /// The parameters of the ends that bring their own ipsec.conf.
    var ownParameters: [[String: String]] {
        ends.compactMap { end in
            guard case .own(let files) = end.configuration, end.daemon == .libreswan else { return nil }
            return IpsecConf(files.configuration)[connection: end.connection]
        }
    }
}

extension Tunnel {
    /// The algorithms of its IKE SA, as configured; nil where the user's own files leave them open.
    public var ikeAlgorithms: IKEAlgorithms? {
        if let ike = proposal?.ike {
            return IKEAlgorithms(encryption: ike.encryption, hash: ike.integrity, group: ike.group)
        }
        return ownParameters.lazy.compactMap { $0["ike"] }.first.flatMap(IKEAlgorithms.init(libreswan:))
            ?? ownConnections.lazy.compactMap(\.ikeAlgorithms).first
    }
}
