import DaemonDrivers
import Daemons
import NetworkTypes
import RoutingDaemons

/// What daemons log and answer. A log is read as any of the daemon's texts, for which one it is the fuzzer need not know.
enum DaemonReading {
    /// 21 November 2026 in nanoseconds since 1970, as the labs of the seeds began.
    private static let offset: Int64 = 1_795_262_400_000_000_000

    static func pluto(_ bytes: [UInt8]) throws {
        let text = String(decoding: bytes, as: UTF8.self)
        _ = PlutoStatus(text)
        _ = PlutoLog.events(text, node: "gw", realTimeOffset: offset)
        try require(PlutoLog.failures(in: text, connection: "main").count <= 3, "more than three failures")
        var keys = PlutoKeyLog()
        keys.read(bytes)
        _ = (keys.keys, keys.unusable)
        let masked = PlutoDebugging.masked(bytes)
        try require(masked.count == bytes.count, "masking changes the length")
        var again = PlutoKeyLog()
        again.read(masked)
        try require(again.keys.isEmpty, "a key is left after masking")
    }

    static func charon(_ bytes: [UInt8]) throws {
        let text = String(decoding: bytes, as: UTF8.self)
        _ = CharonLog.events(text, node: "gw", realTimeOffset: offset)
        _ = CharonKeyLog(text).keys(with: [])
        _ = StrongSwan().readSettings(text)
    }

    /// vici's bytes, as they come from the socket.
    static func vici(_ bytes: [UInt8]) throws {
        var received = bytes
        while let packet = try? ViciPacket.next(from: &received) {
            var again = packet.bytes
            try require((try? ViciPacket.next(from: &again)) == packet, "\(packet) is another when it is sent")
            guard case .event(_, let message) = packet else { continue }
            let associations = message.sections.compactMap { CharonSA(name: $0.name, $0.section) }
            _ = (associations.newest("main"), associations.newestChild("main"))
            _ = CharonKeyLog("").keys(with: associations)
        }
    }

    static func frr(_ bytes: [UInt8]) throws {
        let text = String(decoding: bytes, as: UTF8.self)
        let routing = Frr().read(text)
        _ = routing.sessions.map { routing.timers(of: $0, on: InterfaceName("eth0")!) }
        _ = Frr().events(in: text, of: "gw", in: SmallLab.topology, realTimeOffset: offset)
        _ = Frr().complaints(in: text, about: nil)
        _ = (FrrNeighbor.parse(text), FrrRoutes.all(text))
        if let reply = FrrReply(bytes) {
            try require(reply.text.utf8.count <= bytes.count * 3, "an answer longer than what came")
        }
    }

    static func bird(_ bytes: [UInt8]) throws {
        let text = String(decoding: bytes, as: UTF8.self)
        _ = Bird().read(text)
        _ = BirdLog.events(text, node: "gw", sessions: ["main": "main"], realTimeOffset: offset)
        var rest = text[...]
        while let (reply, after) = BirdReply.parse(rest) {
            try require(after.utf8.count < rest.utf8.count, "an answer of no bytes")
            rest = after
            _ = (BirdProtocol.parse(reply), BirdRoute.parse(reply))
        }
    }
}
