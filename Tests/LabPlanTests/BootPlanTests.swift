import DaemonProfiles
import Daemons
import LabModel
import LabPlan
import NetworkTypes
import Testing

/// When boot scripts run, and what netlab leaves to them.
@Suite struct BootPlanTests {
    let topology: Topology
    let plan: Plan

    init() throws {
        topology = try AwsOci.topology()
        plan = Plan(for: topology)
    }

    private var texts: [String] { plan.steps.map(\.description) }

    @Test func `Scripts run after the daemons, all at the same time, and probes wait for them`() throws {
        let starts = texts.indices.filter { texts[$0].contains(": run boot script ") }
        let ends = texts.indices.filter { texts[$0].hasPrefix("wait for the end of the boot script of ") }
        #expect(
            starts.map { texts[$0] } == [
                "vpc2-ec2: run boot script vpc2-ec2-vpnstart.sh", "vcn2-vm: run boot script vcn2-vm-vpnstart.sh",
            ])
        #expect(
            ends.map { texts[$0] } == [
                "wait for the end of the boot script of vpc2-ec2, at most 1h",
                "wait for the end of the boot script of vcn2-vm, at most 1h",
            ])
        let lastDaemon = try #require(texts.lastIndex { $0.hasPrefix("wait for daemon ") })
        let firstProbe = try #require(texts.firstIndex { $0.hasPrefix("wait for ping ") })
        let (first, last) = (try #require(starts.first), try #require(starts.last))
        #expect(lastDaemon < first && last == first + 1)
        let (firstEnd, lastEnd) = (try #require(ends.first), try #require(ends.last))
        #expect(firstEnd > last && lastEnd < firstProbe)
        #expect(plan.steps[first].stage == .daemons)
    }

    @Test func `A script stands word for word where it is run`() throws {
        let files = plan.steps.compactMap { step -> ConfigurationFile? in
            if case .writeFile("vpc2-ec2", let file) = step.action { file } else { nil }
        }
        let file = try #require(files.first { $0.path == "/etc/netlab/vpc2-ec2-vpnstart.sh" })
        #expect(file.contents.reveal() == topology.node(named: "vpc2-ec2")?.boot?.text)
        #expect(file.contents.reveal().hasPrefix("#!/bin/sh\nsleep 30\nsudo ip addr add 192.168.2.1/30 dev vti1\n"))
    }

    @Test func `What the script gives, netlab does not`() throws {
        func isGiven(_ plan: Plan) -> Bool {
            plan.steps.map(\.description).contains {
                $0 == "vpc2-ec2: add address 192.168.2.1/30 to vti1"
                    || $0 == "vpc2-ec2: add route 10.105.0.0/16 dev vti1"
            }
        }
        #expect(!isGiven(plan))
        let netlabs = try AwsOci.topology {
            $0.replacing("        addressed-by: boot                 # and routes\n", with: "")
        }
        #expect(isGiven(Plan(for: netlabs)))
    }

    @Test func `sudo is there where a script may call it`() throws {
        #expect(texts.contains("all nodes: write /etc/sudoers"))
        let without = try AwsOci.topology(AwsOci.withoutBootScripts)
        #expect(!Plan(for: without).steps.map(\.description).contains { $0.contains("sudoers") || $0.contains("boot") })
    }

    @Test func `The reverse of a script ends it`() {
        let script = BootScript(name: "a", text: "true", takes: nil)
        #expect(Action.startBootScript(node: "n", script).reversal == .stopBootScript(node: "n"))
        #expect(Action.awaitBootScript(node: "n", within: .seconds(1)).reversal == nil)
    }

    // MARK: Reboots

    private func changes(_ fault: String) throws -> [String] {
        Disturbances([], in: topology).adjustments(to: Disturbances([try Fault(fault, in: topology)], in: topology)).map
        {
            "\($0)"
        }
    }

    private func changesBack(_ fault: String) throws -> [String] {
        Disturbances([try Fault(fault, in: topology)], in: topology).adjustments(to: Disturbances([], in: topology)).map
        {
            "\($0)"
        }
    }

    @Test func `A shutdown ends daemons while they can still speak`() throws {
        #expect(
            try changes("node tgw rebooted").prefix(3) == [
                "tgw: end its boot script", "tgw/bird: be ended", "tgw/pluto: be ended",
            ])
        #expect(
            try changes("node vpc2-ec2 rebooted") == [
                "vpc2-ec2: end its boot script", "vpc2-ec2/pluto: be ended", "vpc2-ec2:ens5: set down",
                "vpc2-ec2: forget interfaces, addresses, routes, rules and settings",
            ])
    }

    @Test func `A node boots from its links on, and its script comes last`() throws {
        #expect(
            try changesBack("node vpc2-ec2 rebooted") == [
                "vpc2-ec2:ens5: set up", "vpc2-ec2: set up interfaces, addresses, routes, rules and settings",
                "vpc2-ec2/pluto: run", "vpc2-ec2: run its boot script",
            ])
    }

    /// What has a script to make it whole again does so whenever it gets its power back.
    @Test func `Power that comes back boots a node with a script`() throws {
        #expect(try changes("node vpc2-ec2 down").contains { $0.contains("forget interfaces") })
        #expect(try changesBack("node vpc2-ec2 down").last == "vpc2-ec2: run its boot script")
        #expect(try changesBack("node tgw down").allSatisfy { !$0.contains("boot script") })
    }

    @Test func `A node that is down does not reboot`() throws {
        let faults = try ["node tgw rebooted", "zone aws down"].map { try Fault($0, in: topology) }
        #expect(Disturbances(faults, in: topology).contradictions == ["tgw"])
        #expect(Disturbances([faults[0]], in: topology).contradictions.isEmpty)
    }
}
