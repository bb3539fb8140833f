import LabFiles
import LabModel
import Testing

/// Gateways that translate ports, and who can begin through them.
@Suite("Masquerade in lab files")
struct MasqueradeTests {
    private static func text(_ nat: String, _ west: String = "", _ east: String = ", startup: listen") -> String {
        """
        name: behind
        clouds: {site: {title: Site}, cloud: {title: Cloud}}
        nodes:
          west: {cloud: site, role: router, routes: {0.0.0.0/0: 192.168.1.1}}
          router: {cloud: site, role: router, nat: \(nat)}
          east: {cloud: cloud, role: router, routes: {0.0.0.0/0: 192.0.2.1}}
        links:
          lan: {ends: {west:e0: 192.168.1.2/24, router:lan: 192.168.1.1/24}}
          wire: {ends: {router:wan: 192.0.2.1/24, east:e0: 192.0.2.2/24}}
        tunnels:
          vpn:
            psk: an-example-key
            ike: {encryption: aes-256-cbc, integrity: sha2-256, group: 14}
            esp: {encryption: aes-256-gcm-16}
            selectors: {west: 10.1.0.0/24, east: 10.2.0.0/24}
            ends:
              west: {address: 192.168.1.2\(west)}
              east: {address: 192.0.2.2\(east)}
        """
    }

    private static func read(_ nat: String, _ west: String = "", _ east: String = ", startup: listen") throws -> (
        topology: Topology?, errors: [String]
    ) {
        do {
            return (try LabFile(text: text(nat, west, east), file: "lab.yaml") { _ in "" }.resolve().topology, [])
        } catch {
            return (nil, error.diagnostics.map(\.message))
        }
    }

    @Test(arguments: [
        ("{outside: wan, masquerade: true}", "192.0.2.1"), ("{outside: wan, masquerade: 192.168.0.0/16}", "192.0.2.1"),
        ("{outside: wan, masquerade: {192.0.2.61: 192.168.1.0/24}}", "192.0.2.61"),
        ("{outside: wan, masquerade: [10.0.0.0/8, 192.168.1.0/24]}", "192.0.2.1"),
        ("{outside: wan, masquerade: true, map: {192.0.2.9: 192.168.1.2}}", "192.0.2.9"),
    ])
    func `An end behind one is known by its public address`(nat: String, outside: String) throws {
        let (topology, errors) = try Self.read(nat)
        let tunnel = try #require(topology?.tunnels.first, "\(errors)")
        #expect(tunnel.ends.map(\.identity.description) == [outside, "192.0.2.2"])
        #expect(tunnel.ends.map(\.remoteAddress.description) == ["192.0.2.2", outside] && tunnel.isUDPEncapsulated)
        #expect(tunnel.ends[0].localAddress.description == "192.168.1.2")
    }

    @Test(arguments: [
        (
            "{outside: wan, masquerade: true}", ", startup: listen", "",
            "west waits for its peer, and router lets nothing in to it that begins outside"
        ),
        ("{outside: wan}", "", ", startup: listen", "has no \"map\""),
        ("{outside: wan, masquerade: nonsense}", "", ", startup: listen", "masquerade"),
        ("{outside: wan, masquerade: {nonsense: 10.0.0.0/8}}", "", ", startup: listen", "is not an IPv4 address"),
    ])
    func `What cannot be is said`(nat: String, west: String, east: String, error: String) throws {
        let errors = try Self.read(nat, west, east).errors
        #expect(errors.contains { $0.contains(error) }, "\(errors)")
    }

    @Test func `Whom it does not stand for keeps the own address`() throws {
        let (topology, errors) = try Self.read("{outside: wan, masquerade: 10.0.0.0/8}")
        let tunnel = try #require(topology?.tunnels.first, "\(errors)")
        #expect(tunnel.ends[0].identity.description == "192.168.1.2" && !tunnel.isUDPEncapsulated)
    }

    @Test func `Timeouts are the kernel's settings`() throws {
        let (topology, errors) = try Self.read(
            "{outside: wan, masquerade: true, timeouts: {udp: 10s, udp-stream: 30s}}")
        let nat = try #require(topology?.node(named: "router")?.nat, "\(errors)")
        #expect(
            nat.timeouts.settings == [
                Sysctl(key: "net.netfilter.nf_conntrack_udp_timeout", value: "10"),
                Sysctl(key: "net.netfilter.nf_conntrack_udp_timeout_stream", value: "30"),
            ])
        let usual = try #require(try Self.read("{outside: wan, masquerade: true}").topology?.node(named: "router")?.nat)
        #expect(usual.timeouts.settings == [] && usual.timeouts.silence == .seconds(120))
    }

    @Test(arguments: [
        ("{outside: wan, masquerade: true, timeouts: {udp: 500ms}}", "whole seconds"),
        ("{outside: wan, masquerade: true, timeouts: {udp-stream: 2d}}", "whole seconds"),
        ("{outside: wan, masquerade: true, timeouts: {tcp: 1m}}", "tcp"),
        ("{outside: wan, map: {192.0.2.9: 192.168.1.2}, timeouts: {udp: 10s}}", "there for ever"),
    ])
    func `Timeouts that cannot be are said`(nat: String, error: String) throws {
        let errors = try Self.read(nat).errors
        #expect(errors.contains { $0.contains(error) }, "\(errors)")
    }

    @Test(arguments: [("15s", true), ("20s", true), ("21s", false)])
    func `A gateway that forgets sooner than keep-alives come is warned of`(stream: String, isWarned: Bool) throws {
        let nat = "{outside: wan, masquerade: true, timeouts: {udp-stream: \(stream)}}"
        let warnings = try LabFile(text: Self.text(nat), file: "lab.yaml") { _ in "" }.resolve().warnings.map(\.message)
        let words =
            "router forgets who is behind a port after a silence of \(stream), and west sends keep-alives every 20s"
        #expect(warnings.contains { $0.contains(words) } == isWarned, "\(warnings)")
    }

    /// Two gateways behind `home`, which is behind `carrier`.
    private static func shared(
        _ identities: [String] = [", identity: a.example", ", identity: b.example"], carrier: String = "100.64.0.0/10",
        version: Int = 2
    ) -> String {
        """
        name: shared
        clouds: {site: {title: Site}, carrier: {title: Carrier}, cloud: {title: Cloud}}
        nodes:
          a: {cloud: site, role: router, routes: {0.0.0.0/0: 192.168.1.1}}
          b: {cloud: site, role: router, routes: {0.0.0.0/0: 192.168.2.1}}
          home: {cloud: site, role: router, routes: {0.0.0.0/0: 100.64.0.1}, nat: {outside: wan, masquerade: 192.168.0.0/16}}
          carrier: {cloud: carrier, role: router, nat: {outside: wan, masquerade: \(carrier)}}
          hub: {cloud: cloud, role: router, routes: {0.0.0.0/0: 192.0.2.1}}
        links:
          lan1: {ends: {a:e0: 192.168.1.2/24, home:lan1: 192.168.1.1/24}}
          lan2: {ends: {b:e0: 192.168.2.2/24, home:lan2: 192.168.2.1/24}}
          access: {ends: {home:wan: 100.64.0.2/24, carrier:in: 100.64.0.1/24}}
          wire: {ends: {carrier:wan: 192.0.2.1/24, hub:e0: 192.0.2.2/24}}
        tunnels:
        """
            + zip(["a", "b"], zip(identities, ["1", "2"])).map { name, more in
                """

                  \(name):
                    psk: an-example-key
                    ike-version: \(version)
                    ike: {encryption: aes-256-cbc, integrity: sha2-256, group: 14}
                    esp: {encryption: aes-256-gcm-16}
                    selectors: {\(name): 10.\(more.1).0.0/24, hub: 10.9.0.0/24}
                    ends:
                      \(name): {address: 192.168.\(more.1).2\(more.0)}
                      hub: {address: 192.0.2.2, startup: listen}
                """
            }.joined()
    }

    private static func problems(_ text: String) -> [String] {
        do {
            return try LabFile(text: text, file: "lab.yaml") { _ in "" }.resolve().warnings.map(\.message)
        } catch {
            return error.diagnostics.map(\.message)
        }
    }

    @Test func `Two gateways behind two translations have one public address, and names of their own`() throws {
        let topology = try LabFile(text: Self.shared(), file: "lab.yaml") { _ in "" }.resolve().topology
        let ends = topology.tunnels.map(\.ends[0])
        #expect(ends.map(\.identity.description) == ["192.0.2.1", "192.0.2.1"])
        #expect(ends.map(\.ikeIdentity) == [.name("a.example"), .name("b.example")])
        let chain = topology.translations(of: ends[1].localAddress)
        #expect(chain.map(\.gateway.name) == ["home", "carrier"] && chain.allSatisfy(\.isMasquerade))
        #expect(chain.map(\.outside.description) == ["100.64.0.2", "192.0.2.1"])
    }

    @Test func `Whom a hub could not tell apart, and names that come too late, are refused`() {
        let twins = Self.problems(Self.shared(["", ""]))
        #expect(twins.contains { $0.contains("its peer calls itself 192.0.2.1, as that of a does") }, "\(twins)")
        let same = Self.problems(Self.shared([", identity: a.example", ", identity: a.example"]))
        #expect(same.contains { $0.contains("its peer calls itself a.example, as that of a does") }, "\(same)")
        let old = Self.problems(Self.shared(version: 1))
        #expect(old.contains { $0.contains("the key is found by addresses before a name is heard") }, "\(old)")
        let wrong = Self.problems(Self.shared([", identity: A_B", ""]))
        #expect(wrong.contains { $0.contains("identity") }, "\(wrong)")
    }

    @Test(arguments: [("true", "192.0.2.1"), ("100.64.0.0/24", "192.0.2.1"), ("172.16.0.0/12", "100.64.0.2")])
    func `A translation of another's outside address`(carrier: String, outside: String) throws {
        let topology = try LabFile(text: Self.shared(carrier: carrier), file: "lab.yaml") { _ in "" }.resolve().topology
        #expect(topology.tunnels[0].ends[0].identity.description == outside)
    }
}
