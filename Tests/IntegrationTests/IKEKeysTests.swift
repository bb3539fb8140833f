import Foundation
import SystemPackage
import Testing

/// Captures with the keys of IKE SAs, of the smallest lab with a tunnel:
///
///     left <=== main ===> right
// Waiting for other labs counts, too.
@Suite(.timeLimit(.minutes(60)))
struct IKEKeysTests {
    @Test func `IKE messages of a capture can be read`() async throws {
        try await LabHome.with { home in
            let lab = try await Self.up(in: home)
            let file = home.path.appending("keys.pcapng")
            async let capture = lab.netlab.run(
                "capture", lab.name, "--on", "left:eth0", "-w", file.string, "--with-keys")
            try await Self.makeIKESA(in: lab, captureIn: file)
            for process in Host.processes(naming: file) { kill(process, SIGINT) }
            let result = try await capture
            #expect(result.code == 0 && result.error.contains("and 1 IKE SA in"), result.account)

            // Identity and AUTH of both ends: payloads 35, 36 and 39 (RFC 7296 section 3.2).
            let keys = FilePath("\(file).keys")
            #expect(
                try await Self.payloadsOfIKEAuth(in: file, keys: keys, home).map { $0.intersection([35, 36, 39]) } == [
                    [35, 39], [36, 39],
                ])
            // Without the keys the same messages are one encrypted payload each.
            #expect(try await Self.payloadsOfIKEAuth(in: file, keys: home.path, home) == [[46], [46]])

            try Self.expectMaskedLogs(in: home)
            #expect(try await lab.exec("left", "ipsec", "whack", "--status").output.contains(/000 debug: *\n/))
            let late = try await lab.netlab.run(
                "capture", lab.name, "-w", file.string, "--with-keys", "--for", "10ms")
            #expect(late.code == 0 && late.error.contains("no IKE keys: libreswan tells them only when"), late.account)
        }
    }

    /// What ends a lab leaves no time to the capture.
    @Test func `A lab that ends leaves no keys in its logs`() async throws {
        try await LabHome.with { home in
            let lab = try await Self.up(in: home)
            let file = home.path.appending("keys.pcapng")
            async let capture = lab.netlab.run(
                "capture", lab.name, "--on", "left:eth0", "-w", file.string, "--with-keys")
            try await Self.makeIKESA(in: lab, captureIn: file)
            try await home.netlab.succeed("down", lab.name)
            #expect(try await capture.code == 4)
            try Self.expectMaskedLogs(in: home)
            try await home.expectNothingLeft()
        }
    }

    private static func up(in home: LabHome) async throws -> RunningLab {
        let file = home.path.appending("pair.yaml")
        let text = """
            name: pair
            title: two gateways and a tunnel
            clouds:
              here: {title: Here}
            nodes:
              left: {cloud: here, role: router}
              right: {cloud: here, role: router}
            links:
              wire: {ends: {left:eth0: 203.0.113.1/30, right:eth0: 203.0.113.2/30}, mtu: 1500, rate: 1gbit, delay: 1ms}
            tunnels:
              main:
                psk: an-example-key-of-a-test
                ike: {encryption: aes-256-cbc, integrity: sha2-384, group: 20, lifetime: 28800s}
                esp: {encryption: aes-256-cbc, integrity: sha2-256, pfs-group: 20, lifetime: 3600s}
                mtu: 1438
                ends:
                  left: {address: 203.0.113.1, interface: vpn1, inside: 169.254.100.1/30, startup: listen}
                  right: {address: 203.0.113.2, interface: vpn1, inside: 169.254.100.2/30, startup: initiate}
            """
        try text.write(toFile: file.string, atomically: true, encoding: .utf8)
        try await home.netlab.succeed("up", file.string, "--clock", "paused")
        return RunningLab(home: home, name: "pair")
    }

    /// Makes a new IKE SA once a capture has begun: its file has, and the keys are being logged by then.
    private static func makeIKESA(in lab: RunningLab, captureIn file: FilePath) async throws {
        try await eventually("the capture's file") {
            !(FileManager.default.contents(atPath: file.string) ?? Data()).isEmpty
        }
        try await lab.change("right", "sh", "-c", "ipsec auto --down main && ipsec auto --up main")
    }

    /// The types of the payloads that tshark sees in each IKE_AUTH message.
    private static func payloadsOfIKEAuth(in file: FilePath, keys: FilePath, _ home: LabHome) async throws -> [Set<Int>]
    {
        let result = try await home.netlab.settingVariables(["WIRESHARK_CONFIG_DIR": keys.string]).execute(
            "/usr/bin/tshark",
            ["-n", "-r", file.string, "-Y", "isakmp.exchangetype == 35", "-T", "fields", "-e", "isakmp.typepayload"])
        #expect(result.code == 0, result.account)
        return result.output.split(separator: "\n").map { Set($0.split(separator: ",").compactMap { Int($0) }) }
    }

    /// Keys were in the logs of both ends, and are not any more.
    private static func expectMaskedLogs(in home: LabHome, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let logs = home.state.appending("netlab/logs/pair")
        for node in ["left", "right"] {
            let log = Host.contents("\(logs)/\(node).pluto.log")
            #expect(log.contains(/\| ikev2 I 0x[0-9a-f]{16} 0x[0-9a-f]{16} \*{60,}\n/), sourceLocation: sourceLocation)
            // A key in one piece, or in a dump of bytes.
            #expect(!log.contains(#/[0-9a-f]{24}|\|  +[0-9a-f]{2} [0-9a-f]{2} /#), sourceLocation: sourceLocation)
        }
        #expect(Host.files(below: logs).allSatisfy { $0.hasSuffix(".log") }, sourceLocation: sourceLocation)
    }
}
