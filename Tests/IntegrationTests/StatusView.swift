import Foundation

/// What `netlab status --format json` says, as far as tests look at it. Spelled out here, not imported: scripts rely on
/// these names.
struct StatusView: Decodable {
    let clock: Clock
    let tunnels: [Tunnel]
    let sessions: [Session]
    let paths: [Path]
    let daemons: [Daemon]
    let nodes: [Node]
    let faults: [FaultView]

    struct Clock: Decodable, Equatable {
        private struct Time: Decodable, Equatable { let nanoseconds: Int64 }
        let mode: String
        private let _time: Time
        var time: Duration { .nanoseconds(_time.nanoseconds) }

        private enum CodingKeys: String, CodingKey {
            case mode
            case _time = "time"
        }
    }

    struct Tunnel: Decodable {
        struct End: Decodable {
            let node: String
            let ike: String?
            let inbound: Association?
            let outbound: Association?
        }
        struct Association: Decodable {
            let spi: UInt32
            let algorithms: String
            let isUdpEncapsulated: Bool
            let ageSeconds: Double
        }
        let name: String
        let state: String
        let ends: [End]

        var associations: [Association] { ends.flatMap { [$0.inbound, $0.outbound].compactMap { $0 } } }
    }

    struct Session: Decodable {
        struct Speaker: Decodable {
            let node: String
            let asn: String
            let state: String
            let holdSeconds: Double?
            let keepaliveSeconds: Double?
            let imported: [String]
        }
        let name: String
        let speakers: [Speaker]
    }

    struct Path: Decodable {
        struct Hop: Decodable {
            let node: String
            let tunnel: String?
        }
        let probe: String
        let hops: [Hop]
        let broken: String?
    }

    struct Daemon: Decodable {
        let name: String
        let isRunning: Bool
    }

    struct Node: Decodable {
        struct Interface: Decodable {
            let name: String
            let mtu: Int
            let isUp: Bool
        }
        let name: String
        let interfaces: [Interface]
    }

    static var decoder: JSONDecoder {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return decoder
    }

    init(json: String) throws {
        self = try Self.decoder.decode(StatusView.self, from: Data(json.utf8))
    }

    func tunnel(_ name: String) -> Tunnel? { tunnels.first { $0.name == name } }

    /// The tunnels that a probe's packets take now, in order; nil for a path that breaks off.
    func tunnels(ofPath probe: String) -> [String]? {
        paths.first { $0.probe == probe && $0.broken == nil }?.hops.compactMap(\.tunnel)
    }

    func mtu(_ node: String, _ interface: String) -> Int? { self.interface(node, interface)?.mtu }

    func isUp(_ node: String, _ interface: String) -> Bool? { self.interface(node, interface)?.isUp }

    private func interface(_ node: String, _ name: String) -> Node.Interface? {
        nodes.first { $0.name == node }?.interfaces.first { $0.name == name }
    }

    func isRunning(_ daemon: String) -> Bool? { daemons.first { $0.name == daemon }?.isRunning }

    /// The states of a session as its speakers see it.
    func states(of session: String) -> [String]? { sessions.first { $0.name == session }?.speakers.map(\.state) }
}
