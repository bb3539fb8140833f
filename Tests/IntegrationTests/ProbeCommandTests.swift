import Testing

extension EvidenceTests {
    /// `netlab probe`: every kind, through the main tunnel.
    @Suite struct ProbeCommandTests {
        let lab: RunningLab

        init() throws { lab = try .current }

        private func probe(_ kind: String, _ arguments: String...) async throws -> Netlab.Result {
            try await lab.netlab.execute(
                Netlab.program, ["probe", lab.name, kind, "vpc1-ec2"] + (arguments.isEmpty ? ["vcn1-vm"] : arguments))
        }

        @Test func `Pings take three milliseconds`() async throws {
            // Neighbours are known then.
            _ = try await probe("ping")
            let result = try await probe("ping")
            #expect(result.code == 0, result.account)
            #expect(result.output.hasPrefix("vpc1-ec2 (10.2.3.100) > vcn1-vm (10.105.2.100)\n"), result.account)
            let times = result.output.matches(of: /(?m)^ +\d +84 +([\d.]+)ms +ttl 60$/).compactMap { Double($0.1) }
            #expect(times.count == 3 && times.allSatisfy { (3.005...3.02).contains($0) }, result.account)
            #expect(result.output.contains("3 sent, 3 answered; round trip 3.01"), result.account)
        }

        @Test func `The path MTU and who says so`() async throws {
            let result = try await probe("mtu")
            #expect(result.code == 0, result.account)
            #expect(result.output.contains(#/ 1438 +3\.\d+ms /#), result.account)
            #expect(
                result.output.contains(#/ 1439 +refused +packet too big, MTU 1438 \(10\.2\.255\.2\)\n/#), result.account
            )
            #expect(
                result.output.hasSuffix("\npath MTU 1438; longer ones are told by ICMP to be too big\n"), result.account
            )
        }

        @Test func `The routers on the way`() async throws {
            let result = try await probe("trace")
            #expect(result.code == 0, result.account)
            let hops = result.output.matches(of: #/(?m)^ +\d +(\S+) +[\d.]+[mu]s /#).map { String($0.1) }
            #expect(hops == ["10.2.3.1", "10.2.255.2", "169.254.120.2", "10.105.0.1", "10.105.2.100"], result.account)
            #expect(result.output.hasSuffix("\nreached\n"), result.account)
        }

        @Test func `The segment size is clamped on the way`() async throws {
            let result = try await probe("tcp")
            #expect(result.code == 0, result.account)
            #expect(result.output.contains(/\nestablished after 3\.01\d*ms\n/), result.account)
            #expect(result.output.contains(/\n +SYN +1460 +1398 *\n +SYN-ACK +1460 +1398 *\n/), result.account)
        }

        @Test func `A transfer fills the slowest link`() async throws {
            let result = try await probe("bulk", "vcn1-vm", "--bytes", "8MB")
            #expect(result.code == 0, result.account)
            let rate = try #require(result.output.firstMatch(of: /8\.0 MB in [\d.]+ms, ([\d.]+) Mbit\/s, 0 segments/))
            // The link at its end has 500 Mbit/s, of which headers take some 5 %; slow start takes its time.
            #expect((400...478).contains(try #require(Double(rate.1))), result.account)
        }

        @Test(arguments: ["ping", "mtu", "trace", "tcp"])
        func `What is not reached is a failed expectation`(kind: String) async throws {
            let result = try await probe(kind, "10.9.9.9", "--timeout", "1s")
            #expect(result.code == 1, result.account)
            #expect(result.output.hasPrefix("vpc1-ec2 (10.2.3.100) > 10.9.9.9\n"), result.account)
            let json = try await probe(kind, "10.9.9.9", "--timeout", "1s", "--format", "json")
            #expect(json.code == 1, json.account)
            #expect(json.output.contains("\"is_reached\" : false"), json.account)
        }

        @Test func `A transfer needs somebody to take it`() async throws {
            let result = try await probe("bulk", "10.9.9.9")
            #expect(result.code == 2, result.account)
            #expect(result.error.contains("10.9.9.9 belongs to no node of the lab"), result.account)
        }

        @Test func `JSON has what programs need`() async throws {
            let result = try await probe("mtu", "vcn1-vm", "--format", "json")
            #expect(result.code == 0, result.account)
            for words in [
                "\"is_reached\" : true", "\"bytes\" : 1438", "\"mtu\" : 1438", "\"from\" : \"10.2.255.2\"",
                "\"destination_node\" : \"vcn1-vm\"",
            ] {
                #expect(result.output.contains(words), "\(words): \(result.account)")
            }
        }

        @Test(arguments: [
            (["ping", "vpc1-ec3", "vcn1-vm"], #"Did you mean "vpc1-ec2"?"#),
            (["ping", "vpc1-ec2", "vcn1-vn"], #"Did you mean "vcn1-vm"?"#),
            (["pong", "vpc1-ec2", "vcn1-vm"], "'pong' is invalid"),
            (["bulk", "vpc1-ec2", "vcn1-vm", "--bytes", "much"], "is not an amount of data"),
            (["ping", "vpc1-ec2", "vcn1-vm", "--source", "here"], "is not an IP address"),
            (["ping", "vpc1-ec2"], "Missing"),
        ])
        func `A wrong probe is refused`(arguments: [String], reason: String) async throws {
            let before = try await lab.clock()
            let result = try await lab.netlab.execute(Netlab.program, ["probe", lab.name] + arguments)
            #expect(result.code == 2, result.account)
            #expect(result.error.contains(reason), result.account)
            #expect(try await lab.clock() == before)
        }
    }
}
