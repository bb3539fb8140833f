import LabFiles
import LabModel
import Testing

@testable import Daemons

/// A lab file's options in the words of either daemon.
@Suite("Options of tunnels in daemons' files")
struct OptionsTests {
    private func contents(_ daemon: String, _ options: String) throws -> [String] {
        let text = """
            name: pair
            nodes:
              west: {role: router, ike: \(daemon), routes: {0.0.0.0/0: 192.0.2.2}}
              east: {role: router, ike: \(daemon), routes: {0.0.0.0/0: 192.0.2.1}}
            links:
              wire: {ends: {west:e0: 192.0.2.1/24, east:e0: 192.0.2.2/24}}
            tunnels:
              vpn:
                psk: an-example-key
                ike: {encryption: aes-256-cbc, integrity: sha2-256, group: 14}
                esp: [{encryption: aes-256-gcm-16}, {encryption: aes-128-cbc, integrity: sha1}]
                dpd: {delay: 10s, timeout: 30s}
                selectors:
                  - {west: 10.1.0.0/24, east: 10.2.0.0/24}
                  - {west: 10.1.1.0/24, east: 10.2.0.0/24, protocol: udp, ports: {east: 53}}
                \(options)
                ends:
                  west: {address: 192.0.2.1}
                  east: {address: 192.0.2.2, startup: listen}
            """
        let topology = try LabFile(text: text, file: "lab.yaml") { _ in "" }.resolve().topology
        let daemon = try #require(topology.keyDaemonProfile(of: "west"))
        return daemon.setUp(at: "west", in: topology).files.map { $0.contents.reveal() }
    }

    private static let all =
        "esn: true\n    replay-window: 256\n    force-encapsulation: true\n    ike-fragmentation: false\n    mobike: true\n    rekey-margin: 5m"

    @Test(arguments: [
        ("conn vpn-1\n", ""), ("conn vpn-2\n", ""), ("esn=yes", all), ("replay-window=256", all),
        ("encapsulation=yes", all),
        ("fragmentation=no", all), ("mobike=yes", all), ("rekeymargin=300s", all),
        ("phase2alg=aes_gcm256,aes_cbc128-sha1", ""), ("leftprotoport=17/0", ""), ("rightprotoport=17/53", ""),
        ("ikev1-policy=accept", "ike-version: 1"), ("aggressive=yes", "ike-version: 1\n    aggressive: true"),
        ("dpdtimeout=30s", "ike-version: 1"), ("ikev2=never", "ike-version: 1"),
    ])
    func `Of libreswan`(line: String, options: String) throws {
        #expect(try contents("libreswan", options).contains { $0.contains(line) })
    }

    @Test(arguments: [
        ("vpn-1 {", ""), ("vpn-2 {", ""), ("-esn", all), ("replay_window = 256", all), ("encap = yes", all),
        ("fragmentation = no", all), ("mobike = yes", all), ("rekey_time = 3300s", all),
        ("esp_proposals = aes256gcm128, aes128-sha1", ""), ("remote_ts = 10.2.0.0/24[17/53]", ""),
        ("version = 1", "ike-version: 1"), ("dpd_timeout = 30s", "ike-version: 1"),
        ("i_dont_care_about_security_and_use_aggressive_mode_psk = yes", "ike-version: 1\n    aggressive: true"),
    ])
    func `Of strongSwan`(line: String, options: String) throws {
        #expect(try contents("strongswan", options).contains { $0.contains(line) })
    }
}
