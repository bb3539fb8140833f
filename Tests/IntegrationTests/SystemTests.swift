import Foundation
import SystemPackage
import Testing

/// Nodes with a release of Debian's in place of the host's programs: fetched from Debian's archive where it is not in the cache yet.
///
///     left <=== main ===> right
// Fetching takes a while, and so does waiting for other labs.
@Suite(.timeLimit(.minutes(60)), .serialized)
struct SystemTests {
    private static let cache: FilePath = {
        let variables = ProcessInfo.processInfo.environment
        return FilePath(variables["XDG_CACHE_HOME"] ?? "\(variables["HOME"] ?? "/")/.cache").appending("netlab")
    }()

    private static func write(left: String, right: String, in home: LabHome) throws -> FilePath {
        let file = home.path.appending("pair.yaml")
        let text = """
            name: pair
            title: two gateways of two releases
            nodes:
              left: {role: router, \(left)}
              right: {role: router, \(right)}
            links:
              wire: {ends: {left:eth0: 203.0.113.1/30, right:eth0: 203.0.113.2/30}, mtu: 1500, rate: 1gbit, delay: 1ms}
            tunnels:
              main:
                psk: an-example-key-of-a-test
                ike: {encryption: aes-256-cbc, integrity: sha2-384, group: 20, lifetime: 28800s}
                esp: {encryption: aes-256-cbc, integrity: sha2-256, pfs-group: 20, lifetime: 3600s}
                dpd: {delay: 10s, timeout: 30s}
                mtu: 1400
                ends:
                  left: {address: 203.0.113.1, interface: ipsec5, interface-kind: xfrm, inside: 169.254.100.1/30, startup: listen}
                  right: {address: 203.0.113.2, interface: ipsec5, interface-kind: xfrm, inside: 169.254.100.2/30, startup: initiate}
            probes:
              inside: {from: left, to: 169.254.100.2, source: 169.254.100.1}
            expect:
              wire: {encapsulation: inside, in: main}
              associations: {sa: main}
            """
        try text.write(toFile: file.string, atomically: true, encoding: .utf8)
        return file
    }

    /// Brings the pair up; the first time, the release is fetched.
    private static func up(left: String, right: String = "", in home: LabHome) async throws -> RunningLab {
        let file = try write(left: left, right: right, in: home)
        let result = try await home.netlab.run("up", file.string, "--clock", "paused")
        try #require(result.code == 0, result.account)
        return RunningLab(home: home, name: "pair")
    }

    private static func version(_ program: String, at node: String, of lab: RunningLab) async throws -> String {
        try await lab.exec(node, program, "--version").output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    @Test(arguments: [("", "libreswan 5.2"), ("ike: strongswan", "strongSwan 6.0.1")])
    func `A node of Debian 13 has a tunnel with one of the host, which renews`(ike: String, product: String)
        async throws
    {
        try await LabHome.with { home in
            let own = ["system: debian-13", ike].filter { !$0.isEmpty }.joined(separator: ", ")
            let lab = try await Self.up(left: own, in: home)
            let release = try await lab.exec("left", "cat", "/etc/debian_version").output
            #expect(release.hasPrefix("13."))
            // The other node is as it is without.
            #expect(
                try await lab.exec("right", "cat", "/etc/debian_version").output == Host.contents("/etc/debian_version")
            )
            let check = try await home.netlab.run("check", "pair")
            #expect(check.code == 0 && check.output.contains("2 passed"), check.account)
            let status = try await home.netlab.run("status", "pair")
            #expect(status.output.contains("\(product), of debian-13"), status.account)

            let before = try await lab.status().tunnels.first?.ends.first?.inbound?.spi
            #expect(before != nil)
            _ = try await lab.clock("advance", "2h")
            #expect(try await lab.status().tunnels.first?.ends.first?.inbound?.spi != before)
            let again = try await home.netlab.run("check", "pair")
            #expect(again.code == 0, again.account)

            // What was measured for another version is not claimed for this one.
            let predicted = try await home.netlab.run(
                "predict", home.path.appending("pair.yaml").string, "--fault", "link wire down")
            #expect(predicted.output.contains("\(product) in debian-13, and its figures were measured with") == false)
            #expect(
                predicted.output.contains(
                    "\(product.replacing(" ", with: " is ")) in debian-13, and its figures were measured with"),
                predicted.account)
        }
    }

    /// Both ends are of the release, so that the keys can be from nobody else.
    @Test func `IKE messages between plutos of Debian 13 can be read, and no key stays in a log`() async throws {
        try await LabHome.with { home in
            let lab = try await Self.up(left: "system: debian-13", right: "system: debian-13", in: home)
            #expect(try await Self.version("ipsec", at: "right", of: lab) == "Libreswan 5.2")
            let file = home.path.appending("keys.pcapng")
            async let capture = lab.netlab.run(
                "capture", lab.name, "--on", "left:eth0", "-w", file.string, "--with-keys")
            try await eventually("the capture's file") {
                !(FileManager.default.contents(atPath: file.string) ?? Data()).isEmpty
            }
            try await lab.change("right", "sh", "-c", "ipsec auto --down main && ipsec auto --up main")
            for process in Host.processes(naming: file) { kill(process, SIGINT) }
            let result = try await capture
            #expect(result.code == 0 && result.error.contains("and 1 IKE SA in"), result.account)
            for node in ["left", "right"] {
                let log = Host.contents("\(home.state)/netlab/logs/pair/\(node).pluto.log")
                #expect(log.contains(/\| ikev2 I 0x[0-9a-f]{16} 0x[0-9a-f]{16} \*{60,}\n/))
                #expect(!log.contains(#/[0-9a-f]{24}|\|  +[0-9a-f]{2} [0-9a-f]{2} /#))
            }
        }
    }

    /// The release as a root directory of a user's own, in which no list says what is installed.
    @Test func `A root directory is a node's system`() async throws {
        try await LabHome.with { home in
            let fetched = try await Self.up(left: "system: debian-13", in: home)
            try await home.netlab.succeed("down", fetched.name)
            let root = Self.cache.pushing("systems/debian-13/root")
            let lab = try await Self.up(left: "system: \(root)", in: home)
            #expect(try await Self.version("ipsec", at: "left", of: lab) == "Libreswan 5.2")
            let status = try await home.netlab.run("status", "pair")
            #expect(status.output.contains("libreswan not known, of \(root)"), status.account)
            let missing = try await lab.exec("left", "gcc")
            #expect(missing.code != 0 && missing.error.contains("is not in the system of left"), missing.account)
        }
    }

    /// In a network namespace without a network, as any user may make one.
    @Test func `A release that cannot be fetched is one error, and nothing half-made is left`() async throws {
        try await LabHome.with { home in
            let file = try Self.write(left: "system: debian-13", right: "", in: home)
            let cache = home.path.appending("cache")
            let own = cache.appending("netlab")
            try FileManager.default.createDirectory(atPath: own.string, withIntermediateDirectories: true)
            for name in ["kernels", "strongswan"] {
                try FileManager.default.createSymbolicLink(
                    atPath: own.appending(name).string, withDestinationPath: Self.cache.appending(name).string)
            }
            let result = try await home.netlab.settingVariables(["XDG_CACHE_HOME": cache.string]).execute(
                "/usr/bin/unshare", ["--user", "--map-root-user", "--net", Netlab.program.string, "up", file.string])
            #expect(result.code == 3, result.account)
            #expect(result.error.contains("cannot be had from Debian's trixie: E: Failed to fetch"), result.account)
            let left = try FileManager.default.contentsOfDirectory(atPath: own.appending("systems").string)
            #expect(left == [".lock"])
        }
    }
}
