import Testing

/// The paths fail, one at a time, and come back:
///
///     tgw <-> internet <-> drg             main:   link aws-vpn-1
///     aws-igw <-> internet <-> oci-igw     backup: link aws-internet
@Suite(.serialized, .lab("aws-oci"), .timeLimit(.minutes(60)))
struct FailoverTests {
    let lab: RunningLab

    init() throws { lab = try .current }

    @Test func `Main down: the backup carries; main back: main carries`() async throws {
        let start = try await lab.clock().time
        try await lab.change("internet", "ip", "link", "set", "aws-vpn1", "down")
        // A speaker heard the other at most a keepalive of 10 s ago, and gives up 30 s after that; BIRD shortens its timers
        // by up to a quarter.
        let down = try await lab.clock("until", "bgp main down", "--within", "60s").time
        #expect((.seconds(12) ... .seconds(31)).contains(down - start))
        // The one that gives up last needs up to 3 s more until BIRD has stopped the protocol and its routes are gone.
        _ = try await lab.clock("until", "route tgw 10.105.2.0/24 absent", "--within", "60s")
        let end = try await lab.clock("until", "route drg 10.2.0.0/16 absent", "--within", "60s").time
        #expect(end - start < .seconds(34))

        let failed = try await lab.status()
        #expect(failed.tunnels(ofPath: "workload") == ["backup"])
        #expect(failed.tunnels(ofPath: "workload-back") == ["backup"])
        #expect(failed.sessions.flatMap(\.speakers).allSatisfy { $0.state != "Established" && $0.imported.isEmpty })
        for (node, address) in [("vpc1-ec2", "10.105.2.100"), ("vcn1-vm", "10.2.3.100")] {
            _ = try await lab.ping(address, from: node, count: 1)
            let ping = try await lab.ping(address, from: node)
            #expect(ping.isLossless)
            // The article measured 4 ms.
            #expect((3.9...4.1).contains(try #require(ping.longest)))
        }

        try await lab.change("internet", "ip", "link", "set", "aws-vpn1", "up")
        _ = try await lab.clock("until", "bgp main up", "--within", "180s")
        _ = try await lab.clock("until", "route tgw 10.105.2.0/24 present", "--within", "5s")
        _ = try await lab.clock("until", "route drg 10.2.0.0/16 present", "--within", "5s")
        let restored = try await lab.status()
        #expect(restored.tunnel("main")?.state == "up")
        #expect(restored.tunnels(ofPath: "workload") == ["main"])
        #expect(restored.tunnels(ofPath: "workload-back") == ["main"])
        _ = try await lab.ping("10.105.2.100", from: "vpc1-ec2", count: 1)
        let ping = try await lab.ping("10.105.2.100", from: "vpc1-ec2")
        #expect(ping.isLossless)
        #expect((2.9...3.1).contains(try #require(ping.longest)))
    }

    @Test func `Backup down leaves main untouched`() async throws {
        #expect(try await lab.ping("192.168.2.1", from: "vcn2-vm").received > 0)
        // What the cut before this has begun, liveness and negotiations of both ends at once, is over by then.
        _ = try await lab.clock("advance", "3m")
        let before = try await lab.status()
        try await lab.change("internet", "ip", "link", "set", "aws-igw", "down")
        #expect(try await lab.ping("192.168.2.1", from: "vcn2-vm").received == 0)
        _ = try await lab.clock("advance", "2m")
        let after = try await lab.status()
        #expect(after.tunnels(ofPath: "workload") == ["main"])
        #expect(after.tunnels(ofPath: "workload-back") == ["main"])
        #expect(after.sessions.flatMap(\.speakers).map(\.state) == ["Established", "Established"])
        #expect(after.tunnel("main")?.associations.map(\.spi) == before.tunnel("main")?.associations.map(\.spi))
        #expect(try await lab.ping("10.105.2.100", from: "vpc1-ec2").isLossless)
        #expect(try await lab.ping("10.2.3.100", from: "vcn1-vm").isLossless)
        // The route went with its interface.
        try await lab.change("internet", "ip", "link", "set", "aws-igw", "up")
        try await lab.change("internet", "ip", "route", "add", "203.0.113.20/32", "via", "192.0.2.2")
        _ = try await lab.clock("until", "ping vcn2-vm 192.168.2.1 up", "--within", "180s")
    }
}

/// The same with the check on that AWS has on by default: an instance drops what is not addressed to it.
@Suite(
    .serialized, .timeLimit(.minutes(60)),
    .lab("aws-oci", as: "checked") { text in
        // The first one in the file is vpc2-ec2's.
        // Forwarded packets are not to get through: `up` must not wait for one that is.
        String(text.prefix(upTo: text.firstRange(of: "\nexpect:")?.lowerBound ?? text.endIndex))
            .replacing(#/\n +backup-routers: .*/#, with: "")
            .replacing("source-destination-check: off", with: "source-destination-check: on", maxReplacements: 1)
    })
struct SourceDestinationCheckTests {
    let lab: RunningLab

    init() throws { lab = try .current }

    @Test func `The backup path is shown and drops forwarded packets`() async throws {
        #expect(try await lab.ping("10.105.2.100", from: "vpc1-ec2").isLossless)
        try await lab.change("internet", "ip", "link", "set", "aws-vpn1", "down")
        _ = try await lab.clock("until", "route tgw 10.105.2.0/24 absent", "--within", "60s")
        _ = try await lab.clock("until", "route drg 10.2.0.0/16 absent", "--within", "60s")
        let status = try await lab.status()
        #expect(status.tunnels(ofPath: "workload") == ["backup"])
        #expect(status.tunnels(ofPath: "workload-back") == ["backup"])
        // With the check off they pass: FailoverTests.
        #expect(try await lab.ping("10.105.2.100", from: "vpc1-ec2").received == 0)
        #expect(try await lab.ping("10.2.3.100", from: "vcn1-vm").received == 0)
        // What is the instance's own passes in any case.
        #expect(try await lab.ping("192.168.2.1", from: "vcn2-vm").received > 0)
    }
}
