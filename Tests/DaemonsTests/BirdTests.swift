import NetworkTypes
import Testing

@testable import DaemonDrivers
@testable import Daemons

@Suite struct BirdTests {
    /// The answers of a session, without the greeting.
    private func replies(_ name: String) throws -> [BirdReply] {
        var rest = Substring(try Fixture.text(name))
        var replies: [BirdReply] = []
        while let (reply, after) = BirdReply.parse(rest) {
            replies.append(reply)
            rest = after
        }
        #expect(rest.isEmpty)
        return Array(replies.dropFirst())
    }

    @Test func `Established session`() throws {
        let protocols = BirdProtocol.parse(try replies("bird-established.txt")[1])
        #expect(
            protocols.map(\.name) == ["netlab_device", "netlab_kernel_ipv4", "netlab_advertised_ipv4", "main"])
        #expect(protocols.map(\.kind) == ["Device", "Kernel", "Static", "BGP"])
        #expect(protocols.allSatisfy { $0.state == .up })
        #expect(protocols.map { $0.session == nil } == [true, true, true, false])
        let main = try #require(protocols.last)
        #expect(main.since == "2026-11-21 03:16:23.799")
        #expect(main.info == "Established")
        #expect(main.channels == [.init(name: "ipv4", imported: 1, exported: 1, preferred: 1)])
        let session = try #require(main.session)
        #expect(session.state == .established)
        #expect(session.neighbor == IPAddress("169.254.100.2"))
        #expect(session.neighborASN == ASN("31898"))
        #expect(session.localASN == ASN("64512"))
        // 10/30 here and 60/180 there: the smaller hold time counts.
        #expect(session.hold == .init(left: .milliseconds(26712), length: .seconds(30)))
        #expect(session.keepalive == .init(left: .milliseconds(1867), length: .seconds(10)))
        #expect(session.lastError == nil)
    }

    @Test func `Short list has no details`() throws {
        let protocols = BirdProtocol.parse(try replies("bird-established.txt")[0])
        #expect(protocols.map(\.info) == ["", "", "", "Established"])
        #expect(protocols.allSatisfy { $0.session == nil && $0.channels.isEmpty })
    }

    @Test func `Session that is tried`() throws {
        let protocols = BirdProtocol.parse(try replies("bird-active.txt")[0])
        let session = try #require(protocols.first?.session)
        #expect(protocols.first?.state == .start)
        #expect(session.state == .active)
        #expect(session.hold == nil)
        #expect(session.lastError == "Socket: No route to host")
    }

    @Test func `Routes`() throws {
        let routes = BirdRoute.parse(try replies("bird-established.txt")[2])
        let interface = try #require(InterfaceName("vpn1"))
        #expect(
            routes == [
                BirdRoute(
                    prefix: try #require(IPPrefix("10.105.2.0/24")), kind: "unicast", origin: "main", isPrimary: true,
                    preference: 100, nextHops: [.init(gateway: IPAddress("169.254.100.2"), interface: interface)],
                    attributes: .init(origin: .igp, localPreference: 100), path: [try #require(ASN("31898"))]),
                BirdRoute(
                    prefix: try #require(IPPrefix("10.2.0.0/16")), kind: "unreachable",
                    origin: "netlab_advertised_ipv4",
                    isPrimary: true, preference: 200, nextHops: [], attributes: nil, path: []),
            ])
    }

    @Test func `Further routes to a prefix leave it out`() throws {
        let text = """
            1007-Table master4:
             10.9.0.0/16          unicast [a 2026-11-21 from 10.0.0.1] * (100) [AS2i]
             \tvia 10.0.0.1 on eth0 weight 1
             \tvia 10.0.1.1 on eth1 weight 1
                                  unicast [b 03:00:00.000] (100) [AS2i]
             \tdev eth2
            1012-\tBGP.as_path: 2 {3 4} 5
            0000 

            """
        let routes = BirdRoute.parse(try #require(BirdReply.parse(Substring(text))?.reply))
        #expect(routes.map(\.prefix.description) == ["10.9.0.0/16", "10.9.0.0/16"])
        #expect(routes.map(\.origin) == ["a", "b"])
        #expect(routes.map(\.isPrimary) == [true, false])
        #expect(routes[0].nextHops.map(\.interface.description) == ["eth0", "eth1"])
        #expect(routes[1].nextHops.map(\.gateway) == [nil])
        #expect(routes[1].path.map(\.description) == ["2", "3", "4", "5"])
    }

    @Test func `Attributes by which routes are compared`() throws {
        let text = """
            1007-Table master4:
             10.9.0.0/16          unicast [a 03:00:00.000] * (100) [AS2?]
             \tvia 10.0.0.1 on eth0
            1008-\tType: BGP univ
            1012-\tBGP.origin: Incomplete
             \tBGP.as_path: 2
             \tBGP.next_hop: 10.0.0.1
             \tBGP.med: 30
             \tBGP.local_pref: 200
             \tBGP.community: (64512,100) (65535,65281)
             \tBGP.large_community: (1, 2, 3)
             \tBGP.originator_id: 192.0.2.1
             \tBGP.cluster_list: 192.0.2.9 192.0.2.8
            0000 

            """
        let reply = try #require(BirdReply.parse(Substring(text))?.reply)
        let route = try #require(BirdRoute.parse(reply).first)
        let attributes = try #require(route.attributes)
        #expect(attributes.origin == .incomplete && attributes.med == 30 && attributes.localPreference == 200)
        #expect(attributes.communities.map(\.description) == ["64512:100", "no-export", "1:2:3"])
        #expect(attributes.reflection.originator == IPv4Address("192.0.2.1"))
        #expect(attributes.reflection.clusters.map(\.description) == ["192.0.2.9", "192.0.2.8"])
    }

    @Test func `Refusal is a failure`() throws {
        let replies = try replies("bird-established.txt")
        let last = try #require(replies.last)
        #expect(replies.map(\.isFailure) == [false, false, false, false, true])
        #expect(last.lines == [.init(code: 9001, text: "syntax error, unexpected CF_SYM_UNDEFINED")])
        #expect(BirdReply(lines: []).isFailure)
    }

    /// No cut and no flipped byte makes a parser do more than leave something out.
    @Test(arguments: ["bird-established.txt", "bird-active.txt"])
    func `Damaged text`(name: String) throws {
        let bytes = Array(try Fixture.text(name).utf8)
        for end in stride(from: 0, through: bytes.count, by: 13) {
            let text = String(decoding: bytes[..<end], as: UTF8.self) + "\n0000 \n"
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            let reply = BirdReply(
                lines: lines.map { .init(code: [1002, 1006, 1007, 1012][end % 4], text: String($0)) })
            _ = (BirdProtocol.parse(reply), BirdRoute.parse(reply), BirdReply.parse(Substring(text)))
        }
        for index in stride(from: 0, to: bytes.count, by: 29) {
            var damaged = bytes
            damaged[index] ^= 0x55
            var rest = Substring(String(decoding: damaged, as: UTF8.self))
            while let (reply, after) = BirdReply.parse(rest) {
                _ = (BirdProtocol.parse(reply), BirdRoute.parse(reply))
                rest = after
            }
        }
    }
}
