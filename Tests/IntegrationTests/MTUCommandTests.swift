import Testing

/// `netlab mtu`, as it is typed.
@Suite(.timeLimit(.minutes(60)))
struct MTUCommandTests {
    let netlab = Netlab(environment: ["NO_COLOR": "1"])

    @Test func `The MTU within a tunnel`() async throws {
        let output = try await netlab.succeed("mtu", "--esp", "aes-256-gcm-16", "--nat-t", "--vlan", "1").output
        #expect(output.contains("\nmtu       1438\nmss4      1398\nmss6      1378\n"), "\(output)")
        #expect(output.contains("\n    4  vlan    VLAN tag"), "\(output)")
        #expect(output.contains("\n 1500          outer packet\n"), "\(output)")
    }

    @Test func `A packet's length as JSON`() async throws {
        let output = try await netlab.succeed(
            "mtu", "--over", "isatap,ipip6", "--size", "1452", "--link-mtu", "9001", "--format", "json"
        ).output
        #expect(output.contains("\"outer_length\" : 1520"), "\(output)")
        #expect(output.contains("\"link_mtu\" : 9001"), "\(output)")
    }

    @Test(arguments: [
        (["--esp", "aes-cbc"], "does not authenticate"), (["--esp", "aes-gcm-16", "--integrity", "sha1"], "by itself"),
        (["--esp", "aes-gcm-61"], "Did you mean \"aes-gcm-16\"?"), (["--over", "isatp"], "Did you mean \"isatap\"?"),
        (["--esp", "null", "--integrity", "sha1", "--link-mtu", "68", "--outer", "ipv6"], "needs a link MTU of 84"),
        (["--nat-t"], "Add --esp"), (["--size", "19"], "--size is 20"), (["--vlan", "3"], "0, 1 or 2"),
        (["--link-mtu", "67"], "68 to 65535"), (["--mode", "tunel"], "transport"),
    ])
    func `What cannot be is refused`(arguments: [String], reason: String) async throws {
        let result = try await netlab.execute(Netlab.program, ["mtu"] + arguments)
        #expect(result.code == 2, result.account)
        #expect(result.error.contains(reason), result.account)
        #expect(result.output.isEmpty, result.account)
    }
}
