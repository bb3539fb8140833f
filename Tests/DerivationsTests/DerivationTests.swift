import Derivations
import LabModel
import NetworkTypes
import Testing

/// What must hold in a lab by itself, without a line of `expect:`.
@Suite struct DerivationTests {
    private func claims(_ derivation: Derivation) -> [String: LabModel.Expectation.Claim] {
        Dictionary(derivation.expectations.map { ($0.name, $0.claim) }) { first, _ in first }
    }

    /// Every part has its claim, and nothing in a lab that works is in doubt.
    @Test(arguments: KnownLabs.names)
    func `Every tunnel, session and probe`(_ name: String) throws {
        let lab = try KnownLabs.bare(name)
        let derivation = Derivation(of: lab)
        #expect(derivation.gaps.filter(\.isDoubt) == [])
        #expect(derivation.probes == [] && derivation.topology.probes == lab.probes)
        let subjects = derivation.expectations.compactMap { one -> String? in
            switch one.claim {
            case .securityAssociation(let claim): "sa \(claim.tunnel)"
            case .bgp(let claim): "bgp \(claim.session)"
            case .mtu(let claim): "mtu \(claim.probe)"
            default: nil
            }
        }
        let expected =
            lab.tunnels.filter { !$0.isUnused }.map { "sa \($0.name)" } + lab.sessionNames.map { "bgp \($0)" }
            + lab.probes.map { "mtu \($0.name)" }
        #expect(Set(subjects) == Set(expected))
        #expect(derivation.expectations.allSatisfy { $0.derivedFrom != nil && $0.when.isEmpty })
        #expect(Set(derivation.expectations.map(\.name)).count == derivation.expectations.count)
        let wires = derivation.expectations.compactMap { one -> EncapsulationClaim? in
            if case .encapsulation(let claim) = one.claim { claim } else { nil }
        }
        let wrapped = Set(wires.flatMap(\.ways).flatMap { [$0.tunnel].compactMap { $0 } + $0.plainTunnels })
        let all = lab.tunnels.filter { !$0.isUnused }.map(\.name) + lab.plainTunnels.map(\.name)
        #expect(wrapped == Set(all))
    }

    @Test func `What is claimed of two paths`() throws {
        let claims = claims(Derivation(of: try KnownLabs.bare("aws-oci")))
        #expect(
            claims["workload-path"]
                == .path(
                    PathClaim(
                        probe: "workload", via: ["vpc1", "tgw", "main", "drg", "vcn1"],
                        back: ["vcn1", "drg", "main", "tgw", "vpc1"])))
        #expect(
            claims["backup-inside-path"] == .path(PathClaim(probe: "backup-inside", via: ["backup"], back: ["backup"])))
        guard case .encapsulation(let wire)? = claims["backup-wire"] else {
            Issue.record("no backup-wire")
            return
        }
        #expect(wire.ways.map(\.wrappings) == [[.espInUDP]] && wire.ways.map(\.tunnel) == ["backup"])
        // In clear between workload and gateway, never beyond it.
        #expect(wire.links.contains("vpc2-internet") && !wire.links.contains("vpc2-libreswan-lan"))
    }

    @Test func `Ways that are shared`() throws {
        let claims = claims(Derivation(of: try KnownLabs.bare("alibaba-azure")))
        #expect(
            claims["ecs-vm-ecmp"]
                == .sharing(SharingClaim(probe: "ecs-vm", ways: ["zone-a", "zone-b"], flows: 24)))
        #expect(claims["ecs-vm-path"] == nil && claims["ecs-vm-rate"] == nil)
    }

    @Test func `Tunnels within tunnels, outermost first`() throws {
        let claims = claims(Derivation(of: try KnownLabs.bare("gre-over-ipsec")))
        guard case .encapsulation(let wire)? = claims["app-wire"] else {
            Issue.record("no app-wire")
            return
        }
        #expect(wire.ways.map(\.wrappings) == [[.esp, .gre]])
        #expect(wire.ways.map(\.tunnel) == ["protection"] && wire.ways.map(\.plainTunnels) == [["gre1"]])
    }

    /// A lab without probes gets one for each tunnel: hosts behind the ends first.
    @Test(arguments: [
        ("policy-based", ["hq-host-branch-host"]), ("alibaba-azure", ["ecs-vm"]), ("transport-mode", ["hosts-ends"]),
        ("gre-over-ipsec", ["a-host-b-host"]),
    ])
    func `Probes where there are none`(_ name: String, _ probes: [String]) throws {
        let derivation = Derivation(of: try KnownLabs.bare(name, also: ["probes"]))
        #expect(derivation.probes.map(\.name) == probes)
        #expect(derivation.gaps.filter(\.isDoubt) == [])
        #expect(derivation.expectations.contains { $0.claim.kind == .encapsulation })
    }

    @Test func `A probe whose answer cannot come is a doubt`() throws {
        let lab = try KnownLabs.changed(
            "interface-kinds", "branch-host: {cloud: branch, role: instance, routes: {0.0.0.0/0: 192.168.7.1}}",
            "branch-host: {cloud: branch, role: instance}")
        let derivation = Derivation(of: lab)
        #expect(
            derivation.gaps.filter(\.isDoubt).map(\.name) == ["app-path", "back-path"]
                && derivation.gaps[0].reason == "branch-host has no route to 10.1.0.10")
        #expect(!derivation.expectations.contains { $0.claim.kind == .path || $0.claim.kind == .mtu })
    }

    /// TCP then depends on ICMP, which is no fault.
    @Test func `Segments that nobody clamps are not claimed`() throws {
        let derivation = Derivation(of: try KnownLabs.changed("interface-kinds", "mss: clamp-to-pmtu", "mss: off"))
        #expect(!derivation.expectations.contains { $0.claim.kind == .mss })
        #expect(derivation.gaps.contains { $0.name == "app-mss" && !$0.isDoubt && $0.reason.contains("hq-gw:ipsec5") })
    }

    @Test func `NULL encryption hides nothing`() throws {
        let lab = try KnownLabs.changed(
            "interface-kinds", "esp: {encryption: aes-256-cbc, integrity: sha2-256, pfs-group: 14}",
            "esp: {encryption: null, integrity: sha2-256, pfs-group: 14}")
        let derivation = Derivation(of: lab)
        #expect(!derivation.expectations.contains { $0.claim.kind == .confidentiality })
        #expect(derivation.expectations.contains { $0.claim.kind == .encapsulation })
    }

    /// 2.5 MB would have to be on the way at once.
    @Test func `No rate that buffers may limit`() throws {
        #expect(!Derivation(of: try KnownLabs.bare("policy-based")).expectations.contains { $0.claim.kind == .rate })
        #expect(Derivation(of: try KnownLabs.bare("aws-oci")).expectations.contains { $0.claim.kind == .rate })
    }

    @Test func `What is written is not derived again`() throws {
        let lab = try KnownLabs.resolve(KnownLabs.text("policy-based"), as: "policy-based")
        let derived = Derivation(of: lab).expectations
        #expect(!derived.contains { $0.claim.kind == .securityAssociation || $0.name == "app-path" })
        #expect(derived.contains { $0.name == "back-mtu" })
    }
}
