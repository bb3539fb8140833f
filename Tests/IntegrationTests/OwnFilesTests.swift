import Foundation
import Testing

/// Two gateways with their user's own files of libreswan, of the protocol before this one:
///
///     left <=== vpn ===> right
///
// Waiting for other labs counts, too.
@Suite(.serialized, .timeLimit(.minutes(60)))
struct OwnFilesTests {
    private static func write(in home: LabHome, setup: String) throws -> String {
        let directory = home.path.appending("own")
        try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: false)
        let lab = """
            name: own
            nodes:
              left: {role: router}
              right: {role: router}
            links:
              wire: {ends: {left:eth0: 203.0.113.1/30, right:eth0: 203.0.113.2/30}, delay: 1ms}
            tunnels:
              vpn:
                ends:
                  left: {config: left.conf, secrets: keys, connection: t, interface: vti1, inside: 169.254.100.1/30}
                  right: {config: right.conf, secrets: keys, connection: t, interface: vti1, inside: 169.254.100.2/30}
            probes:
              across: {from: left, to: 169.254.100.2}
            expect:
              keys: {sa: vpn}
              wire: {encapsulation: across, in: vpn}
            """
        let ends = [("left", 1, 2), ("right", 2, 1)].map { name, own, peer in
            let conf = """
                config setup
                \(setup)
                conn t
                    auto=start
                    ikev2=never
                    authby=secret
                    left=203.0.113.\(own)
                    right=203.0.113.\(peer)
                    leftsubnet=0.0.0.0/0
                    rightsubnet=0.0.0.0/0
                    ike=aes256-sha2_256-dh14
                    esp=aes256-sha2_256-dh14
                    mark=5/0xffffffff
                    vti-interface=vti1
                    vti-routing=no

                """
            return ("\(name).conf", conf)
        }
        for (name, text) in ends + [("lab.yaml", lab), ("keys", ": PSK \"an-example-key-of-a-test\"\n")] {
            try text.write(toFile: "\(directory)/\(name)", atomically: true, encoding: .utf8)
        }
        return directory.string
    }

    @Test func `Files of IKEv1 run as they are, their config setup with them, and what protects packets is seen`()
        async throws
    {
        try await LabHome.with { home in
            let directory = try Self.write(in: home, setup: "    ikev1-policy=accept\n    uniqueids=yes\n")
            let up = try await home.netlab.run("up", directory, "--clock", "paused")
            #expect(up.code == 0 && up.error.contains("conn t is of IKEv1"), up.account)
            let lab = RunningLab(home: home, name: "own")
            let main = try await lab.exec("left", "cat", "/etc/ipsec.conf").output
            #expect(main.contains("ikev1-policy=accept") && main.contains("uniqueids=yes"), "\(main)")
            let check = try await home.netlab.run("check", "own")
            #expect(check.code == 0, check.account)
            let status = try await lab.exec("left", "ipsec", "status").output
            #expect(status.contains("policy: IKEv1+PSK"), "\(status)")
        }
    }
}
