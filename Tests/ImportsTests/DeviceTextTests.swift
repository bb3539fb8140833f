import Imports
import LabModel
import NetworkTypes
import Testing

/// What providers write for a user's gateway in text: both sides are made of it, and each value has its line.
@Suite struct DeviceTextTests {
    private func end(_ node: String, of tunnel: Tunnel) throws -> TunnelEnd {
        try #require(tunnel.ends.first { $0.node == node })
    }

    private func line(_ words: String, in file: ImportFile, after start: String = "") throws -> Int {
        let lines = file.text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        let from = start.isEmpty ? 0 : try #require(lines.firstIndex { $0.contains(start) })
        return try #require(lines[from...].firstIndex { $0.contains(words) }) + 1
    }

    private func tunnels(_ name: String) throws -> (made: LabImport, lab: Topology) {
        let (made, lab, _) = try Inputs.lab(Inputs.files(name))
        return (made, lab)
    }

    @Test func `AWS's text for a gateway with interfaces`() throws {
        let (made, lab) = try tunnels("text-aws")
        #expect(lab.tunnels.map(\.name) == ["vpn-0a60b-1", "vpn-0a60b-2"] && lab.sessions.isEmpty)
        let own = try end("site-gw", of: lab.tunnels[0])
        #expect("\(own.localAddress) \(own.remoteAddress)" == "203.0.113.40 192.0.2.80")
        #expect(own.inside == InterfaceAddress("169.254.80.2/30") && own.routes == [IPPrefix("10.60.0.0/16")])
        #expect(try own.metric == 100 && end("site-gw", of: lab.tunnels[1]).metric == 200)
        #expect(own.deadPeerDetection?.delay == .seconds(10) && own.deadPeerDetection?.timeout == .seconds(30))
        #expect(own.proposal?.presharedKey?.reveal() == "DeviceKeyOne12")
        #expect(own.proposal?.ike.map(\.encryption) == [.aes128CBC] && own.proposal?.ike.first?.group.number == 2)
        #expect(own.proposal?.espLifetime == .seconds(3600) && own.proposal?.ikeLifetime == .seconds(28800))
        let provider = try end("aws-gw", of: lab.tunnels[0])
        #expect(provider.inside == InterfaceAddress("169.254.80.1/30"))
        #expect(lab.clouds.contains { $0.provider == "aws" })
        #expect(own.ikeVersion == 1)
        #expect(lab.nodes.first { $0.name == "site-gw" }?.keyDaemon.rawValue == "charon")
        let file = try Inputs.file("text/aws-route-based.txt")
        let text = made.files[0].text
        for (yaml, words) in [
            ("inside: 169.254.80.2/30", "ip addr add 169.254.80.2/30"), ("metric: 200", "dev Tunnel2 metric 200"),
            ("mtu: 1419", "Tunnel1 up mtu"), ("ike-version: 1", "keyexchange=ikev1"),
            ("psk: {file: vpn-0a60b-2.psk}", "PSK \"DeviceKeyTwo12\""),
        ] {
            let place = "\(yaml)  # aws-route-based.txt: line \(try line(words, in: file))"
            #expect(text.contains(place), "\(place) is not in\n\(text)")
        }
        #expect(
            made.notes.contains {
                $0.kind == .missing && $0.text.hasPrefix("<VPC CIDR> is to be filled in: aws-route-based.txt: line ")
            })
        #expect(made.notes.contains { $0.kind == .missing && $0.text.hasPrefix("what is behind site") })
    }

    @Test func `Routes that no command takes away stay, where there is one way alone`() throws {
        let (made, lab) = try tunnels("text-aws")
        #expect(try end("site-gw", of: lab.tunnels[0]).withdrawal == .whenDown)
        #expect(
            made.notes.contains {
                $0.kind == .unsupported
                    && $0.text.hasPrefix("vpn-0a60b-2: its route (aws-route-based.txt: line ")
                    && $0.text.contains("stays when")
            })
        let text = try Inputs.file("text/aws-route-based.txt").text.replacing(
            "10.60.0.0/16 dev Tunnel2", with: "10.63.0.0/16 dev Tunnel2")
        let alone = try Inputs.lab([ImportFile(path: "vpn.txt", text: text)]).topology
        #expect(try end("site-gw", of: alone.tunnels[0]).withdrawal == .never)
        // A script that the connection runs takes its routes away.
        let script = text.split(separator: "\n").filter { !$0.contains("ip route add") }.joined(separator: "\n")
            .replacing(
                "#leftupdown", with: "leftupdown"
            ).replacing("-r <VPC CIDR>", with: "-r 10.60.0.0/16,10.63.0.0/16")
        let other = try Inputs.lab([ImportFile(path: "vpn.txt", text: script)]).topology
        let own = try end("site-gw", of: other.tunnels[0])
        #expect(own.withdrawal == .whenDown && own.routes.map { "\($0)" } == ["10.60.0.0/16", "10.63.0.0/16"])
    }

    @Test func `AWS's text for a gateway with policies`() throws {
        let (made, lab) = try tunnels("text-aws-policies")
        let own = try end("site-gw", of: lab.tunnels[0])
        #expect(lab.tunnels.count == 1 && own.steering == .policy)
        #expect(own.wantedSelectors?.map { "\($0.local) \($0.remote)" } == ["10.201.0.0/24 10.200.0.0/24"])
        #expect(own.proposal?.esp.first?.group?.number == 2)
        let notes = made.notes.map { "\($0.kind) \($0.text)" }
        for start in [
            "missing <LOCAL NETWORK> is to be filled in: aws-policies.txt: line ",
            "unsupported connection Tunnel2 of aws-policies.txt is left out: its policies are those of another connection",
            "unsupported auth=esp (aws-policies.txt: line ",
            "assumed aws-policies.txt names no version of IKE for Tunnel1: IKEv2",
            "unsupported site runs strongSwan, though its text is for libreswan",
        ] {
            #expect(notes.contains { $0.hasPrefix(start) }, "\(start): \(notes)")
        }
    }

    @Test func `AWS's text for any vendor's gateway, beside a cloud's JSON`() throws {
        let (made, lab) = try tunnels("text-aws-generic")
        let own = try end("site-gw", of: lab.tunnels[1])
        #expect("\(own.localAddress) \(own.remoteAddress)" == "203.0.113.42 192.0.2.85")
        #expect(own.inside == InterfaceAddress("169.254.85.2/30") && own.deadPeerDetection?.timeout == .seconds(30))
        #expect(own.proposal?.ike.first?.encryption == .aes256CBC && own.proposal?.ike.first?.group.number == 14)
        #expect(own.proposal?.presharedKey?.reveal() == "GenericKeyTwo1")
        let speakers = lab.sessions[0].speakers
        #expect(Set(speakers.map(\.asn.number)) == [64542, 65042])
        #expect(speakers.first { $0.node == "site-gw" }?.hold == .seconds(30))
        #expect(
            speakers.first { $0.node == "aws-gw" }?.advertised
                == ["10.40.0.0/16", "10.41.0.0/16"].compactMap { IPPrefix($0) })
        let file = try Inputs.file("text/aws-generic.txt")
        #expect(
            made.files[0].text.contains(
                "asn: 65042  # aws-generic.txt: line \(try line("Customer Gateway ASN", in: file))"))
    }

    @Test func `Oracle's page for a gateway behind a NAT`() throws {
        let (made, lab) = try tunnels("text-oci")
        let own = try end("site-gw", of: lab.tunnels[0])
        #expect("\(own.localAddress)" == "10.70.0.5" && lab.tunnels.count == 2)
        let nat = try #require(lab.nodes.first { $0.name == "site-nat" }?.nat)
        #expect(nat.mappings.map { "\($0.outside) \($0.inside)" } == ["203.0.113.43 10.70.0.5"])
        // `nexthop` twice: both tunnels carry.
        #expect(try own.metric == end("site-gw", of: lab.tunnels[1]).metric)
        #expect(own.routes == [IPPrefix("10.61.0.0/16")])
        #expect(
            own.proposal?.esp.first?.algorithms.encryption == .aes256GCM16
                && own.proposal?.esp.first?.group?.number == 5)
        #expect(own.proposal?.ike.first?.hash == .sha2_384)
        #expect(own.deadPeerDetection == nil && lab.clouds.contains { $0.provider == "oci" })
        #expect(
            made.notes.contains {
                $0.kind == .assumed && $0.text.contains("oracle-tunnel-1 configures no dead peer detection")
            })
    }

    @Test func `A gateway's own files alone, which name a provider`() throws {
        let (made, lab) = try tunnels("text-oci-files")
        #expect(made.files.map(\.name) == ["lab.yaml", "oci-tunnel-1.psk"])
        #expect(made.files[1].text == "OracleKeyFile1\n")
        let own = try end("site-gw", of: lab.tunnels[0])
        #expect(own.deadPeerDetection?.delay == .seconds(5) && own.deadPeerDetection?.timeout == .seconds(20))
    }

    @Test func `Google's guide, with a routing daemon's neighbours`() throws {
        let (_, lab) = try tunnels("text-gcp")
        let own = try end("site-gw", of: lab.tunnels[0])
        #expect(own.inside == InterfaceAddress("169.254.90.2/30") && own.proposal?.ikeLifetime == .seconds(36000))
        let speaker = try #require(lab.sessions[0].speakers.first { $0.node == "site-gw" })
        #expect(speaker.asn.number == 65090 && speaker.hold == .seconds(60) && speaker.keepalive == .seconds(20))
        #expect(lab.sessions[0].speakers.contains { $0.asn.number == 64590 })
        #expect(own.proposal?.presharedKey?.reveal() == "GoogleKeyOne12")
    }

    @Test func `Alternatives stay as they are, and are not mixed`() throws {
        let (_, lab) = try tunnels("text-azure")
        let own = try end("site-gw", of: lab.tunnels[0])
        #expect(
            own.proposal?.ike.map { "\($0.encryption.rawValue) \($0.hash.rawValue)" } == [
                "aes-256-cbc sha2-384", "aes-128-cbc sha2-256",
            ])
        #expect(own.proposal?.esp.map(\.algorithms.encryption) == [.aes256GCM16, .aes256CBC])
        // Without a group there is no perfect forward secrecy in this form.
        #expect(own.proposal?.esp.allSatisfy { $0.group == nil } ?? false)
        #expect(own.wantedSelectors?.map { "\($0.local) \($0.remote)" } == ["192.168.46.0/24 10.62.0.0/16"])
    }

    // MARK: Bad input

    private func made(_ text: String, path: String = "vpn.txt") throws -> LabImport {
        try LabImport(name: "a", inputs: [ImportFile(path: path, text: text)]) { _ in nil }
    }

    @Test(arguments: [
        ("! comment\ncrypto isakmp policy 200\n  encryption aes 128\n", "Cisco IOS", 2),
        ("config vpn ipsec phase1-interface\n  edit vpn-1\n", "Fortinet FortiGate", 1),
        ("set security ike proposal p authentication-method pre-shared-keys\n", "Juniper Junos", 1),
        ("ipsec ike remote address 1 192.0.2.1\n", "Yamaha RTX", 1),
    ])
    func `Another vendor's text is named, and what is read instead`(_ text: String, _ vendor: String, _ line: Int)
        throws
    {
        let error = try #require(throws: ImportError.self) { try made(text) }
        #expect(error.message.contains("vpn.txt, line \(line), is of a configuration for \(vendor)"), "\(error)")
        #expect(error.remedy.contains("Generic") && error.remedy.contains("libreswan and strongSwan"), "\(error)")
    }

    @Test(arguments: ["********", "<redacted>", "xxxxxxxxxxxx", "${sharedSecret1}", ""])
    func `A key that is left out is made up and said`(_ key: String) throws {
        let file = try Inputs.file("text/azure.txt")
        let lab = try made(file.text.replacing("AzureKeyShared1", with: key))
        #expect(lab.files[1].text.hasPrefix("MadeUp"))
        #expect(
            lab.notes.contains {
                $0.kind == .missing && $0.text.contains("its pre-shared key is left out in vpn.txt: line ")
            }, "\(lab.notes)")
    }

    @Test func `Half a text has the tunnel that is whole`() throws {
        let text = try Inputs.file("text/aws-route-based.txt").text
        let cut = try #require(text.range(of: "conn Tunnel2")?.upperBound)
        let lab = try made(String(text[..<cut]) + "\n\tauto=start\n\tleftid=203.0")
        #expect(lab.tunnels == 1)
        #expect(
            lab.notes.contains {
                $0.kind == .missing && $0.text.hasPrefix("connection Tunnel2 (vpn.txt: line ")
                    && $0.text.contains("perhaps the text is cut off")
            })
        let earlier = try #require(text.range(of: "IPSEC Tunnel #2")?.upperBound)
        let one = try made(String(text[..<earlier]))
        #expect(
            one.notes.contains {
                $0.kind == .missing && $0.text.hasPrefix("the second tunnel: the text speaks of it (vpn.txt: line ")
            })
    }

    @Test func `A text without a whole connection is refused with its line`() throws {
        let error = try #require(throws: ImportError.self) { try made("For AWS\n\nconn Tunnel1\n\tauto=start\n") }
        #expect(error.message.hasPrefix("vpn.txt: line 3: none of its connections (Tunnel1) can be read:"), "\(error)")
    }

    @Test func `Addresses that are to be filled in have others in their place`() throws {
        let text = try Inputs.file("text/oci.md").text.replacing("10.70.0.5", with: "${cpeLocalIP}").replacing(
            "203.0.113.43", with: "${cpePublicIpAddress}"
        ).replacing("192.0.2.86", with: "${oracleHeadend1}")
        let lab = try made(text)
        let missing = lab.notes.filter { $0.kind == .missing }.map(\.text)
        #expect(missing.contains { $0.hasPrefix("${oracleHeadend1} is to be filled in: vpn.txt: line ") }, "\(missing)")
        #expect(missing.contains { $0.contains("the outside address of site") }, "\(missing)")
        #expect(lab.files[1].text == "OracleKeyOne12\n")
    }

    @Test func `A tunnel that a cloud's JSON has as well is there once`() throws {
        let text = try Inputs.file("text/aws-generic.txt").text.replacing("192.0.2.84", with: "192.0.2.65").replacing(
            "192.0.2.85", with: "192.0.2.66"
        ).replacing("203.0.113.42", with: "203.0.113.77")
        let inputs = try Inputs.files("aws-transit") + [ImportFile(path: "vpn.txt", text: text)]
        let lab = try LabImport(name: "a", inputs: inputs) { _ in nil }
        #expect(lab.tunnels == 2)
        #expect(lab.notes.contains { $0.text.contains("is vpn-0f1e2d3c-1") && $0.text.contains("which counts") })
    }
}
