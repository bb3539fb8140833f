import Foundation
import SystemPackage
import Testing

/// Two gateways with strongSwan, with a group that libreswan lacks; one of them by a user's own swanctl.conf:
///
///     left <=== main ===> right
///
// Waiting for other labs counts, too.
@Suite(.serialized, .timeLimit(.minutes(60)))
struct StrongSwanTests {
    private static let swanctl = """
        connections {
          azure {
            version = 2
            local_addrs = 203.0.113.1
            remote_addrs = 203.0.113.2
            proposals = aes256gcm16-prfsha256-modp1024
            if_id_in = 42
            if_id_out = 42
            rekey_time = 7h
            over_time = 1h
            local {
              auth = psk
            }
            remote {
              auth = psk
            }
            children {
              net {
                local_ts = 0.0.0.0/0
                remote_ts = 0.0.0.0/0
                esp_proposals = aes256-sha256
                rekey_time = 50m
                life_time = 60m
                start_action = start
              }
            }
          }
        }
        secrets {
          ike-azure {
            secret = "an-example-key-of-a-test"
          }
        }
        """

    /// - Parameter left: What is written of the left end.
    private static func write(in home: LabHome, left: String) throws -> String {
        let directory = home.path.appending("swans")
        try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: false)
        let text = """
            name: swans
            title: two gateways with strongSwan
            clouds:
              here: {title: Here}
              there: {title: There}
            nodes:
              left: {cloud: here, role: router, ike: strongswan}
              right: {cloud: there, role: router, ike: strongswan}
            links:
              wire: {ends: {left:eth0: 203.0.113.1/30, right:eth0: 203.0.113.2/30}, mtu: 1500, rate: 1gbit, delay: 1ms}
            tunnels:
              main:
                psk: an-example-key-of-a-test
                ike: {encryption: aes-256-gcm-16, integrity: sha2-256, group: 2, lifetime: 8h}
                esp: {encryption: aes-256-cbc, integrity: sha2-256, lifetime: 1h}
                dpd: {delay: 10s, timeout: 30s}
                mtu: 1400
                ends:
                  left: {\(left), interface: xfrm1, inside: 169.254.100.1/30}
                  right: {address: 203.0.113.2, interface: xfrm1, inside: 169.254.100.2/30, startup: listen}
            probes:
              across: {from: left, to: 169.254.100.2}
            expect:
              sa: {sa: main}
              wire: {encapsulation: across, in: main}
            """
        try text.write(toFile: "\(directory)/lab.yaml", atomically: true, encoding: .utf8)
        try swanctl.write(toFile: "\(directory)/mine.conf", atomically: true, encoding: .utf8)
        return directory.string
    }

    private static func up(in home: LabHome, left: String) async throws -> RunningLab {
        try await home.netlab.succeed("up", try write(in: home, left: left), "--clock", "paused")
        return RunningLab(home: home, name: "swans")
    }

    private static let own = "config: mine.conf, connection: azure"
    private static let generated = "address: 203.0.113.1"

    @Test func `A user's swanctl.conf is used word for word, and what it negotiates is seen`() async throws {
        try await LabHome.with { home in
            let lab = try await Self.up(in: home, left: Self.own)
            #expect(try await lab.exec("left", "cat", "/etc/swanctl/conf.d/mine.conf").output == Self.swanctl)
            let list = try await lab.exec("left", "swanctl", "--list-sas")
            #expect(
                list.output.contains("azure: #") && list.output.contains("AES_GCM_16-256/PRF_HMAC_SHA2_256/MODP_1024"),
                list.account)
            let check = try await home.netlab.run("check", "swans")
            #expect(check.code == 0, check.account)
            // Keys are in no plan and no log.
            let plan = try await home.netlab.run("plan", "\(home.path)/swans", "--format", "json")
            #expect(!plan.output.contains("an-example-key-of-a-test"))
            for node in ["left", "right"] {
                let log = try await home.netlab.run("logs", "swans", "\(node)/charon").output
                #expect(log.contains("IKE_SA") && !log.contains("an-example-key"))
            }

            for fault in [
                "mismatch main psk at left", "mismatch main ike at left", "mismatch main esp at left",
                "mismatch main ike at right",
            ] {
                _ = try await lab.fail([fault])
                _ = try await lab.clock("advance", "5s")
                #expect(try await lab.status().tunnel("main")?.state == "down", "\(fault)")
                #expect(try await lab.status().tunnel("main")?.associations.isEmpty == true, "\(fault)")
                _ = try await lab.heal()
                _ = try await lab.until("tunnel main up", within: .seconds(60))
                #expect(try await lab.ping("169.254.100.2", from: "left", count: 1).isLossless, "\(fault)")
            }
            #expect(try await lab.exec("left", "cat", "/etc/swanctl/conf.d/mine.conf").output == Self.swanctl)
        }
    }

    @Test func `charon is killed, halted and restarted, and a silent peer is given up in time`() async throws {
        try await LabHome.with { home in
            let lab = try await Self.up(in: home, left: Self.generated)
            // strongswan.service flushes nothing: the kernel goes on with what it has.
            _ = try await lab.fail(["daemon right/charon killed"])
            #expect(try await lab.ping("169.254.100.2", from: "left", count: 1).isLossless)
            // The last packet, 10 s, and questions for 20 s; charon counts whole seconds.
            let death = try await lab.until("tunnel main down", within: .seconds(60))
            #expect((.seconds(29)...(.seconds(33))).contains(death), "\(death)")
            _ = try await lab.heal()
            _ = try await lab.until("tunnel main up", within: .seconds(120))
            #expect(try await lab.ping("169.254.100.2", from: "left", count: 1).isLossless)

            _ = try await lab.fail(["daemon right/charon stopped"])
            #expect(try await lab.status().isRunning("right/charon") == false)
            _ = try await lab.heal()
            #expect(try await lab.status().isRunning("right/charon") == true)

            let before = try await lab.status().tunnel("main")?.associations.map(\.spi)
            _ = try await lab.fail(["daemon left/charon restarted"])
            _ = try await lab.until("tunnel main up", within: .seconds(60))
            #expect(try await lab.status().tunnel("main")?.associations.map(\.spi) != before)

            _ = try await lab.fail(["sa main deleted at right"])
            _ = try await lab.heal()
            _ = try await lab.until("tunnel main up", within: .seconds(60))
            #expect(try await lab.ping("169.254.100.2", from: "left", count: 1).isLossless)
        }
    }

    @Test func `IKE messages of a capture can be read, and keys never leave the lab's memory`() async throws {
        try await LabHome.with { home in
            let lab = try await Self.up(in: home, left: Self.generated)
            let file = home.path.appending("keys.pcapng")
            async let capture = lab.netlab.run(
                "capture", lab.name, "--on", "left:eth0", "-w", file.string, "--with-keys")
            try await eventually("the capture's file") {
                !(FileManager.default.contents(atPath: file.string) ?? Data()).isEmpty
            }
            try await lab.change(
                "left", "sh", "-c",
                "swanctl --terminate --ike main && swanctl --initiate --child main && swanctl --rekey --ike main && sleep 1"
            )
            for process in Host.processes(naming: file) { kill(process, SIGINT) }
            let result = try await capture
            #expect(result.code == 0 && result.error.contains("and 2 IKE SAs in"), result.account)
            let fields = try await home.netlab.settingVariables(["WIRESHARK_CONFIG_DIR": "\(file).keys"]).execute(
                "/usr/bin/tshark",
                [
                    "-n", "-r", file.string, "-Y", "isakmp.exchangetype == 35", "-T", "fields", "-e",
                    "isakmp.typepayload",
                ])
            let payloads = fields.output.split(separator: "\n").map {
                Set($0.split(separator: ",").compactMap { Int($0) })
            }
            // Identity and AUTH of both ends: payloads 35, 36 and 39 (RFC 7296 section 3.2).
            #expect(
                payloads.contains { $0.isSuperset(of: [35, 39]) } && payloads.contains { $0.isSuperset(of: [36, 39]) },
                fields.account)
            #expect(try await lab.exec("left", "ls", "/run/strongswan").output == "charon.vici\n")
            for node in ["left", "right"] {
                #expect(!Host.contents("\(home.state)/netlab/logs/swans/\(node).charon.log").contains("Sk_"))
            }
        }
    }

    @Test func `A lab that runs strongSwan says so where it is missing, and others come up`() async throws {
        try await LabHome.with { home in
            // A cache with the lab kernel, and without strongSwan.
            let real = ProcessInfo.processInfo.environment["XDG_CACHE_HOME"] ?? "\(NSHomeDirectory())/.cache"
            let cache = home.path.appending("cache/netlab")
            try FileManager.default.createDirectory(atPath: cache.string, withIntermediateDirectories: true)
            try FileManager.default.createSymbolicLink(
                atPath: "\(cache)/kernels", withDestinationPath: "\(real)/netlab/kernels")
            let netlab = home.netlab.settingVariables(["XDG_CACHE_HOME": home.path.appending("cache").string])
            let pair = try home.writePair()
            try await netlab.succeed("up", pair, "--clock", "paused")
            try await netlab.succeed("down", "pair")
            let refused = try await netlab.run("up", try Self.write(in: home, left: Self.generated))
            #expect(refused.code == 3 && refused.error.contains("strongSwan is not in netlab's cache"), refused.account)
            let doctor = try await netlab.run("doctor")
            #expect(
                doctor.output.contains("strongSwan") && doctor.output.contains("not in netlab's cache"), doctor.account)
        }
    }
}
