import AgentProtocol
import LabFiles
import LabModel
import LabPlan
import NetworkTypes
import NodeRuntime
import Testing

@testable import LabRuntime

// These run inside a lab kernel, as its root: scripts/test sees to that.

/// Two instances behind one router, with a filter before one of them.
///
///     client 10.1.0.10 -- .1 router .1 -- 10.2.0.10 server
private let text = """
    name: small
    nodes:
      client:
        role: instance
        routes: {0.0.0.0/0: 10.1.0.1}
      router: {role: router}
      server:
        role: instance
        routes: {0.0.0.0/0: 10.2.0.1}
        security:
          - {from: 10.1.0.10/32, protocol: icmp}
    links:
      near: {ends: {client:eth0: 10.1.0.10/24, router:client: 10.1.0.1/24}, delay: 2ms, rate: 100mbit}
      far: {ends: {router:server: 10.2.0.1/24, server:eth0: 10.2.0.10/24}, delay: 3ms, rate: 100mbit}
    probes:
      p: {from: client, to: server}
    """

private func topology(_ text: String = text) throws -> Topology {
    try LabFile(text: text, file: "small.yaml") { _ in "" }.resolve().topology
}

private func lab(_ topology: Topology) -> RunningLab {
    RunningLab(topology: topology) { _ in }
}

@Suite(.serialized) struct RunningLabTests {
    @Test func `Builds carries traffic and is taken back`() async throws {
        let topology = try topology()
        let lab = lab(topology)
        try await lab.build(Plan(for: topology)) { _ in }
        let address = try #require(topology.address(of: "server"))
        let (holds, _) = try await lab.wait(for: Condition(.echo(node: "client", address)), within: .seconds(2))
        #expect(holds)
        let before = try await linkCounts(of: lab)
        #expect(before == ["client": 1, "router": 2, "server": 1])
        try await lab.tearDown()
        #expect(await lab.sandboxes.isEmpty)
        #expect(await lab.daemons.isEmpty)
        // Nothing is in the way of doing it again.
        let again = self.again(topology)
        try await again.build(Plan(for: topology)) { _ in }
        try await again.tearDown()
    }

    private func again(_ topology: Topology) -> RunningLab { lab(topology) }

    private func linkCounts(of lab: RunningLab) async throws -> [String: Int] {
        var counts: [String: Int] = [:]
        for (name, sandbox) in await lab.sandboxes {
            counts[name] = try sandbox.sockets.links().count { $0.kind == .veth }
        }
        return counts
    }

    @Test func `Takes back step by step while the nodes still exist`() async throws {
        let topology = try topology()
        let lab = lab(topology)
        let plan = Plan(for: topology)
        try await lab.build(plan) { _ in }
        let sandboxes = await lab.sandboxes
        #expect(sandboxes.count == topology.nodes.count)
        try await lab.tearDown()
        // The namespaces live on in this test's hands; what was put into them is gone.
        for sandbox in sandboxes.values {
            let links = try sandbox.sockets.links().filter { $0.kind == .veth }
            #expect(links.isEmpty, "\(sandbox.name)")
            let rules = try sandbox.nftables.listRuleset()
            #expect(!rules.contains("netlab"), "\(sandbox.name)")
        }
    }

    @Test func `A denied flow is dropped without an answer`() async throws {
        let denied = text.replacing("protocol: icmp", with: "protocol: tcp")
        let topology = try topology(denied)
        let lab = lab(topology)
        let steps = Plan(for: topology)
        // The plan ends by waiting for the probe, which cannot succeed here.
        do {
            try await lab.build(steps) { _ in }
            Issue.record("the probe got an answer through a rule that does not let it in")
        } catch let failure as LabFailure {
            #expect(failure.message.contains("ping client 10.2.0.10 up"))
        }
        try await lab.tearDown()
    }

    @Test func `A wait ends at its deadline on the lab's clock`() async throws {
        let topology = try topology()
        let lab = lab(topology)
        try await lab.build(Plan(for: topology)) { _ in }
        let start = LabClock.now
        let missing = try #require(IPPrefix("192.0.2.0/24"))
        let (holds, seen) = try await lab.wait(for: Condition(.route(node: "client", missing)), within: .seconds(600))
        let waited = LabClock.now - start
        #expect(!holds)
        #expect(seen.contains("client"))
        #expect(waited >= .seconds(600))
        #expect(waited < .seconds(601))
        try await lab.tearDown()
    }

    @Test func `The step that fails is named and the rest taken back`() async throws {
        let topology = try topology()
        let lab = lab(topology)
        // The same link twice: the second time its names are taken.
        let plan = Plan(for: topology)
        let doubled = try plan.doubling {
            if case .createLink(let link) = $0.action { link.name == "near" } else { false }
        }
        do {
            try await lab.build(doubled) { _ in }
            Issue.record("the same link was made twice")
        } catch let failure as LabFailure {
            #expect(failure.message.contains("near"))
        }
        // Taking back reports what it could not do (the link can only be removed once) and does the rest.
        await #expect(throws: LabFailure.self) { try await lab.tearDown() }
        #expect(await lab.sandboxes.isEmpty)
    }
}

extension Plan {
    /// The plan with the first step that fits repeated right after itself.
    fileprivate func doubling(_ fits: (Step) -> Bool) throws -> Plan {
        var copy = steps
        let found = copy.firstIndex(where: fits)
        let index = try #require(found)
        copy.insert(copy[index], at: index)
        return Plan(lab: lab, steps: copy)
    }
}

@Suite struct ProcFileTests {
    @Test(arguments: [
        ("12 (bash) R 1 12", true), ("12 (a) R) S 1 12", false), ("12 (x) (y) R 1", true), ("", false),
        ("12 (bash", false),
    ])
    func `Runnable`(_ stat: String, _ expected: Bool) {
        #expect(RunnableProcesses.isRunnable(stat: stat) == expected)
    }

    @Test func `Listening sockets`() {
        let list = """
            Num       RefCount Protocol Flags    Type St Inode Path
            00000000: 00000002 00000000 00010000 0001 01 17 /run/pluto/pluto.ctl
            00000000: 00000003 00000000 00000000 0001 03 18 /run/bird/bird.ctl
            """
        #expect(UnixSockets.isListening("/run/pluto/pluto.ctl", in: list))
        #expect(!UnixSockets.isListening("/run/bird/bird.ctl", in: list))
        #expect(!UnixSockets.isListening("/run/pluto", in: list))
    }
}
