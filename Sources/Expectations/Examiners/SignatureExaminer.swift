import LabModel
import NetworkTypes

/// Holds every packet of a capture against one claim that BGP is signed.
struct SignatureExaminer: Sendable {
    private struct Session {
        let name: String
        let speakers: [BGPSpeaker]
        /// Segments that each speaker sent, as seen where it sent them.
        var sent: [String: Int] = [:]
    }

    let name: String
    private var sessions: [Session]
    private(set) var objections = Objections()

    init(_ claim: MD5Claim, name: String, topology: Topology) {
        self.name = name
        sessions = claim.sessions.compactMap { topology.session(named: $0) }.map {
            Session(name: $0.name, speakers: $0.speakers)
        }
    }

    /// Speakers of whom nothing was seen, with their session.
    var silent: [String] {
        sessions.flatMap { session in
            session.speakers.filter { session.sent[$0.node] == nil }.map { "\($0.node) in \(session.name)" }
        }
    }

    /// All segments, each counted once.
    var segments: Int { sessions.reduce(0) { $0 + $1.sent.values.reduce(0, +) } }

    mutating func take(_ packet: WirePacket, at places: WirePlaces) {
        guard let place = places[packet.point], let segment = packet.inner,
            case .tcp(let source, let destination, _, _) = segment.transport, source == 179 || destination == 179
        else { return }
        for index in sessions.indices {
            let speakers = sessions[index].speakers
            guard segment.isBetween(speakers[0].address, speakers[1].address) else { continue }
            if !packet.isSigned {
                objections.add(
                    "without a signature", packet,
                    "a segment of \(sessions[index].name) without TCP's option 19, at \(place.name)")
            }
            let sender = speakers.first { $0.address == segment.source }?.node
            if let sender, sender == place.node, !packet.isInbound { sessions[index].sent[sender, default: 0] += 1 }
        }
    }
}
