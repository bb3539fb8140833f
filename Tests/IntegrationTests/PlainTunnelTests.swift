import Testing

/// The lab of tunnels in tunnels: what is computed without a lab is what probes find in one.
@Suite(.timeLimit(.minutes(60)))
struct PlainTunnelTests {
    @Test(arguments: [
        (nil as String?, "isatap,ipip6", 1432), ("encaplimit-none", "isatap,ipip6+no-encaplimit", 1440),
    ])
    func `The arithmetic is what probes find`(variant: String?, layers: String, mtu: Int) async throws {
        try await LabHome.with { home in
            let computed = try await home.netlab.succeed("mtu", "--over", layers).output
            #expect(computed.contains("\nmtu       \(mtu)\n"), "\(computed)")
            let options = variant.map { ["--variant", $0] } ?? []
            let up = try await home.netlab.execute(Netlab.program, ["up", "aws-ipip6"] + options)
            #expect(up.code == 0, up.account)
            let found = try await home.netlab.succeed("probe", "aws-ipip6", "mtu", "web", "site-host").output
            #expect(found.contains("\npath MTU \(mtu); longer ones are told by ICMP to be too big"), "\(found)")
            // From the site the option is not sent: 8 bytes more fit than from the gateway, and 12 fewer than 1452.
            let back = try await home.netlab.succeed("probe", "aws-ipip6", "mtu", "site-host", "web").output
            #expect(back.contains("packet too big, MTU 1452 (192.168.100.1)"), "\(back)")
            #expect(back.contains("\npath MTU 1440; longer ones are told by ICMP to be too big"), "\(back)")
            let status = try await home.netlab.succeed("status", "aws-ipip6").output
            let limit = variant == nil ? "4" : "none"
            #expect(
                status.contains("encaplimit \(limit) hoplimit 64 tclass 0x00 flowlabel 0x00000"), "\(status)")
        }
    }

    @Test func `What the router believes is found before anything is built`() async throws {
        try await LabHome.with(labs: 0) { home in
            let result = try await home.netlab.run("validate", "aws-ipip6")
            #expect(result.code == 0, result.account)
            #expect(
                result.output.contains(
                    "packets of 1452 bytes do not fit: tunnel isatap of gateway leaves 1440, which is 1480 - 40"),
                result.account)
        }
    }
}
