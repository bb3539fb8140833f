import LabFiles
import LabModel
import Testing

@Suite("BFD in lab files") struct BFDFileTests {
    private static func resolve(_ session: String, _ more: String = "") throws -> (Topology, [LabFileDiagnostic]) {
        let lab = """
            name: two
            nodes: {west: {role: router}, east: {role: router, bgp: frr}}
            links: {wire: {ends: {west:e: 192.0.2.1/30, east:e: 192.0.2.2/30}}}
            bgp:
              one:
                over: wire
                \(session)
                speakers:
                  west: {asn: 65001}
                  east: {asn: 65002\(more)}

            """
        let (topology, warnings) = try BrokenLab.resolve(lab)
        return (topology, warnings)
    }

    /// An expectation of it needs a session with BFD at both ends.
    @Test func `An expectation names a session with BFD`() throws {
        func claims(_ bfd: String, _ claim: String) throws -> [LabModel.Expectation.Claim] {
            let text = """
                name: two
                nodes: {a: {role: router}, b: {role: router}}
                links: {wire: {ends: {a:e: 192.0.2.1/30, b:e: 192.0.2.2/30}}}
                bgp: {one: {over: wire, \(bfd)speakers: {a: {asn: 65001}, b: {asn: 65002}}}}
                expect: {quick: {bfd: one\(claim)}}
                """
            return try LabFile(text: text, file: "lab.yaml") { _ in "" }.resolve().topology.expectations.map(\.claim)
        }
        #expect(try claims("bfd: {}, ", "") == [.bfd(BFDClaim(session: "one", isUp: true))])
        #expect(
            try claims("bfd: {}, ", ", detection: 1s")
                == [.bfd(BFDClaim(session: "one", isUp: true, detection: .seconds(1)))])
        #expect(try claims("bfd: {}, ", ", is: down") == [.bfd(BFDClaim(session: "one", isUp: false))])
        let none = try #require(throws: LabFileError.self) { try claims("", "") }
        #expect(none.diagnostics.contains { $0.message.contains("no BFD is spoken beside one") }, "\(none)")
        let timed = try #require(throws: LabFileError.self) { try claims("bfd: {}, ", ", is: down, detection: 1s") }
        #expect(timed.diagnostics.contains { $0.message.contains("has no time of detection") }, "\(timed)")
    }

    @Test func `Both ends have what the session says, or their own`() throws {
        let (topology, warnings) = try Self.resolve(
            "bfd: {interval: 300ms, multiplier: 4}", ", bfd: {transmit: 500ms, receive: 100ms}")
        let timers = topology.sessions[0].speakers.map(\.bfd)
        #expect(
            timers == [
                BFDTimers(transmit: .milliseconds(300), receive: .milliseconds(300), multiplier: 4),
                BFDTimers(transmit: .milliseconds(500), receive: .milliseconds(100), multiplier: 3),
            ])
        #expect(warnings.isEmpty, "\(warnings)")
        #expect(try Self.resolve("bfd: {}").0.sessions[0].speakers[0].bfd?.multiplier == 3)
    }

    @Test func `Intervals that the other end does not take are warned of`() throws {
        let (_, warnings) = try Self.resolve("bfd: {interval: 50ms}", ", bfd: {transmit: 50ms, receive: 1s}")
        #expect(warnings.count == 1, "\(warnings)")
        #expect(
            warnings.first?.description.contains(
                "west would send BFD every 50ms, and east takes one every 1s at most") == true, "\(warnings)")
        #expect(warnings.first?.description.contains("east notices a silence after 3s") == true, "\(warnings)")
    }

    @Test func `BFD of one end alone is warned of`() throws {
        let (_, warnings) = try Self.resolve("password: a-key", ", bfd: {interval: 100ms}")
        #expect(
            warnings.map(\.description).contains { $0.contains("east asks for BFD and west does not") }, "\(warnings)")
    }

    @Test(
        arguments: [
            ("bfd: {interval: 5ms}", "a time from 10ms to 60s in whole milliseconds"),
            ("bfd: {interval: 10500us}", "a time from 10ms to 60s in whole milliseconds"),
            ("bfd: {multiplier: 1}", "a number from 2 to 255"),
            ("bfd: {interval: 1s, transmit: 1s, receive: 1s}", "`interval:` is both of them"),
            ("bfd: fast", "bgp.one.bfd"),
        ])
    func `What is none is refused`(_ session: String, _ words: String) {
        #expect {
            try Self.resolve(session)
        } throws: {
            "\($0)".contains(words)
        }
    }
}
