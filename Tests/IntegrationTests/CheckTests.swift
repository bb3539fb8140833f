import Foundation
import Testing

/// The article's lab against what its file expects, as it is and with its main path cut.
@Suite(.serialized, .lab("aws-oci"), .timeLimit(.minutes(60)))
struct CheckTests {
    static let byBackup: Set = [
        "workload-by-backup", "workload-path-by-backup", "workload-rtt-by-backup", "workload-mtu-by-backup",
        "workload-mss-by-backup",
    ]
    static let byMain: Set = [
        "main-on-the-wire", "main-path", "main-rtt", "main-mtu", "main-mtu-back", "main-mss", "main-rate",
        "main-routes", "main-routes-back",
    ]

    let lab: RunningLab

    init() throws { lab = try .current }

    @Test func `The lab is as its file expects`() async throws {
        let check = try await lab.check()
        #expect(check.code == 0, check.account)
        #expect(check.report.lab == "aws-oci" && check.report.outcome == "pass")
        #expect(check.report.names("not_applicable") == Self.byBackup, check.account)
        #expect(check.report.names("pass").isSuperset(of: Self.byMain), check.account)
        #expect(
            check.report.names("pass").count + Self.byBackup.count == check.report.verdicts.count, check.account)
        #expect(check.report.verdicts.allSatisfy { $0.evidence.isEmpty && $0.rule.contains("lab.yaml:") })
        // The capture stays, and is for its owner only; what it was made from does not.
        #expect(check.report.capture == "\(lab.logs)/check.pcapng")
        let files = Host.files(below: lab.logs).filter { !$0.hasSuffix(".log") }
        #expect(files == ["check.pcapng"])
        let attributes = try FileManager.default.attributesOfItem(atPath: "\(lab.logs)/check.pcapng")
        #expect(attributes[.posixPermissions] as? Int == 0o600)
    }

    @Test func `Only some expectations or kinds`() async throws {
        let check = try await lab.check("--only", "main-bgp, rtt")
        #expect(check.code == 0, check.account)
        #expect(
            check.report.verdicts.map(\.expectation) == [
                "main-rtt", "main-bgp", "backup-rtt", "workload-rtt-by-backup",
            ])
        let table = try await lab.netlab.succeed("check", lab.name, "--only", "main-sa,workload-rtt-by-backup").output
        #expect(
            table.contains(
                /✓ main-sa +tgw 2 SAs, IKE AES_CBC_256-HMAC_SHA2_384-DH20; drg 2 SAs, IKE AES_CBC_256-HMAC_SHA2_384-DH20\n/
            ), "\(table)")
        #expect(table.contains(/· workload-rtt-by-backup +not now: "bgp main down/), "\(table)")
        #expect(table.hasSuffix("\naws-oci: 1 passed, 1 not applicable\n"), "\(table)")
    }

    @Test func `An unknown expectation gets a suggestion`() async throws {
        let result = try await lab.netlab.run("check", lab.name, "--only", "rtt,main-bpg")
        #expect(result.code == 2, result.account)
        #expect(result.error.contains(#"has no expectation "main-bpg""#), result.account)
        #expect(result.error.contains(#"Did you mean "main-bgp"?"#), result.account)
        #expect(result.output.isEmpty)
    }

    @Test func `A check broken off leaves nothing`() async throws {
        async let result = lab.netlab.run("check", lab.name)
        let spools = { Host.files(below: lab.logs).filter { $0.hasPrefix("check-") } }
        try await eventually("the check's capture") {
            spools().contains { !Host.contents("\(lab.logs)/\($0)").isEmpty }
        }
        for spool in spools() { kill(try #require(pid_t(spool.filter(\.isNumber))), SIGINT) }
        #expect(try await result.code == 130)
        try await eventually("no file of the check's") { spools().isEmpty }
        #expect(try await lab.check("--only", "main-bgp").code == 0)
    }

    /// The last one: it leaves the main path's BGP to come back.
    @Test func `With the main path cut the backup is held against its own expectations`() async throws {
        try await lab.change("internet", "ip", "link", "set", "aws-vpn1", "down")
        _ = try await lab.until("bgp main down", within: .seconds(60))
        _ = try await lab.until("route tgw 10.105.2.0/24 absent", within: .seconds(60))
        _ = try await lab.until("route drg 10.2.0.0/16 absent", within: .seconds(60))
        let check = try await lab.check()
        // What is always expected is not there: the session, and after a while the tunnel.
        #expect(check.code == 1, check.account)
        #expect(check.report.names("fail").union(["main-sa"]) == ["main-bgp", "main-sa"], check.account)
        #expect(check.report.names("not_applicable") == Self.byMain, check.account)
        #expect(check.report.names("pass").isSuperset(of: Self.byBackup), check.account)
        let wire = try #require(check.report["workload-by-backup"])
        #expect(wire.expected.contains("only as esp-in-udp (aes-256-gcm-16)"))
        #expect(wire.seen.contains("opened and authentic"))
        let path = try #require(check.report["workload-path-by-backup"])
        #expect(
            path.seen.hasPrefix("vpc1 > tgw > vpc2 > vpc2-ec2 > backup > vcn2-vm > vcn2 > drg > vcn1, back by vcn1 > "))
        #expect(check.report["workload-rtt-by-backup"]?.expected.contains("4.000 ms ± 100us") == true)
        #expect(check.report["workload-mtu-by-backup"]?.seen.hasPrefix("1438 bytes pass, 1439 are ") == true)
        #expect(check.report["workload-mss-by-backup"]?.seen.hasPrefix("SYN 1460 > 1398, SYN-ACK 1460 > 1398") == true)

        // On the wire the Elastic IP is the source, not the instance's own address.
        let file = lab.home.path.appending("cut.pcapng")
        let capture = try await lab.capturing("--on", "internet:oci-igw", "-w", file.string) { () async throws in
            #expect(try await lab.ping("10.105.2.100", from: "vpc1-ec2").isLossless)
        }
        #expect(capture.code == 0, capture.account)
        let packets = try await lab.packets(in: file)
        let sent = packets.filter { !$0.isInbound }
        #expect(sent.count >= 3)
        #expect(packets.allSatisfy { $0.wrappings == ["esp-in-udp"] })
        #expect(sent.allSatisfy { $0.outer?.source == "203.0.113.20" && $0.outer?.destination == "198.51.100.20" })

        // Without the link that is down, and saying so.
        let short = try await lab.netlab.run("capture", lab.name, "--for", "10ms")
        #expect(short.code == 0, short.account)
        #expect(short.error.contains("not captured, being down: internet:aws-vpn1"), short.account)
        let none = try await lab.netlab.run("capture", lab.name, "--on", "internet:aws-vpn1", "--for", "10ms")
        #expect(none.code == 2, none.account)
        #expect(none.error.contains("internet:aws-vpn1 is down"), none.account)
    }
}
