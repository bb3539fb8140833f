import Daemons
import LabFiles
import LabModel

/// The lab that texts and captures are about.
///
///     west ── gw1 ══ wire ══ gw2 ── east
enum SmallLab {
    static let text = """
        name: small
        clouds: {one: {title: One}, two: {title: Two}}
        defaults: {link: {mtu: 1500, rate: 1gbit, delay: 1ms}}
        nodes:
          west: {cloud: one, zone: a, routes: {0.0.0.0/0: 10.1.0.1}, security: [{from: 10.0.0.0/8, protocol: icmp}]}
          gw1: {cloud: one, zone: a, role: router}
          igw: {cloud: one, role: internet-gateway, nat: {outside: wan, map: {192.0.2.20: 10.1.9.2}}}
          gw2: {cloud: two, role: router, ike: strongswan}
          east: {cloud: two, routes: {0.0.0.0/0: 10.2.0.1}}
        links:
          west-lan: {ends: {west:eth0: 10.1.0.2/24, gw1:lan: 10.1.0.1/24}}
          wire: {ends: {gw1:wan: 203.0.113.1/24, gw2:wan: 203.0.113.2/24}}
          igw-inside: {ends: {gw1:nat: 10.1.9.2/24, igw:lan: 10.1.9.1/24}}
          igw-outside: {ends: {igw:wan: 192.0.2.1/24, gw2:nat: 192.0.2.2/24}}
          east-lan: {vlan: 7, ends: {gw2:lan: 10.2.0.1/24, east:eth0: 10.2.0.2/24}}
        tunnels:
          main:
            psk: example-key-of-main
            ike: {encryption: aes-256-cbc, integrity: sha2-384, group: 20, lifetime: 8h}
            esp: {encryption: aes-256-cbc, integrity: sha2-256, lifetime: 1h}
            ends:
              gw1: {address: 203.0.113.1, interface: vpn1, inside: 169.254.1.1/30, startup: listen}
              gw2: {address: 203.0.113.2, interface: vpn1, inside: 169.254.1.2/30}
        bgp:
          main:
            over: main
            password: example-password
            speakers:
              gw1: {asn: 64512, keepalive: 10s, hold: 30s, advertise: 10.1.0.0/24}
              gw2: {asn: 65001, keepalive: 60s, hold: 180s, advertise: 10.2.0.0/24}
        probes:
          there: {from: west, to: east}
          back: {from: east, to: west}
        expect:
          wrapped: {encapsulation: [there, back], in: main, as: [esp]}
          open: {encapsulation: there, as: 6in4, on: [west-lan]}
          secret: {confidentiality: [there, back], allow: [arp, ike]}
          signed: {md5: main}

        """

    static let topology: Topology = {
        do {
            return try LabFile(text: text, file: "lab.yaml") { _ in "" }.resolve().topology
        } catch {
            fatalError("\(error)")
        }
    }()

    /// A lab with one tunnel whose second end brings its own configuration along, in a file of any name.
    static func own(_ daemon: any KeyDaemon) -> String {
        """
        name: own
        nodes:
          a: {role: router, ike: \(daemon.keyword)}
          b: {role: router, ike: \(daemon.keyword)}
        links:
          w: {ends: {a:w: 203.0.113.10/24, b:w: 203.0.113.11/24}}
        tunnels:
          t:
            psk: example-key
            ike: {encryption: aes-256-cbc, integrity: sha2-256, group: 14}
            esp: {encryption: aes-256-cbc, integrity: sha2-256}
            ends:
              a: {address: 203.0.113.10, interface: x}
              b: {config: own.conf, secrets: own.secrets, connection: mine, interface: x}
        """
    }
}
