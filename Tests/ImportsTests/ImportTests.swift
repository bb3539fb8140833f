import Foundation
import Imports
import LabModel
import NetworkTypes
import Predictions
import Testing

/// What users have becomes a lab that lacks nothing, and says what it has taken from where.
@Suite struct ImportTests {
    @Test(arguments: Inputs.all.map(\.name))
    func `Every input is a lab that works`(_ name: String) throws {
        let inputs = try Inputs.files(name)
        let began = ContinuousClock.now
        let (made, topology, _) = try Inputs.lab(inputs)
        // A promise for a user's machine, 200 ms, with the room that a busy one needs.
        #expect(ContinuousClock.now - began < .seconds(10))
        #expect(topology.tunnels.count == made.tunnels && made.tunnels > 0)
        #expect(!topology.probes.isEmpty)
        #expect(Predictor(topology: topology, versions: .init([:])).shortcomings == [])
        // Each line of a tunnel that has a value says whence it is, or is one of several below such a line.
        let text = made.files[0].text
        #expect(text.contains("  # "))
    }

    @Test(arguments: Inputs.all.map(\.name))
    func `Keys are in files of their own, and nowhere else`(_ name: String) throws {
        let inputs = try Inputs.files(name)
        let made = try Inputs.lab(inputs).made
        let secrets = ["Key", "Secret", "BehindTheNat12"]
        let text = made.files[0].text
        let known = made.files.dropFirst().map(\.text).flatMap { $0.split { "\n\" ".contains($0) } }.filter { word in
            secrets.contains { word.contains($0) }
        }
        #expect(made.files.count > 1 || name == "aws-certificate")
        for key in known where !key.hasPrefix("MadeUp") && key.count > 8 && key != "PreSharedKey" {
            #expect(!text.contains(key), "\(key)")
            for note in made.notes { #expect(!note.text.contains(key)) }
        }
    }

    // MARK: AWS

    @Test func `The tunnels' options decide, and the document fills in`() throws {
        let (made, lab, _) = try Inputs.lab(Inputs.files("aws-transit"))
        let tunnel = lab.tunnels[0]
        #expect(tunnel.name == "vpn-0f1e2d3c-1" && lab.tunnels.count == 2)
        let end = try #require(tunnel.ends.first { $0.node == "aws-gw" })
        #expect("\(end.localAddress)" == "192.0.2.65" && "\(end.remoteAddress)" == "203.0.113.77")
        #expect(end.inside == InterfaceAddress("169.254.60.1/30"))
        // The document has AES-128, SHA-1 and group 2, which do not count.
        let proposal = try #require(end.proposal)
        #expect(proposal.ike.allSatisfy { $0.encryption == .aes256CBC } && proposal.ike.count == 4)
        #expect(proposal.esp.map(\.algorithms.encryption) == [.aes256GCM16, .aes256GCM16])
        #expect(proposal.presharedKey?.reveal() == "RightKeyOne12")
        #expect(end.deadPeerDetection?.timeout == .seconds(40))
        #expect(end.configuration == .generated(startup: .listen, deadPeerAction: .restart))
        let speakers = lab.sessions[0].speakers
        #expect(Set(speakers.map(\.asn.number)) == [64600, 65010] && speakers.allSatisfy { $0.hold == .seconds(30) })
        let own = try #require(speakers.first { $0.node == "aws-gw" })
        #expect(own.advertised == ["10.40.0.0/16", "10.41.0.0/16"].compactMap { IPPrefix($0) })
        #expect(
            made.files[0].text.contains(
                "dpd: {delay: 10s, timeout: 40s}  # transit.json: VpnConnections[0].Options.TunnelOptions[0].DpdTimeoutSeconds"
            ))
        #expect(
            made.notes.filter { $0.kind == .missing }.map(\.text) == [
                "what is behind site: 10.201.0.0/24 stands in for it"
            ])
    }

    @Test func `An old connection without options, with static routes`() throws {
        let (_, lab, _) = try Inputs.lab(Inputs.files("aws-old-static"))
        #expect(lab.sessions.isEmpty && lab.tunnels.count == 2)
        let end = try #require(lab.tunnels[1].ends.first { $0.node == "aws-gw" })
        #expect(end.inside == InterfaceAddress("169.254.47.233/30") && end.withdrawal == .whenDown && end.metric == 20)
        #expect(end.routes == [IPPrefix("192.168.50.0/24")])
        #expect(end.proposal?.presharedKey?.reveal() == "Oldkeytwo.1234")
    }

    @Test func `A connection with prefixes of its own is one of policies`() throws {
        let (_, lab, _) = try Inputs.lab(Inputs.files("aws-policy"))
        let end = try #require(lab.tunnels.first?.ends.first { $0.node == "aws-gw" })
        #expect(end.steering == .policy)
        #expect(end.wantedSelectors?.map { "\($0.local) \($0.remote)" } == ["10.40.0.0/16 192.168.50.0/24"])
    }

    @Test func `Routes of VPCs say what is behind the customer's gateway`() throws {
        let (made, lab, _) = try Inputs.lab(Inputs.files("aws-routes"))
        let speaker = try #require(lab.sessions[0].speakers.first { $0.node == "site-gw" })
        // Not what is in the VPC itself, what leads nowhere, and what leads to the Internet.
        #expect(speaker.advertised == ["192.168.52.0/24"].compactMap { IPPrefix($0) })
        #expect(
            made.files[0].text.contains(
                "advertise: [192.168.52.0/24]  # route-tables.json: RouteTables[0].Routes[1].DestinationCidrBlock"))
        #expect(!made.notes.contains { $0.text.contains("what is behind site") })
    }

    @Test func `A VPC without a way back is said`() throws {
        let inputs = try Inputs.files("aws-routes").map { file in
            ImportFile(
                path: file.path,
                text: file.path == "aws/route-tables.json" ? file.text.replacing("tgw-09f", with: "tgw-0ff") : file.text
            )
        }
        let made = try Inputs.lab(inputs).made
        #expect(
            made.notes.contains {
                $0.kind == .unsupported
                    && $0.text.hasPrefix("no route table of vpc-1 (route-tables.json: RouteTables[0]) leads to tgw-09f")
            })
    }

    @Test func `A customer's gateway with a certificate has one of the lab's own`() throws {
        let (made, lab, _) = try Inputs.lab(Inputs.files("aws-certificate"))
        #expect(lab.tunnels[0].ends.allSatisfy { $0.proposal?.presharedKey == nil })
        #expect(made.files.count == 1)
        #expect(
            made.files[0].text.contains("certificate: rsa-2048  # certificate.json: CustomerGateways[0].CertificateArn")
        )
        #expect(made.notes.contains { $0.kind == .missing && $0.text.contains("its certificates are in no input") })
    }

    // MARK: Terraform

    @Test func `A plan names what is not known yet`() throws {
        let (made, lab, _) = try Inputs.lab(Inputs.files("terraform-aws-plan"))
        let missing = made.notes.filter { $0.kind == .missing }.map(\.text)
        #expect(
            missing.contains { $0.contains("vpn-this-1: the outside address of aws") && $0.contains("203.0.113.10") })
        #expect(missing.contains { $0.contains("vpn-this-1: its pre-shared key is left out in aws-plan.json") })
        #expect(made.notes.contains { $0.kind == .unsupported && $0.text.contains("group 24") })
        // The plan's configuration says which customer gateway is meant.
        let far = try #require(lab.tunnels[0].ends.first { $0.node == "site-gw" })
        #expect("\(far.localAddress)" == "203.0.113.91")
        #expect(Set(lab.sessions[0].speakers.map(\.asn.number)) == [64512, 65030])
    }

    @Test func `Other providers' resources in a state`() throws {
        let azure = try Inputs.lab(Inputs.files("terraform-azure")).topology
        let end = try #require(azure.tunnels[0].ends.first { $0.node == "azure-gw" })
        #expect("\(end.localAddress)" == "203.0.113.150" && end.routes == [IPPrefix("10.81.0.0/16")])
        #expect(end.proposal?.espLifetime == .seconds(27000) && end.deadPeerDetection?.timeout == .seconds(45))
        let google = try Inputs.lab(Inputs.files("terraform-google")).topology
        #expect(
            google.tunnels[0].ends.contains {
                $0.inside == InterfaceAddress("169.254.0.2/30") && "\($0.localAddress)" == "198.51.100.160"
            })
        #expect(Set(google.sessions[0].speakers.map(\.asn.number)) == [64650, 65040])
        let oci = try Inputs.lab(Inputs.files("terraform-oci")).topology
        #expect(oci.tunnels[0].ends.contains { $0.routes == [IPPrefix("192.168.70.0/24")] })
    }

    @Test func `Resources that are not read are named`() throws {
        let state = try Inputs.file("terraform/aws-state.json")
        let more = ImportFile(
            path: state.path,
            text: state.text.replacing("\"aws_instance.web\"", with: "\"aws_ec2_client_vpn_endpoint.web\"").replacing(
                "\"aws_instance\"", with: "\"aws_ec2_client_vpn_endpoint\""))
        let made = try Inputs.lab([more]).made
        #expect(
            made.notes.contains {
                $0.kind == .unsupported
                    && $0.text.contains("aws_ec2_client_vpn_endpoint.web is of a type that is not read")
            })
    }

    // MARK: Both sides

    @Test func `Two clouds' words on one tunnel are one tunnel`() throws {
        let (made, lab, _) = try Inputs.lab(Inputs.files("aws-and-azure"))
        #expect(Set(lab.clouds.map(\.provider)) == ["aws", "azure", nil])
        #expect(
            lab.tunnels.count == 2 && lab.tunnels.allSatisfy { Set($0.ends.map(\.node)) == ["aws-gw", "azure-gw"] })
        let ends = lab.tunnels[0].ends
        #expect(Set(ends.map { $0.proposal?.ike.count }) == [4, 1])
        #expect(!made.notes.contains { $0.text.contains("what is behind") })
    }

    /// Negative control: what the sides do not have in common is found before anything is built.
    @Test func `Keys that differ between the sides are an error`() throws {
        let inputs = try Inputs.files("aws-and-azure").map { file in
            file.path == "azure/connection.json"
                ? ImportFile(path: file.path, text: file.text.replacing("RightKeyOne12", with: "AnotherKey123")) : file
        }
        let error = #expect(throws: LabFileError.self) { try Inputs.lab(inputs) }
        #expect(error?.diagnostics.contains { $0.message.contains("different pre-shared keys") } ?? false)
    }

    // MARK: Own files

    @Test func `Two gateways' own files are used word for word`() throws {
        let inputs = try Inputs.files("own-files")
        let (made, lab, _) = try Inputs.lab(inputs)
        #expect(made.files.first { $0.name == "left-ipsec.conf" }?.text == inputs[0].text)
        #expect(made.files.first { $0.name == "right-swanctl.conf" }?.text == inputs[2].text)
        #expect(lab.nodes.first { $0.name == "left-gw" }?.keyDaemon.rawValue == "pluto")
        #expect(lab.nodes.first { $0.name == "right-gw" }?.keyDaemon.rawValue == "charon")
        #expect(
            lab.links.flatMap(\.ends).contains {
                $0.node == "left-host" && $0.addresses == [InterfaceAddress("10.1.0.10/16")].compactMap(\.self)
            })
    }

    @Test func `strongSwan's older format is converted, and what was not is said`() throws {
        let (made, lab, _) = try Inputs.lab(Inputs.files("own-files-older"))
        let text = try #require(made.files.first { $0.name == "old-swanctl.conf" }?.text)
        for line in [
            "proposals = aes256-sha256-modp2048", "rekey_time = 28260s", "dpd_delay = 10s", "start_action = start",
            "dpd_action = start", "life_time = 3600s", "auth = psk", "id = 192.0.2.10",
        ] {
            #expect(text.contains(" \(line)\n"), "\(line) is not in\n\(text)")
        }
        #expect(
            made.notes.contains {
                $0.kind == .unsupported && $0.text == "old/ipsec.conf: office: leftfirewall=yes is not converted"
            })
        #expect(!made.notes.contains { $0.kind == .missing })
        #expect(lab.nodes.filter { $0.name.hasSuffix("gw") }.allSatisfy { $0.keyDaemon.rawValue == "charon" })
    }

    @Test func `A gateway that calls itself by another address is behind a NAT`() throws {
        let lab = try Inputs.lab(Inputs.files("own-files-nat")).topology
        let nat = try #require(lab.nodes.first { $0.name == "hq-nat" }?.nat)
        #expect(nat.mappings.map { "\($0.outside) \($0.inside)" } == ["203.0.113.25 10.20.0.5"])
    }

    @Test func `One file of two is said`() throws {
        let error = #expect(throws: ImportError.self) { try Inputs.lab([Inputs.file("own/left/ipsec.conf")]) }
        #expect(error?.message.contains("the other end's file was not given") ?? false)
    }

    @Test func `Without the file of keys there is a made-up one, and a note`() throws {
        let made = try LabImport(
            name: "a", inputs: [Inputs.file("own/hq/ipsec.conf"), Inputs.file("own/branch/ipsec.conf")]
        ) { _ in nil }
        #expect(made.files.contains { $0.name == "hq-made-up.secrets" })
        #expect(made.notes.contains { $0.kind == .missing && $0.text.hasPrefix("the keys of hq") })
    }
}
