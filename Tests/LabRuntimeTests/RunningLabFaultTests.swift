import AgentProtocol
import LabFiles
import LabModel
import LabPlan
import Netlink
import NetworkTypes
import NodeRuntime
import Testing

@testable import LabRuntime

/// Both families, and routes of the lab file's through a link that goes down:
///
///     near-end 10.1.0.10, 2001:db8:1::10 -- near -- hop -- far -- far-end 10.2.0.10, 2001:db8:2::10
private let text = """
    name: both
    nodes:
      near-end: {role: instance, routes: {0.0.0.0/0: 10.1.0.1, "::/0": "2001:db8:1::1"}}
      hop: {role: router}
      far-end: {role: instance, routes: {0.0.0.0/0: 10.2.0.1, "::/0": "2001:db8:2::1"}}
    links:
      near:
        ends: {near-end:eth0: [10.1.0.10/24, "2001:db8:1::10/64"], hop:near: [10.1.0.1/24, "2001:db8:1::1/64"]}
        delay: 2ms
        rate: 100mbit
      far:
        ends: {hop:far: [10.2.0.1/24, "2001:db8:2::1/64"], far-end:eth0: [10.2.0.10/24, "2001:db8:2::10/64"]}
        delay: 3ms
        rate: 100mbit
    """

@Suite(.serialized) struct RunningLabFaultTests {
    private let topology: Topology
    private let lab: RunningLab

    init() throws {
        topology = try LabFile(text: text, file: "both.yaml") { _ in "" }.resolve().topology
        lab = RunningLab(topology: topology) { _ in }
    }

    private func faults(_ texts: String...) throws -> [Fault] { try texts.map { try Fault($0, in: topology) } }

    private func answers(_ address: String) async throws -> Bool {
        let address = try #require(IPAddress(address))
        return try await lab.wait(for: Condition(.echo(node: "near-end", address)), within: .zero).holds
    }

    /// Addresses and routes, of which the kernel's own carry no counters either.
    private func state() async throws -> [String: [String]] {
        var state: [String: [String]] = [:]
        for (name, sandbox) in await lab.sandboxes {
            let sockets = sandbox.sockets
            state[name] =
                try sockets.addresses().map { "\($0.interface) \($0.address)" }.sorted()
                + sockets.routes(table: nil).map { "\($0)" }.sorted()
                + sockets.links().map { "\($0.name) \($0.mtu) \($0.isUp)" }
                + sockets.qdiscs().compactMap(\.netem).map { "\($0)" }
        }
        return state
    }

    /// The kernel takes up to a second of its own time to see that a link is there again, and to make its own addresses
    /// (linkwatch_event, net/core/link_watch.c).
    private func settle() async throws { try await Task.sleep(for: .seconds(3)) }

    private func difference(_ old: [String: [String]], _ new: [String: [String]]) -> [String] {
        old.keys.sorted().flatMap { node in
            let (old, new) = (old[node] ?? [], new[node] ?? [])
            return old.filter { !new.contains($0) }.map { "\(node) - \($0)" }
                + new.filter { !old.contains($0) }.map { "\(node) + \($0)" }
        }
    }

    @Test func `A link comes back with its routes and addresses of both families`() async throws {
        try await lab.build(Plan(for: topology)) { _ in }
        try await settle()
        let before = try await state()
        for address in ["10.2.0.10", "2001:db8:2::10"] { #expect(try await answers(address)) }
        _ = try await lab.fail(faults("link near down"), for: nil)
        for address in ["10.2.0.10", "2001:db8:2::10"] { #expect(try await !answers(address)) }
        _ = try await lab.heal(nil)
        try await settle()
        #expect(try await difference(before, state()) == [])
        for address in ["10.2.0.10", "2001:db8:2::10"] { #expect(try await answers(address)) }
        // An interface with less than 1280 bytes cannot have IPv6 (RFC 8200, section 5).
        _ = try await lab.fail(faults("mtu near-end eth0 1000"), for: nil)
        #expect(try await !answers("2001:db8:2::10"))
        _ = try await lab.heal(nil)
        try await settle()
        #expect(try await difference(before, state()) == [])
        try await lab.tearDown()
    }

    @Test func `A lab is taken down with faults in it`() async throws {
        try await lab.build(Plan(for: topology)) { _ in }
        let faults = try faults("link near down", "node far-end down", "loss far 20%", "drop icmp on near")
        #expect(try await lab.fail(faults, for: .seconds(60)).map(\.fault) == faults)
        try await lab.tearDown()
        #expect(await lab.activeFaults.isEmpty)
        #expect(await lab.sandboxes.isEmpty)
    }

    @Test func `Listeners hear of beginnings and ends`() async throws {
        try await lab.build(Plan(for: topology)) { _ in }
        let (heard, continuation) = AsyncStream.makeStream(of: String.self)
        await lab.listenToFaults { continuation.yield("\($0) \($1)") }
        _ = try await lab.fail(faults("loss near 20%"), for: .milliseconds(100))
        var ears = heard.makeAsyncIterator()
        #expect(await ears.next() == "loss near 20% true")
        let start = LabClock.now
        #expect(await ears.next() == "loss near 20% false")
        #expect((.milliseconds(99) ... .milliseconds(101)).contains(LabClock.now.sinceStart - start.sinceStart))
        try await lab.tearDown()
    }
}
