import LabFiles
import LabModel
import Testing

@Suite("Graceful restart and clients in lab files") struct RestartFileTests {
    private static func resolve(
        _ session: String = "", west: String = "", east: String = "", nodes: String = "east: {role: router}"
    ) throws -> (topology: Topology, warnings: [LabFileDiagnostic]) {
        let lab = """
            name: two
            nodes: {west: {role: router}, \(nodes)}
            links: {wire: {ends: {west:e: 192.0.2.1/30, east:e: 192.0.2.2/30}}}
            bgp:
              one:
                over: wire
                \(session)
                speakers:
                  west: {asn: 65001\(west)}
                  east: {asn: 65002\(east)}

            """
        let (topology, warnings) = try LabFile(text: lab, file: "lab.yaml") { _ in "router id 192.0.2.2;\n" }.resolve()
        return (topology, warnings)
    }

    private static func error(
        _ session: String = "", west: String = "", east: String = "", nodes: String = "east: {role: router}"
    ) throws -> String {
        "\(try #require(throws: LabFileError.self) { try resolve(session, west: west, east: east, nodes: nodes) })"
    }

    @Test func `Both ends have the session's restart time, or their own`() throws {
        let (topology, warnings) = try Self.resolve("graceful-restart: 120s", east: ", graceful-restart: 60s")
        #expect(topology.sessions[0].speakers.map(\.gracefulRestart) == [.seconds(120), .seconds(60)])
        #expect(warnings.isEmpty, "\(warnings)")
        #expect(try Self.resolve().topology.sessions[0].speakers.map(\.gracefulRestart) == [nil, nil])
    }

    @Test(arguments: ["0s", "4096s", "1500ms"])
    func `A restart time is seconds in 12 bits`(_ time: String) throws {
        #expect(try Self.error("graceful-restart: \(time)").contains("from 1s to 4095s in whole seconds"))
    }

    @Test func `Graceful restart of one end alone is warned of`() throws {
        let warnings = try Self.resolve(west: ", graceful-restart: 60s").warnings
        #expect(warnings.count == 1, "\(warnings)")
        #expect(
            warnings.first?.message.contains("west would be waited for 1m when it restarts, and east has no") == true,
            "\(warnings)")
    }

    @Test func `FRR has one restart time, and BIRD one for each session`() throws {
        func lab(_ daemon: String) throws -> Topology {
            let text = """
                name: three
                nodes: {west: {role: router}, mid: {role: router, bgp: \(daemon)}, east: {role: router}}
                links:
                  one: {ends: {west:e: 192.0.2.1/30, mid:w: 192.0.2.2/30}}
                  two: {ends: {east:e: 192.0.2.5/30, mid:e: 192.0.2.6/30}}
                bgp:
                  a: {over: one, graceful-restart: 60s, speakers: {west: {asn: 65001}, mid: {asn: 65002}}}
                  b: {over: two, graceful-restart: 90s, speakers: {east: {asn: 65003}, mid: {asn: 65002}}}
                """
            return try LabFile(text: text, file: "lab.yaml") { _ in "" }.resolve().topology
        }
        #expect(try lab("bird").sessions.count == 2)
        let error = try #require(throws: LabFileError.self) { try lab("frr") }
        #expect(
            "\(error)".contains("mid would be away for 1m in one session and 1m30s in another, and FRR has one time"))
    }

    @Test func `A client passes on what it is told, and is of the same AS`() throws {
        let text = """
            name: two
            nodes: {west: {role: router}, east: {role: router}}
            links: {wire: {ends: {west:e: 192.0.2.1/30, east:e: 192.0.2.2/30}}}
            bgp: {one: {over: wire, speakers: {west: {asn: 65001}, east: {asn: 65001, reflect: on}}}}
            """
        let speakers = try LabFile(text: text, file: "lab.yaml") { _ in "" }.resolve().topology.sessions[0].speakers
        #expect(speakers.map(\.reflects) == [false, true] && speakers.map(\.passesOn) == [false, true])
        #expect(try Self.error(east: ", reflect: on").contains("west is in another AS than east"))
    }

    @Test func `A file of the user's own says so itself`() throws {
        let own = "east: {role: router, bird: bird.conf}"
        let error = try Self.error(east: ", graceful-restart: 60s", nodes: own)
        #expect(error.contains("east has its own configuration") && error.contains("Write graceful restart there"))
    }
}
