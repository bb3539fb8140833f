import FoundationEssentials
import LabModel
import NetworkTypes

/// What `show bfd peers json` shows of sessions' times.
///
/// Source: FRR 8.4.4 and 10.3, bfdd/bfdd_vty.c (`__display_peer_json`).
public enum FrrBFDPeer {
    /// After how long a silent peer is given up, by its address: of sessions that are up.
    public static func detections(_ text: String) -> [IPAddress: Duration] {
        guard let answer = try? JSONDecoder().decode([Peer].self, from: Data(text.utf8)) else { return [:] }
        let known = answer.compactMap { peer -> (IPAddress, Duration)? in
            guard peer.status == "up", let address = peer.peer.flatMap({ IPAddress($0) }), let own = peer.receive,
                let others = peer.remoteTransmit, let multiplier = peer.remoteMultiplier,
                (0...60_000).contains(own), (0...60_000).contains(others), (0...255).contains(multiplier)
            else { return nil }
            return (address, .milliseconds(max(own, others)) * multiplier)
        }
        return Dictionary(known) { first, _ in first }
    }

    private struct Peer: Decodable {
        let peer: String?
        let status: String?
        let receive: Int?
        let remoteTransmit: Int?
        let remoteMultiplier: Int?

        private enum CodingKeys: String, CodingKey {
            case peer, status
            case receive = "receive-interval"
            case remoteTransmit = "remote-transmit-interval"
            case remoteMultiplier = "remote-detect-multiplier"
        }
    }
}
