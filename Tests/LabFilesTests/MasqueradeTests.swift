import LabFiles
import LabModel
import Testing

/// Gateways that translate ports, and who can begin through them.
@Suite("Masquerade in lab files")
struct MasqueradeTests {
    private static func read(_ nat: String, _ west: String = "", _ east: String = ", startup: listen") throws -> (
        topology: Topology?, errors: [String]
    ) {
        let text = """
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
        do {
            return (try LabFile(text: text, file: "lab.yaml") { _ in "" }.resolve().topology, [])
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
}
