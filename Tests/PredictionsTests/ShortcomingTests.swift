import Daemons
import LabModel
import Predictions
import Testing

/// What a lab lacks to work is known before it is built.
@Suite struct ShortcomingTests {
    /// `left <-> a == net == b <-> right`: two sites and what is between them.
    private static let lab = """
        name: sites
        nodes:
          left: {role: instance, routes: {0.0.0.0/0: 10.1.0.1}}
          a: {role: router, routes: {0.0.0.0/0: 192.0.2.1}}
          net: {role: router}
          b: {role: router, routes: {0.0.0.0/0: 192.0.2.5}}
          right: {role: instance, routes: {0.0.0.0/0: 10.2.0.1}}
        links:
          west: {ends: {left:eth0: 10.1.0.2/24, a:lan: 10.1.0.1/24}}
          east: {ends: {right:eth0: 10.2.0.2/24, b:lan: 10.2.0.1/24}}
          wan-a: {ends: {a:wan: 192.0.2.2/30, net:a: 192.0.2.1/30}}
          wan-b: {ends: {b:wan: 192.0.2.6/30, net:b: 192.0.2.5/30}}
        tunnels:
          vpn:
            psk: Example1
            ike: {encryption: aes-256-cbc, integrity: sha2-256, group: 14}
            esp: {encryption: aes-256-cbc, integrity: sha2-256}
            mtu: 1400
            ends:
              a: {address: 192.0.2.2, interface: vpn0, inside: 169.254.9.1/30, routes: 10.2.0.0/24}
              b: {address: 192.0.2.6, interface: vpn0, inside: 169.254.9.2/30, routes: 10.1.0.0/24, startup: listen}
        probes:
          across: {from: left, to: right}

        """

    private func shortcomings(_ old: String = "", _ new: String = "") throws -> [Shortcoming] {
        try #require(old.isEmpty || Self.lab.contains(old))
        let text = old.isEmpty ? Self.lab : Self.lab.replacing(old, with: new)
        return Predictor(topology: try PredictedLab.resolve(text), versions: DaemonVersions([:])).shortcomings
    }

    @Test func `Nothing is missing`() throws {
        #expect(try shortcomings() == [])
    }

    @Test(arguments: [
        ("b: {role: router, routes: {0.0.0.0/0: 192.0.2.5}}", "b: {role: router}", "b has no route to 192.0.2.2"),
        ("net: {role: router}", "net: {role: instance}", "net does not forward"),
    ])
    func `The far end is not reached`(_ old: String, _ new: String, _ why: String) throws {
        let found = try shortcomings(old, new)
        // That no answer comes to the probe follows from it.
        #expect(found.map(\.subject) == [.tunnel("vpn")])
        #expect(found.first?.message.hasSuffix("so it never comes up: \(why)") == true)
    }

    @Test(arguments: [
        ("a: {role: router,", "a: {role: instance,", "a does not forward"),
        (", routes: 10.1.0.0/24", "", "net has no route to 10.1.0.2"),
        (
            "right: {role: instance, routes: {0.0.0.0/0: 10.2.0.1}}", "right: {role: instance}",
            "right has no route to 10.1.0.2"
        ),
    ])
    func `No answer can come`(_ old: String, _ new: String, _ why: String) throws {
        let found = try shortcomings(old, new)
        #expect(found.map(\.subject) == [.probe("across")] && found.map(\.message) == ["no answer can come: \(why)"])
    }

    @Test func `A probe that is meant to be lost`() throws {
        let lost = try shortcomings(
            "across: {from: left, to: right}", "across: {from: left, to: 10.3.0.1, awaited: no}")
        #expect(lost == [])
    }

    /// A gateway is known by what it does.
    @Test(arguments: ["a", "b"])
    func `Who ends a tunnel forwards unless the file says otherwise`(_ node: String) throws {
        let role = "\(node): {role: router, "
        #expect(try shortcomings(role, "\(node): {") == [])
        #expect(try shortcomings(role, "\(node): {role: instance, ") != [])
        #expect(try shortcomings(role, "\(node): {sysctls: {net.ipv4.ip_forward: 0}, ") != [])
    }

    /// Over IPv6, what policies take needs a route of IPv4 all the same, and leaves by IPv6.
    @Test func `What a policy takes is not held up where its route leads`() throws {
        let text = """
            name: sites
            nodes:
              left: {role: instance, routes: {0.0.0.0/0: 10.1.0.1}}
              a: {role: router, routes: {"::/0": "2001:db8:a::1", 0.0.0.0/0: 10.1.0.2}}
              net: {role: router}
              b: {role: router, routes: {"::/0": "2001:db8:b::1", 0.0.0.0/0: 10.2.0.2}}
              right: {role: instance, routes: {0.0.0.0/0: 10.2.0.1}}
            links:
              west: {ends: {left:eth0: 10.1.0.2/24, a:lan: 10.1.0.1/24}}
              east: {ends: {right:eth0: 10.2.0.2/24, b:lan: 10.2.0.1/24}}
              wan-a: {ends: {a:wan: "2001:db8:a::2/64", net:a: "2001:db8:a::1/64"}}
              wan-b: {ends: {b:wan: "2001:db8:b::2/64", net:b: "2001:db8:b::1/64"}}
            tunnels:
              vpn:
                psk: Example1
                selectors: {a: 10.1.0.0/24, b: 10.2.0.0/24}
                ike: {encryption: aes-256-cbc, integrity: sha2-256, group: 14}
                esp: {encryption: aes-256-cbc, integrity: sha2-256}
                ends:
                  a: {address: "2001:db8:a::2"}
                  b: {address: "2001:db8:b::2", startup: listen}
            probes:
              across: {from: left, to: right}

            """
        let found = { (text: String) in
            Predictor(topology: try PredictedLab.resolve(text), versions: DaemonVersions([:])).shortcomings
        }
        #expect(try found(text) == [])
        // What no policy takes leaves by that route.
        let other = try found(text.replacing("selectors: {a: 10.1.0.0/24,", with: "selectors: {a: 10.9.0.0/24,"))
        #expect(!other.isEmpty)
    }
}
