import NetworkTypes
import Testing

@testable import DaemonDrivers
@testable import Daemons

@Suite struct PlutoTests {
    /// With narrowing= a connection is a template, and what a peer makes of it has the associations (as libreswan 4.10 says it).
    @Test func `An instance stands for its template`() throws {
        let status = PlutoStatus(
            """
            000 "t": 172.21.0.0/24===198.51.100.2...203.0.113.2===10.50.0.0/24; unrouted; eroute owner: #0
            000 "t":   newest IKE SA: #0; newest IPsec SA: #0; conn serial: $1;
            000 "t"[1]: 172.21.0.0/24===198.51.100.2...203.0.113.2===10.50.0.0/24; erouted; eroute owner: #2
            000 "t"[1]:   newest IKE SA: #1; newest IPsec SA: #2; conn serial: $2, instantiated from: $1;
            000 "t"[1]:   IKEv2 algorithm newest: AES_CBC_256-HMAC_SHA2_256-MODP2048
            """)
        let connection = try #require(status.connection(named: "t"))
        #expect(connection.newestIKESA == 1 && connection.newestChildSA == 2)
        #expect(connection.ikeAlgorithms == "AES_CBC_256-HMAC_SHA2_256-MODP2048")
    }

    @Test func `Established connection`() throws {
        let status = PlutoStatus(try Fixture.text("pluto-established.txt"))
        #expect(status.connections.map(\.name) == ["main", "main-2"])
        #expect(
            status.connection(named: "main")
                == IPsecConnection(
                    name: "main", isOriented: true, routing: "erouted", newestIKESA: 1, newestChildSA: 2,
                    ikeAlgorithms: "AES_CBC_256-HMAC_SHA2_384-DH20", espAlgorithms: "AES_CBC_256-HMAC_SHA2_256_128",
                    configuredESPAlgorithms: "AES_CBC_256-HMAC_SHA2_256_128-MODP1536"))
        #expect(
            status.ikeSAs == [
                IKESecurityAssociation(
                    number: 1, connection: "main", state: "STATE_V2_ESTABLISHED_IKE_SA",
                    explanation: "established IKE SA",
                    rekeyIn: .seconds(27823), replaceIn: .seconds(28789))
            ])
        #expect(
            status.childSAs == [
                ChildSecurityAssociation(
                    number: 2, connection: "main", state: "STATE_V2_ESTABLISHED_CHILD_SA",
                    explanation: "established Child SA", parent: 1, rekeyIn: .seconds(2725), replaceIn: .seconds(3589),
                    inboundSPI: 0x010e_e216, outboundSPI: 0x7139_4c82, addedAt: 1_795_230_982, inboundBytes: 743,
                    outboundBytes: 684)
            ])
        #expect(status.connection(named: "main")?.isOriented == true && status.hasEstablishedChild("main"))
    }

    /// The text of libreswan 5.2 has no codes, other names for states, and other words for the newest associations.
    @Test func `Established connection of libreswan 5`() throws {
        let status = PlutoStatus(try Fixture.text("pluto-established-5.2.txt"))
        #expect(
            status.connection(named: "main")
                == IPsecConnection(
                    name: "main", isOriented: true, routing: "routed-tunnel", newestIKESA: 1, newestChildSA: 2,
                    ikeAlgorithms: "AES_CBC_256-HMAC_SHA2_384-DH20", espAlgorithms: "AES_CBC_256-HMAC_SHA2_256_128",
                    configuredESPAlgorithms: "AES_CBC_256-HMAC_SHA2_256_128-MODP1536"))
        #expect(
            status.ikeSAs == [
                IKESecurityAssociation(
                    number: 1, connection: "main", state: "ESTABLISHED_IKE_SA", explanation: "established IKE SA",
                    rekeyIn: .seconds(28528), replaceIn: .seconds(28798))
            ])
        #expect(
            status.childSAs == [
                ChildSecurityAssociation(
                    number: 2, connection: "main", state: "ESTABLISHED_CHILD_SA", explanation: "established Child SA",
                    parent: 1, rekeyIn: .seconds(3328), replaceIn: .seconds(3598), inboundSPI: 0x6c10_f525,
                    outboundSPI: 0x035e_d2ba, addedAt: 1_795_975_677, inboundBytes: 705, outboundBytes: 652)
            ])
        #expect(status.ikeSAs.allSatisfy { $0.isEstablished })
        #expect(status.connection(named: "main")?.isOriented == true && status.hasEstablishedChild("main"))
        #expect(status.connection(named: "main-2")?.isOriented == true && !status.hasEstablishedChild("main-2"))
    }

    @Test func `Unused connection`() throws {
        let status = PlutoStatus(try Fixture.text("pluto-established.txt"))
        let unused = try #require(status.connection(named: "main-2"))
        #expect(unused.routing == "unrouted")
        #expect(unused.newestIKESA == nil && unused.newestChildSA == nil && unused.ikeAlgorithms == nil)
        #expect(status.connection(named: "main-2")?.isOriented == true && !status.hasEstablishedChild("main-2"))
        #expect(status.connection(named: "main-3") == nil)
    }

    /// Both ends initiated at once: two IKE SAs with a child each, until the first renewal.
    @Test func `Crossed exchanges`() throws {
        let status = PlutoStatus(try Fixture.text("pluto-crossed.txt"))
        #expect(status.ikeSAs.map(\.number) == [1, 2])
        #expect(status.childSAs.map(\.number) == [3, 4])
        #expect(status.childSAs.map(\.parent) == [1, 2])
        #expect(status.childSAs.map(\.inboundBytes) == [0, 605])
        #expect(status.childSAs.map(\.outboundBytes) == [544, 0])
    }

    @Test func `Connection whose peer is silent`() throws {
        let status = PlutoStatus(try Fixture.text("pluto-cut.txt"))
        #expect(status.connection(named: "main")?.isOriented == true && !status.hasEstablishedChild("main"))
        #expect(status.ikeSAs.map(\.state) == ["STATE_V2_PARENT_I1"])
        #expect(status.ikeSAs.map(\.isEstablished) == [false])
    }

    @Test func `IKE without child`() throws {
        let status = PlutoStatus(try Fixture.text("pluto-child-refused.txt"))
        #expect(status.ikeSAs.map(\.isEstablished) == [true])
        #expect(status.childSAs.isEmpty && !status.hasEstablishedChild("main"))
    }

    @Test func `pluto that does not run`() {
        let status = PlutoStatus("whack: Pluto is not running (no \"/run/pluto/pluto.ctl\")\n")
        #expect(status == PlutoStatus(""))
        #expect(status.connections.isEmpty)
    }

    @Test(arguments: [
        (
            "pluto-wrong-key-initiator.log",
            "\"main\" #7: IKE SA authentication request rejected by peer: AUTHENTICATION_FAILED"
        ),
        (
            "pluto-wrong-key-responder.log",
            "\"main\" #4: authentication failed: computed hash does not match hash received from peer ID_IPV4_ADDR '198.51.100.10'"
        ),
        (
            "pluto-wrong-proposal-initiator.log",
            "\"main\" #1: dropping unexpected IKE_SA_INIT message containing NO_PROPOSAL_CHOSEN notification; "
                + "message payloads: N; missing payloads: SA,KE,Ni"
        ),
        (
            "pluto-child-refused-initiator.log",
            "\"main\" #2: IKE_AUTH response rejected Child SA with NO_PROPOSAL_CHOSEN"
        ),
    ])
    func `Log tells why`(name: String, line: String) throws {
        let failures = PlutoLog.failures(in: try Fixture.text(name), connection: "main")
        #expect(failures.contains(line))
        #expect(PlutoLog.failures(in: try Fixture.text(name), connection: "main-2").isEmpty)
    }

    @Test func `Recovery forgives the failures before`() throws {
        let text = try Fixture.text("pluto-peer-lost.log")
        let lost = text.split(separator: "\n").prefix { !$0.contains("#5: initiator established") }.joined(
            separator: "\n")
        #expect(
            PlutoLog.failures(in: lost).last?.hasPrefix("\"main\" #4: STATE_V2_PARENT_I1: 20 second timeout exceeded")
                == true)
        #expect(PlutoLog.failures(in: text).isEmpty)
        #expect(PlutoLog.failures(in: lost, limit: 0).isEmpty)
    }

    /// No cut and no flipped byte makes a parser do more than leave something out.
    @Test(arguments: ["pluto-established.txt", "pluto-crossed.txt", "pluto-cut.txt"])
    func `Damaged text`(name: String) throws {
        let lines = try Fixture.text(name).split(separator: "\n")
        let bytes = Array(lines.drop { !$0.contains("Connection list") }.joined(separator: "\n").utf8)
        for end in stride(from: 0, to: bytes.count, by: 41) {
            let text = String(decoding: bytes[..<end], as: UTF8.self)
            _ = (PlutoStatus(text), PlutoLog.failures(in: text))
        }
        for index in stride(from: 0, to: bytes.count, by: 41) {
            var damaged = bytes
            damaged[index] ^= 0x15
            _ = PlutoStatus(String(decoding: damaged, as: UTF8.self))
        }
    }
}

extension PlutoStatus {
    fileprivate func hasEstablishedChild(_ connection: String) -> Bool {
        childSAs.contains { $0.connection == connection && $0.isEstablished }
    }
}
