import AgentProtocol
import LabFiles
import LabModel
import LabPlan
import LabRecords
import NetworkTypes
import NodeRuntime
import Testing

@testable import LabRuntime

/// A lab of three nodes for probes, which lives for as long as `body` runs.
///
///     here .10 -- 10.1.0.0/24 -- .1 middle .1 -- 10.2.0.0/24, MTU 1400 -- .10 there
///          ::10 -- fd00:1::/64 -- ::1      ::1 -- fd00:2::/64 ---------- ::10
///
/// 2 ms and 3 ms away, 100 Mbit/s each.
struct ProbeLab {
    let lab: RunningLab

    static func with(
        nearMTU: Int = 1500, farMTU: Int = 1400, loss: String = "0%", check: String = "on",
        _ body: (ProbeLab) async throws -> Void
    ) async throws {
        let text = """
            name: probes
            nodes:
              here:
                role: instance
                source-destination-check: \(check)
                routes: {10.2.0.0/24: 10.1.0.1, "fd00:2::/64": "fd00:1::1", 10.9.0.0/16: 10.1.0.1}
              middle: {role: router}
              there:
                role: instance
                routes: {10.1.0.0/24: 10.2.0.1, "fd00:1::/64": "fd00:2::1"}
            links:
              near:
                ends: {here:eth0: [10.1.0.10/24, "fd00:1::10/64"], middle:near: [10.1.0.1/24, "fd00:1::1/64"]}
                delay: 2ms
                rate: 100mbit
                mtu: \(nearMTU)
              far:
                ends: {middle:far: [10.2.0.1/24, "fd00:2::1/64"], there:eth0: [10.2.0.10/24, "fd00:2::10/64"]}
                delay: 3ms
                rate: 100mbit
                mtu: \(farMTU)
                loss: \(loss)
            """
        let topology = try LabFile(text: text, file: "probes.yaml") { _ in "" }.resolve().topology
        let lab = RunningLab(topology: topology) { _ in }
        do {
            try await lab.build(Plan(for: topology)) { _ in }
            // The first that asks for a neighbour's address of IPv6 is lost on Linux 7.3, why is not known; the next comes a second later.
            if loss == "0%" { try await wait(for: "fd00:2::10", in: lab) }
            try await body(ProbeLab(lab: lab))
        } catch {
            try? await lab.tearDown()
            throw error
        }
        try await lab.tearDown()
    }

    private static func wait(for address: String, in lab: RunningLab) async throws {
        let condition = Condition(.echo(node: "here", try #require(IPAddress(address))))
        let (holds, seen) = try await lab.wait(for: condition, within: .seconds(10))
        try #require(holds, "\(seen)")
    }

    func run(
        _ kind: ProbeRequest.Kind, from node: String = "here", source: String? = nil,
        to destination: String = "10.2.0.10",
        id: UInt64? = nil
    ) async throws -> ProbeResult {
        try await lab.run(
            ProbeRequest(
                source: node, sourceAddress: source.flatMap { IPAddress($0) },
                destination: try #require(IPAddress(destination)),
                kind: kind, id: id))
    }

    /// Puts a filter into a node: the rules of one chain.
    func filter(_ node: String, hook: String, _ rules: String) async throws {
        let sandbox = try await lab.sandbox(node)
        try sandbox.nftables.apply(
            "table inet test {\nchain \(hook) {\ntype filter hook \(hook) priority 0; \(rules)\n}\n}\n")
    }

    func setMTU(_ bytes: Int, at node: String, _ interface: String) async throws {
        let (mtu, name) = try (#require(MTU(bytes)), #require(InterfaceName(interface)))
        try await lab.sandbox(node).sockets.setMTU(mtu, on: name)
    }

    func command(_ node: String, _ arguments: String...) async throws -> String {
        try await NodeProcess.run(arguments, in: lab.sandbox(node)).output
    }
}

/// Probes of a running lab, one after the other: the labs' nodes have the same names.
@Suite(.serialized) struct ProbeTests {}
