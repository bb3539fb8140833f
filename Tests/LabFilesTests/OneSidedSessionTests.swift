import LabModel
import NetworkTypes
import Testing

@Suite("BGP sessions that one side alone has configured")
struct OneSidedSessionTests {
    private static func lab(_ session: String, speakers: String, more: String = "") -> String {
        BrokenLab.text.replacing(
            "probes:\n",
            with: "  half:\n\(session)    speakers: {\(speakers)}\n\(more)probes:\n")
    }

    private static let outlook = "    expect: connecting\n    because: peer has no such session\n"

    @Test func `Over a link`() throws {
        let text = Self.lab(
            "    over: spare\n", speakers: "router: {asn: 64512, peer: 10.0.7.2, peer-asn: 65001, hold: 30s}",
            more: Self.outlook)
        let topology = try BrokenLab.resolve(text).topology
        let session = try #require(topology.oneSidedSession(named: "half"))
        #expect(topology.sessions.map(\.name) == ["main"])
        #expect(topology.sessionNames == ["main", "half"])
        #expect(session.node == "router" && session.interface?.description == "spare")
        #expect(session.address == IPAddress("10.0.7.1") && session.peer == IPAddress("10.0.7.2"))
        #expect(session.hold == .seconds(30) && session.reason == "peer has no such session")
        #expect(try Condition("bgp half down", in: topology).subject == .session("half"))
    }

    @Test func `To a peer far away`() throws {
        let text = Self.lab(
            "", speakers: "vm: {asn: 64512, peer: 169.254.21.1, peer-asn: 65001}", more: Self.outlook)
        let topology = try BrokenLab.resolve(text).topology
        let session = try #require(topology.oneSidedSession(named: "half"))
        #expect(session.interface == nil && session.address == nil)
        #expect(topology.daemons(of: "vm").contains(.bird))
    }

    @Test func `Expectation is connecting unless said otherwise`() throws {
        let text =
            Self.lab("", speakers: "vm: {asn: 64512, peer: 169.254.21.1, peer-asn: 65001}", more: Self.outlook)
            + "expect:\n  x: {bgp: half}\n  y: {bgp: half, is: connecting}\n"
        let expectations = try BrokenLab.resolve(text).topology.expectations
        #expect(expectations.count == 2)
        for expectation in expectations {
            guard case .bgp(let claim) = expectation.claim else {
                Issue.record("\(expectation.claim)")
                continue
            }
            #expect(claim.session == "half" && !claim.isEstablished)
        }
    }

    @Test(
        arguments: [
            BrokenLab(
                text: lab(
                    "", speakers: "vm: {asn: 1, peer: 10.9.9.9, peer-asn: 2}",
                    more: "    because: of that\n    §expect: connected\n"),
                "\"connected\" is not one of the outlooks", "connecting"),
            BrokenLab(
                text: lab("", speakers: "§vm: {asn: 1, peer: 10.9.9.9}", more: outlook), "vm has no `peer-asn`",
                "Say whom"),
            BrokenLab(
                text: lab("", speakers: "§vm: {asn: 1, peer-asn: 2}", more: outlook), "vm has no `peer`", "Say whom"),
            BrokenLab(
                text: lab("", speakers: "§vm: {asn: 1, peer: here, peer-asn: 2}", more: outlook),
                "\"here\" is not the address", "tries to reach"),
            BrokenLab(
                text: lab(
                    "    over: spare\n", speakers: "§vm: {asn: 1, peer: 10.9.9.9, peer-asn: 2}", more: outlook),
                "node vm is no end of spare", "router, peer"),
            BrokenLab(
                text: lab(
                    "    over: main\n",
                    speakers: "§router: {asn: 64512, peer: 169.254.1.2, peer-asn: 65001}", more: outlook),
                "the other side has configured it as well", "both speakers"),
            BrokenLab(
                text: lab("", speakers: "§vm: {asn: 1, address: 10.8.8.8, peer: 10.9.9.9, peer-asn: 2}", more: outlook),
                "node vm does not have the address 10.8.8.8", "10.0.0.2"),
            BrokenLab(
                text: lab("", speakers: "§router: {asn: 1, peer: 10.0.0.1, peer-asn: 2}", more: outlook),
                "10.0.0.1 is router's own address", "other side"),
            BrokenLab(
                "    over: main\n", "    over: main\n    §because: of that\n", "bgp.main has two speakers",
                "expect: connecting"),
            BrokenLab(
                text: lab("", speakers: "vm: {asn: 1, peer: 10.9.9.9, peer-asn: 2}", more: outlook)
                    + "expect:\n  §x: {bgp: half, is: up}\n", "half is a session that one side alone has configured",
                "`is: connecting`"),
            BrokenLab(
                expect: "§x: {bgp: main, is: connecting}", "main is a session that both sides have configured",
                "`is: down`"),
        ])
    func `Mistakes`(lab: BrokenLab) throws { try lab.expectOnlyDiagnostic() }

    @Test func `Reason is wanted`() throws {
        let text = Self.lab(
            "", speakers: "vm: {asn: 1, peer: 10.9.9.9, peer-asn: 2}", more: "    expect: connecting\n")
        let error = try #require(throws: LabFileError.self) { try BrokenLab.resolve(text) }
        #expect(error.diagnostics.map(\.message) == ["bgp.half has no \"because\""])
    }
}
