import LabModel
import NetworkTypes

/// A session as one of its speakers sees it: all that a routing daemon is told of it.
struct SpeakerSession {
    let name: String
    let asn: ASN
    /// Nil for the one that the kernel takes.
    let address: IPAddress?
    /// Where the peer is; nil for one that may be several hops away.
    let interface: InterfaceName?
    let peer: IPAddress
    let peerASN: ASN
    let keepalive: Duration
    let hold: Duration
    private let prefixes: [IPPrefix]
    var passesOn = false
    /// What policies make of routes that it takes and tells; nil for a side that has none.
    var inEntries: [RoutePolicy.Entry]?
    var outEntries: [RoutePolicy.Entry]?
    var policy = SpeakerPolicy()
    let password: Secret?
    var bfd: BFDTimers?
    var reflects = false
    var gracefulRestart: Duration?

    /// Those of the session's own address family, which is its peer's.
    var advertised: [IPPrefix] { prefixes.filter { $0.address.bitWidth == peer.bitWidth } }

    /// Every session of a node's, those with no speaker at the other end last.
    static func all(at node: String, in topology: Topology) -> [SpeakerSession] {
        topology.sessions.compactMap { SpeakerSession($0, at: node) }
            + topology.oneSidedSessions.filter { $0.node == node }.map(SpeakerSession.init)
    }

    private init?(_ session: BGPSession, at node: String) {
        guard let own = session.speakers.first(where: { $0.node == node }), let peer = session.peer(of: own) else {
            return nil
        }
        name = session.name
        asn = own.asn
        address = own.address
        interface = own.interface
        self.peer = peer.address
        peerASN = own.peerASN ?? peer.asn
        keepalive = own.keepalive
        hold = own.hold
        prefixes = own.advertised
        passesOn = own.passesOn
        policy = own.policy
        inEntries = own.takesAll ? nil : own.inEntries
        outEntries = own.tellsAll ? nil : own.outEntries
        password = session.key(of: own)
        bfd = own.bfd
        reflects = own.reflects
        gracefulRestart = own.gracefulRestart
    }

    private init(_ session: OneSidedSession) {
        name = session.name
        asn = session.asn
        address = session.address
        interface = session.interface
        peer = session.peer
        peerASN = session.peerASN
        keepalive = session.keepalive
        hold = session.hold
        prefixes = session.advertised
        password = session.password
    }
}

extension [SpeakerSession] {
    /// The longest time that one of a node's speakers may be away without its peer taking routes back; nil where none may.
    var longestRestart: Duration? { compactMap(\.gracefulRestart).max() }
}
