import DaemonProfiles
import Daemons
import Foundation
import LabFiles
import LabModel
import Testing

/// Real output of the daemons in a lab kernel, kept as files.
enum Fixture {
    static func text(_ name: String) throws -> String {
        let url = try #require(Bundle.module.url(forResource: name, withExtension: nil, subdirectory: "Fixtures"))
        return try String(contentsOf: url, encoding: .utf8)
    }

    /// Two gateways with a used and an unused tunnel, and a session over the used one.
    static func topology(_ change: (String) -> String = { $0 }) throws -> Topology {
        let lab = """
            name: two
            nodes:
              tgw: {role: router, routes: {198.51.100.8/29: 203.0.113.9}}
              internet: {role: router}
              drg: {role: router, routes: {203.0.113.8/29: 198.51.100.9}}
            links:
              a: {ends: {tgw:wan1: [203.0.113.10/30, 192.0.2.10/30], internet:a: [203.0.113.9/30, 192.0.2.9/30]}}
              b: {ends: {drg:wan1: 198.51.100.10/30, internet:b: 198.51.100.9/30}}
            tunnels:
              main:
                psk: main-tunnel-example-key
                ike: {encryption: aes-256-cbc, integrity: sha2-384, group: 20, lifetime: 28800s}
                esp: {encryption: aes-256-cbc, integrity: sha2-256, pfs-group: 5, lifetime: 3600s}
                dpd: {delay: 10s, timeout: 30s}
                ends:
                  tgw: {address: 203.0.113.10, interface: vpn1, inside: 169.254.100.1/30, startup: listen, dpd-action: clear}
                  drg: {address: 198.51.100.10, interface: vpn1, inside: 169.254.100.2/30, startup: initiate, dpd-action: restart}
              main-2:
                unused: true
                psk: second-tunnel-example-key
                ike: {encryption: aes-256-gcm-16, integrity: sha2-256, group: 14}
                esp: {encryption: aes-256-gcm-16, lifetime: 5m}
                ends:
                  tgw: {address: 192.0.2.10, interface: vpn2, inside: 169.254.101.1/30}
                  drg: {address: 198.51.100.10, interface: vpn2, inside: 169.254.101.2/30}
            bgp:
              main:
                over: main
                password: bgp-key
                speakers:
                  tgw: {asn: 64512, keepalive: 10s, hold: 30s, advertise: [10.2.0.0/16, 10.3.0.0/16]}
                  drg: {asn: 31898, keepalive: 60s, hold: 180s}
            """
        let files = [
            "main.conf":
                "conn mine\n    authby=secret\n    auto=start\n    left=203.0.113.10\n    mark=9\n    vti-interface=vti5\n",
            "mine.keys": ": PSK \"mine\"\n",
            "own.conf": "router id 1.1.1.1;\n",
        ]
        return try LabFile(text: change(lab), file: "lab.yaml") { try #require(files[$0]) }.resolve().topology
    }
}

extension [ConfigurationFile] {
    /// The revealed text of a file by its path.
    subscript(path: String) -> String? {
        first { $0.path == path }?.contents.reveal()
    }
}
