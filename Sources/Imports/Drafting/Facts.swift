import LabModel
import NetworkTypes

/// A gateway as inputs tell of it: a provider's, or the customer's.
struct GatewayFacts {
    /// What tunnels name it by, once in all inputs.
    let key: String
    /// What the lab file calls it, where nothing else is called so; anything, and made fit for a name later.
    var name: String
    var title: String
    /// Nil for a site.
    var provider: String?
    /// The place of what describes it.
    var origin: Origin
    var asn: Sourced<UInt32>?
    /// What is behind it.
    var networks: [Sourced<IPPrefix>] = []
    /// The word of the lab file for the IKE daemon that it has to run; nil for any.
    var daemon: String?
    /// The same for the one that its configuration is meant for, where another one will do as well.
    var daemonMeant: String?
}

/// What one phase of a negotiation may use, as a list of each part, which all combinations are taken of.
struct PhaseFacts {
    var encryption: [Sourced<String>] = []
    /// Also the pseudo-random function of IKE.
    var integrity: [Sourced<String>] = []
    /// Of phase 2: perfect forward secrecy.
    var groups: [Sourced<String>] = []
    var lifetime: Sourced<Int>?
    /// Of phase 2: whether it is said that there is no perfect forward secrecy.
    var hasNoGroup = false
    /// Lists that follow this one, each with combinations of its own.
    var alternatives: [PhaseFacts] = []

    var isEmpty: Bool { encryption.isEmpty && integrity.isEmpty && groups.isEmpty }
}

/// A connection in a user's own file.
struct OwnEndFacts {
    /// The names of the copies in the lab's directory.
    let configuration: String
    var secrets: String?
    let connection: String
    /// What leads in; nil for policies alone.
    let interface: String?
}

/// One end of a tunnel.
struct EndFacts {
    /// ``GatewayFacts/key``.
    let gateway: String
    var address: Sourced<IPAddress>?
    /// The gateway's own address, where ``address`` is that of a NAT before it.
    var behind: Sourced<IPAddress>?
    var inside: Sourced<InterfaceAddress>?
    var asn: Sourced<UInt32>?
    var hold: Sourced<Int>?
    var keepalive: Sourced<Int>?
    /// Seconds until a silent peer is asked; nil where nothing is said.
    var question: Sourced<Int>?
    /// Seconds until a silent peer is dead; nil where nothing is said.
    var patience: Sourced<Int>?
    /// Whether nothing is done about a dead peer.
    var ignoresDeadPeers = false
    var deadPeerAction: Sourced<String>?
    /// Nil where nothing is said.
    var initiates: Sourced<Bool>?
    var ike = PhaseFacts()
    var esp = PhaseFacts()
    /// Where this end's own input has another key than its peer's.
    var key: Sourced<String>?
    var own: OwnEndFacts?
    /// What its input says is sent through the tunnel to the other end.
    var routes: [Sourced<IPPrefix>] = []
    /// Where its routes are made that stay while the tunnel is down; nil where nothing says that they do.
    var staticRoutes: Origin?
    /// Which of several tunnels' routes counts.
    var metric: Sourced<Int>?

    init(gateway: String) { self.gateway = gateway }
}

/// A tunnel as one input tells of it, or a user's two files.
struct TunnelFacts {
    enum Routing { case bgp, fixed, policies }

    var name: String
    let origin: Origin
    /// The end that the input is about.
    var near: EndFacts
    /// The other one, as far as this input tells of it.
    var far: EndFacts
    var routing: Routing
    var ikeVersion: Sourced<Int>?
    /// Pairs of what is behind the near end and behind the far one, where policies lead in.
    var selectors: [(near: Sourced<IPPrefix>, far: Sourced<IPPrefix>)] = []
    var forcesEncapsulation = false
    /// Where it says that certificates stand in the place of keys.
    var certificates: Origin?
    /// What its interface takes at most, in bytes.
    var mtu: Sourced<Int>?
    /// Whether its routes are another tunnel's as well, with the traffic shared among them.
    var sharesTraffic = false
}

/// All that inputs tell.
struct Facts {
    var gateways: [GatewayFacts] = []
    var tunnels: [TunnelFacts] = []
    var notes: [ImportNote] = []
    /// Copies of users' own files, by the names that they have in the lab's directory.
    var copies: [(name: String, text: String)] = []
    /// Gateways that were another one's other side, by the key that they had.
    var replacements: [String: String] = [:]

    mutating func note(_ kind: ImportNote.Kind, _ text: String) {
        let note = ImportNote(kind, text)
        if !notes.contains(note) { notes.append(note) }
    }

    /// Adds a gateway, or to one of that key what it lacks.
    mutating func add(_ gateway: GatewayFacts) {
        guard let place = gateways.firstIndex(where: { $0.key == gateway.key }) else {
            gateways.append(gateway)
            return
        }
        gateways[place].asn = gateways[place].asn ?? gateway.asn
        let known = Set(gateways[place].networks.map(\.value))
        gateways[place].networks += gateway.networks.filter { !known.contains($0.value) }
    }

    /// Whether another input has this tunnel already, between the same addresses and told from the same end; then it is noted.
    mutating func has(_ tunnel: TunnelFacts) -> Bool {
        let twin = tunnels.first { other in
            other.near.address != nil && other.near.address?.value == tunnel.near.address?.value
                && (other.far.address == nil || other.far.address?.value == tunnel.far.address?.value)
        }
        guard let twin else { return false }
        note(
            .assumed,
            "\(tunnel.name) (\(tunnel.origin.comment)) is \(twin.name) (\(twin.origin.comment)), which counts")
        return true
    }

    func gateway(_ key: String) -> GatewayFacts? { gateways.first { $0.key == key } }
}
