import Foundation
import Testing

/// Every kind of fault: what it does on the wire, that `status` knows it, and that `heal` leaves nothing of it.
@Suite(.serialized, .lab("aws-oci"), .timeLimit(.minutes(60)))
struct FaultTests {
    /// Some faults, and what there is to see of them.
    struct Case: Sendable, CustomTestStringConvertible {
        let faults: [String]
        /// The nodes that are looked at before and after.
        let at: [String]
        /// What holds again when it is healed, besides the workload's own way.
        var recovery: [String] = []
        let effect: @Sendable (RunningLab) async throws -> Void

        init(
            _ faults: String..., at: [String], recovery: [String] = [],
            effect: @escaping @Sendable (RunningLab) async throws -> Void
        ) {
            (self.faults, self.at, self.recovery, self.effect) = (faults, at, recovery, effect)
        }

        var testDescription: String { faults.joined(separator: ", ") }
    }

    static let main = [
        "tunnel main up", "bgp main up", "route tgw 10.105.2.0/24 present", "route drg 10.2.0.0/16 present",
    ]
    static let backup = ["tunnel backup up", "ping vcn2-vm 192.168.2.1 up"]

    let lab: RunningLab

    init() throws { lab = try .current }

    private func check(_ test: Case) async throws {
        let before = try await NodeView.all(test.at, of: lab)
        let start = try await lab.clock().time
        let active = try await lab.fail(test.faults)
        #expect(active.map(\.text) == test.faults)
        // The clock stands still but for the microseconds that looking at it takes.
        #expect(Set(active.map(\.since)).count == 1 && active.allSatisfy { $0.until == nil })
        #expect((start...start + .milliseconds(1)).contains(try #require(active.first).since))
        #expect(try await lab.status().faults == active)
        do {
            try await test.effect(lab)
        } catch {
            try await lab.heal()
            throw error
        }
        #expect(try await lab.heal() == [])
        for condition in test.recovery + ["ping vpc1-ec2 10.105.2.100 up"] {
            _ = try await lab.until(condition, within: .seconds(900))
        }
        let after = try await NodeView.all(test.at, of: lab)
        for node in test.at {
            let difference = try #require(after[node]).difference(from: #require(before[node]))
            #expect(difference == nil, "\(node) is not as it was")
        }
        let status = try await lab.status()
        #expect(status.faults == [] && status.daemons.allSatisfy(\.isRunning))
        #expect(status.paths.allSatisfy { $0.broken == nil })
    }

    // MARK: Links

    static let links = [
        Case("link aws-vpn-1 down", at: ["tgw", "internet"], recovery: main) { lab async throws in
            #expect(try await lab.ping("10.105.2.100", from: "vpc1-ec2").received == 0)
            let status = try await lab.status()
            #expect(status.isUp("tgw", "wan1") == false && status.isUp("internet", "aws-vpn1") == false)
            #expect(status.isUp("tgw", "wan2") == true)
        },
        Case("loss vpc1-workload 50% from vpc1-ec2", at: ["vpc1-ec2", "vpc1"]) { lab async throws in
            // All or none of 100 would be once in 10³⁰ times.
            let received = try await lab.quickPing("10.105.2.100", from: "vpc1-ec2", count: 100).received
            #expect((10...90).contains(received))
        },
        Case("delay vpc1-workload 5ms", at: ["vpc1-ec2", "vpc1"]) { lab async throws in
            let ping = try await lab.quickPing("10.105.2.100", from: "vpc1-ec2")
            #expect((12.9...13.1).contains(try #require(ping.longest)) && ping.isLossless)
        },
        Case("delay vpc1-workload 5ms from vpc1", at: ["vpc1-ec2", "vpc1"]) { lab async throws in
            let ping = try await lab.quickPing("10.105.2.100", from: "vpc1-ec2")
            #expect((7.9...8.1).contains(try #require(ping.longest)))
        },
        Case("jitter vpc1-workload 5ms", at: ["vpc1-ec2", "vpc1"]) { lab async throws in
            let ping = try await lab.quickPing("10.105.2.100", from: "vpc1-ec2", count: 50)
            #expect(try #require(ping.longest) - #require(ping.shortest) > 1)
        },
        Case("rate vpc1-workload 1mbit from vpc1-ec2", at: ["vpc1-ec2", "vpc1"]) { lab async throws in
            // 98 bytes with the Ethernet header: 784 µs instead of almost nothing.
            let ping = try await lab.quickPing("10.105.2.100", from: "vpc1-ec2")
            #expect((3.7...3.9).contains(try #require(ping.longest)) && ping.isLossless)
        },
        Case("corruption aws-vpn-1 100%", at: ["tgw", "internet"], recovery: main) { lab async throws in
            // Only a wrong bit in the sender's Ethernet address does no harm: 6 of some 150 bytes, each way.
            #expect(try await lab.quickPing("10.105.2.100", from: "vpc1-ec2", count: 20).received <= 2)
        },
        Case("duplication vpc1-workload 100% from vpc1-ec2", at: ["vpc1-ec2", "vpc1"]) { lab async throws in
            let result = try await lab.exec("vpc1-ec2", "ping", "-n", "-c", "3", "-i", "0.1", "10.2.3.1")
            #expect(result.output.contains("duplicates"), result.account)
        },
        Case("reordering vpc1-workload 50% from vpc1-ec2", "delay vpc1-workload 50ms", at: ["vpc1-ec2", "vpc1"]) {
            lab async throws in
            let result = try await lab.exec("vpc1-ec2", "ping", "-n", "-c", "50", "-i", "0.01", "10.2.3.1")
            let numbers = result.output.matches(of: /icmp_seq=(\d+)/).compactMap { Int($0.1) }
            #expect(numbers.count == 50 && numbers != numbers.sorted(), result.account)
        },
        Case("blackhole aws-vpn-1 from tgw", at: ["tgw", "internet"], recovery: main) { lab async throws in
            let before = try await lab.echoRequestsReceived(by: "tgw")
            #expect(try await lab.quickPing("203.0.113.10", from: "internet").received == 0)
            // The other direction is open, and the link is up for all to see.
            #expect(try await lab.echoRequestsReceived(by: "tgw") - before == 3)
            #expect(try await lab.status().isUp("tgw", "wan1") == true)
        },
        Case("blackhole aws-vpn-1", at: ["tgw", "internet"], recovery: main) { lab async throws in
            let before = try await lab.echoRequestsReceived(by: "tgw")
            #expect(try await lab.quickPing("203.0.113.10", from: "internet").received == 0)
            #expect(try await lab.echoRequestsReceived(by: "tgw") == before)
        },
        Case("mtu tgw vpn1 1300", at: ["tgw"]) { lab async throws in
            let result = try await lab.exec(
                "vpc1-ec2", "ping", "-n", "-M", "do", "-s", "1300", "-c", "2", "10.105.2.100")
            #expect(result.output.contains("mtu = 1300"), result.account)
            #expect(try await lab.status().mtu("tgw", "vpn1") == 1300)
            // What the sender has learned would outlive the fault.
            try await lab.change("vpc1-ec2", "ip", "route", "flush", "cache")
        },
        Case("mtu vpc2-ec2 vti1 1300", at: ["vpc2-ec2"]) { lab async throws in
            #expect(try await lab.status().mtu("vpc2-ec2", "vti1") == 1300)
        },
    ]

    @Test(arguments: links) func `Link faults`(_ test: Case) async throws { try await check(test) }

    // MARK: Filters

    /// The packets that a node's drop rules have taken, rule by rule.
    static func dropped(by node: String, of lab: RunningLab) async throws -> [Int] {
        let rules = try await lab.exec(node, "nft", "list", "table", "inet", "netlab-faults")
        return rules.output.matches(of: /counter packets (\d+)/).compactMap { Int($0.1) }
    }

    static let drops = [
        Case("drop esp on aws-vpn-1 from tgw", at: ["tgw", "internet"], recovery: main) { lab async throws in
            #expect(try await lab.quickPing("10.105.2.100", from: "vpc1-ec2").received == 0)
            #expect(try await lab.quickPing("203.0.113.10", from: "internet").isLossless)
            #expect(try await dropped(by: "internet", of: lab)[0] >= 3)
        },
        Case("drop esp on main from tgw", at: ["drg"], recovery: main) { lab async throws in
            #expect(try await lab.quickPing("10.105.2.100", from: "vpc1-ec2").received == 0)
            #expect(try await dropped(by: "drg", of: lab)[0] >= 3)
        },
        Case("drop esp-in-udp on aws-internet", at: ["aws-igw", "internet"], recovery: backup) { lab async throws in
            #expect(try await lab.quickPing("192.168.2.1", from: "vcn2-vm").received == 0)
            #expect(try await dropped(by: "aws-igw", of: lab).reduce(0, +) >= 3)
            // IKE passes by the same port.
            try await lab.change("vpc2-ec2", "ipsec", "whack", "--name", "oracle-tunnel-1", "--rekey-ike")
            #expect(try await dropped(by: "internet", of: lab) == [0, 0])
        },
        Case("drop ike on oci-vpn-1 from internet", at: ["drg"], recovery: main) { lab async throws in
            #expect(try await lab.quickPing("10.105.2.100", from: "vpc1-ec2").isLossless)
            // Liveness is asked every 10 s of silence; the answers are lost.
            _ = try await lab.exec("drg", "ipsec", "whack", "--name", "main", "--rekey-ike", "--asynchronous")
            _ = try await lab.clock("advance", "2s")
            #expect(try await dropped(by: "drg", of: lab).reduce(0, +) >= 1)
        },
        Case("drop udp-4500 on aws-internet from internet", at: ["aws-igw"], recovery: backup) { lab async throws in
            #expect(try await lab.quickPing("192.168.2.1", from: "vcn2-vm").received == 0)
            #expect(try await dropped(by: "aws-igw", of: lab)[0] >= 3)
        },
        Case("drop udp-500 on aws-vpn-1 from internet", at: ["tgw"], recovery: main) { lab async throws in
            _ = try await lab.exec("drg", "ipsec", "whack", "--name", "main", "--rekey-ike", "--asynchronous")
            _ = try await lab.clock("advance", "2s")
            #expect(try await dropped(by: "tgw", of: lab).reduce(0, +) >= 1)
        },
        Case("drop frag-needed on vpc1-workload from vpc1", at: ["vpc1-ec2"]) { lab async throws in
            let result = try await lab.exec(
                "vpc1-ec2", "ping", "-n", "-M", "do", "-s", "1450", "-c", "2", "-W", "1", "10.105.2.100")
            #expect(result.output.contains(" 0 received") && !result.output.contains("mtu ="), result.account)
            #expect(try await dropped(by: "vpc1-ec2", of: lab) == [2, 0])
        },
        Case("drop bgp on main", at: ["tgw", "drg"], recovery: main) { lab async throws in
            #expect(try await lab.quickPing("10.105.2.100", from: "vpc1-ec2").isLossless)
            #expect(try await lab.until("bgp main down", within: .seconds(31)) > .seconds(15))
        },
        Case("drop icmp on vpc1-workload from vpc1", at: ["vpc1-ec2"]) { lab async throws in
            #expect(try await lab.quickPing("10.2.3.1", from: "vpc1-ec2").received == 0)
            #expect(try await dropped(by: "vpc1-ec2", of: lab) == [3])
        },
        Case("drop tcp on vpc1-workload", "drop udp on vpc1-workload", at: ["vpc1-ec2", "vpc1"]) { lab async throws in
            _ = try await lab.exec(
                "vpc1-ec2", "bash", "-c", "echo > /dev/udp/10.2.3.1/9; timeout 1 bash -c '> /dev/tcp/10.2.3.1/9'")
            #expect(try await dropped(by: "vpc1", of: lab).allSatisfy { $0 >= 1 })
            #expect(try await lab.quickPing("10.2.3.1", from: "vpc1-ec2").isLossless)
        },
        Case("security vpc2-ec2 without 10.3.0.0/16", at: ["vpc2"]) { lab async throws in
            #expect(try await lab.ping("10.105.0.2", from: "tgw", by: "10.3.255.2").received == 0)
        },
        Case("source-destination-check vpc2-ec2 on", at: ["vpc2"]) { lab async throws in
            #expect(try await lab.ping("10.105.0.2", from: "tgw", by: "10.3.255.2").received == 0)
            // What is the instance's own passes.
            #expect(try await lab.quickPing("192.168.2.1", from: "vcn2-vm").isLossless)
        },
        // The Internet may not ping the instance, but the router.
        Case("nat aws-igw 203.0.113.20 to 10.3.0.1", at: ["aws-igw"], recovery: backup) { lab async throws in
            #expect(try await lab.quickPing("203.0.113.20", from: "internet").isLossless)
            #expect(try await lab.quickPing("192.168.2.1", from: "vcn2-vm").received == 0)
        },
    ]

    @Test(arguments: drops) func `Filter faults`(_ test: Case) async throws { try await check(test) }

    @Test func `A flushed translation forgets its connections`() async throws {
        let count = { (lab: RunningLab) in
            try await lab.exec("aws-igw", "grep", "-c", "icmp .*src=192.0.2.1 ", "/proc/net/nf_conntrack").output
        }
        _ = try await lab.quickPing("203.0.113.20", from: "internet")
        #expect(try await count(lab) == "1\n")
        #expect(try await lab.fail(["nat aws-igw flushed"]) == [])
        #expect(try await count(lab) == "0\n")
    }

    // MARK: Daemons

    static let daemons = [
        Case("daemon vpc2-ec2/pluto killed", at: ["vpc2-ec2"], recovery: backup) { lab async throws in
            let status = try await lab.status()
            #expect(status.isRunning("vpc2-ec2/pluto") == false && status.tunnel("backup")?.state == "down")
            #expect(try await lab.quickPing("192.168.2.1", from: "vcn2-vm").received == 0)
        },
        Case("daemon tgw/pluto stopped", at: ["tgw"], recovery: main) { lab async throws in
            #expect(try await lab.status().isRunning("tgw/pluto") == false)
            // The kernel goes on by itself, until the peer misses the daemon.
            #expect(try await lab.quickPing("10.105.2.100", from: "vpc1-ec2").isLossless)
        },
        Case("daemon drg/bird killed", at: ["drg"], recovery: main) { lab async throws in
            #expect(try await lab.status().isRunning("drg/bird") == false)
            // The end of its connection is a word to the peer, too.
            _ = try await lab.until("route tgw 10.105.2.0/24 absent", within: .seconds(5))
        },
        Case("daemon drg/bird stopped", at: ["drg"], recovery: main) { lab async throws in
            #expect(try await lab.until("route tgw 10.105.2.0/24 absent", within: .seconds(34)) > .seconds(19))
        },
        Case("bgp main shut at tgw", at: ["tgw", "drg"], recovery: main) { lab async throws in
            _ = try await lab.until("route drg 10.2.0.0/16 absent", within: .seconds(5))
            #expect(
                try await lab.exec("drg", "birdc", "show", "protocols", "all", "main").output.contains(
                    "Administrative shutdown"))
            _ = try await lab.clock("advance", "60s")
            #expect(try await lab.status().states(of: "main")?.contains("Established") == false)
        },
        Case("bgp main hold 9s at drg", at: ["tgw", "drg"], recovery: main) { lab async throws in
            _ = try await lab.until("bgp main down", within: .seconds(5))
            _ = try await lab.until("bgp main up", within: .seconds(60))
            #expect(try await lab.status().sessions[0].speakers.map(\.holdSeconds) == [9, 9])
        },
        Case("bgp main md5 wrong at tgw", at: ["tgw", "drg"], recovery: main) { lab async throws in
            _ = try await lab.clock("advance", "60s")
            #expect(try await lab.status().states(of: "main")?.contains("Established") == false)
            #expect(try await lab.status().tunnel("main")?.state == "up")
        },
        Case("mismatch main psk at tgw", at: ["tgw", "drg"], recovery: main) { lab async throws in
            _ = try await lab.until("bgp main down", within: .seconds(40))
            _ = try await lab.clock("advance", "60s")
            #expect(try await lab.status().tunnel("main")?.state == "down")
            #expect(try await lab.netlab.run("logs", lab.name).output.contains("AUTHENTICATION_FAILED"))
        },
        Case("mismatch main ike at drg", at: ["tgw", "drg"], recovery: main) { lab async throws in
            _ = try await lab.clock("advance", "60s")
            #expect(try await lab.status().tunnel("main")?.state == "down")
        },
        Case("mismatch main esp at tgw", at: ["tgw", "drg"], recovery: main) { lab async throws in
            _ = try await lab.clock("advance", "60s")
            #expect(try await lab.status().tunnel("main")?.state == "down")
        },
        Case("mismatch backup psk at vcn2-vm", at: ["vpc2-ec2", "vcn2-vm"], recovery: backup) { lab async throws in
            _ = try await lab.clock("advance", "60s")
            #expect(try await lab.status().tunnel("backup")?.state == "down")
        },
        Case("mismatch backup ike at vpc2-ec2", at: ["vpc2-ec2", "vcn2-vm"], recovery: backup) { lab async throws in
            _ = try await lab.clock("advance", "60s")
            #expect(try await lab.status().tunnel("backup")?.state == "down")
        },
        Case("mismatch backup esp at vpc2-ec2", at: ["vpc2-ec2", "vcn2-vm"], recovery: backup) { lab async throws in
            _ = try await lab.clock("advance", "60s")
            #expect(try await lab.status().tunnel("backup")?.state == "down")
        },
        Case("maintenance main at tgw", at: ["tgw", "drg"], recovery: main) { lab async throws in
            // Traffic has left, both associations are gone, and the peer's attempts are not answered.
            #expect(try await lab.quickPing("10.105.2.100", from: "vpc1-ec2").isLossless)
            #expect(try await lab.status().tunnel("main")?.ends.allSatisfy { $0.inbound == nil } == true)
            _ = try await lab.clock("advance", "180s")
            #expect(try await lab.status().tunnel("main")?.state == "down")
            #expect(try await lab.quickPing("10.105.2.100", from: "vpc1-ec2").isLossless)
        },
        Case("maintenance backup at vcn2-vm", at: ["vpc2-ec2", "vcn2-vm"], recovery: backup) { lab async throws in
            #expect(try await lab.quickPing("192.168.2.1", from: "vcn2-vm").received == 0)
            _ = try await lab.clock("advance", "60s")
            #expect(try await lab.status().tunnel("backup")?.state == "down")
        },
        Case("sa main deleted at tgw", at: ["tgw", "drg"], recovery: main) { lab async throws in
            let ends = try #require(try await lab.status().tunnel("main")?.ends)
            #expect(ends.map { $0.inbound == nil } == [true, false])
        },
        Case("sa backup deleted at vcn2-vm", at: ["vpc2-ec2", "vcn2-vm"], recovery: backup) { lab async throws in
            #expect(try await lab.status().tunnel("backup")?.state == "down")
        },
        Case("node tgw down", at: ["tgw", "vpc1", "internet"], recovery: main) { lab async throws in
            let status = try await lab.status()
            #expect(status.isRunning("tgw/pluto") == false && status.isRunning("tgw/bird") == false)
            #expect(["wan1", "wan2", "vpc1", "vpc2"].allSatisfy { status.isUp("tgw", $0) == false })
            #expect(status.tunnel("main")?.state == "down")
            #expect(try await lab.quickPing("10.2.255.2", from: "vpc1").received == 0)
        },
        Case("zone oci down", at: ["drg", "vcn2-vm", "vcn2", "oci-igw"], recovery: main + backup) { lab async throws in
            let status = try await lab.status()
            #expect(
                status.daemons.filter(\.isRunning).map(\.name).sorted() == ["tgw/bird", "tgw/pluto", "vpc2-ec2/pluto"])
            #expect(try await lab.quickPing("198.51.100.20", from: "internet").received == 0)
        },
    ]

    @Test(arguments: daemons) func `Daemon faults`(_ test: Case) async throws { try await check(test) }

    @Test(arguments: ["tgw/pluto", "drg/bird"]) func `A restarted daemon is another`(_ daemon: String) async throws {
        let node = String(daemon.prefix { $0 != "/" })
        let before = try await NodeView.all([node], of: lab)
        let socket = daemon.hasSuffix("bird") ? "/run/bird/bird.ctl" : "/run/pluto/pluto.ctl"
        let old = try await lab.exec(node, "stat", "-c", "%i", socket).output
        #expect(try await lab.fail(["daemon \(daemon) restarted"]) == [])
        #expect(try await lab.exec(node, "stat", "-c", "%i", socket).output != old)
        for condition in Self.main { _ = try await lab.until(condition, within: .seconds(900)) }
        #expect(try await NodeView.all([node], of: lab) == before)
    }

    // MARK: Several

    /// Faults of all layers on the same nodes, healed in another order than they began.
    @Test func `Faults compose and leave nothing in whatever order`() async throws {
        let nodes = ["tgw", "internet", "drg", "vpc2-ec2", "vpc2", "aws-igw"]
        let before = try await NodeView.all(nodes, of: lab)
        let faults = [
            "link aws-vpn-1 down", "node tgw down", "loss aws-vpn-1 10%", "loss aws-vpn-1 10% from tgw",
            "daemon tgw/bird stopped", "daemon tgw/bird killed", "mismatch main psk", "bgp main hold 9s",
            "bgp main shut", "mtu tgw wan1 1400", "mtu tgw wan1 1300", "drop esp on main", "drop icmp on aws-vpn-1",
            "daemon vpc2-ec2/pluto stopped", "mismatch backup ike", "security vpc2-ec2 without 10.2.0.0/16",
            "source-destination-check vpc2-ec2 on", "link vpc2-internet down", "nat aws-igw 203.0.113.20 to 10.3.0.1",
        ]
        for fault in faults { try await lab.fail([fault]) }
        _ = try await lab.clock("advance", "10s")
        for fault in faults.sorted() { try await lab.heal([fault]) }
        for condition in Self.main + Self.backup { _ = try await lab.until(condition, within: .seconds(900)) }
        let after = try await NodeView.all(nodes, of: lab)
        for node in nodes {
            let difference = try #require(after[node]).difference(from: #require(before[node]))
            #expect(difference == nil, "\(node) is not as it was")
        }
        #expect(try await lab.activeFaults() == [])
    }

    @Test func `A fault heals by itself at the exact time`() async throws {
        let start = try await lab.clock().time
        let active = try await lab.fail(["delay vpc1-workload 5ms", "loss vpc1-workload 1%"], for: "1500ms")
        let since = try #require(active.first).since
        #expect((start...start + .milliseconds(1)).contains(since))
        #expect(active.map(\.since) == [since, since])
        #expect(active.map(\.until) == [since + .milliseconds(1500), since + .milliseconds(1500)])
        _ = try await lab.clock("advance", "1498ms")
        #expect(try await lab.activeFaults().count == 2)
        _ = try await lab.clock("advance", "3ms")
        #expect(try await lab.activeFaults() == [])
        #expect(try await lab.status().faults == [])
        // One that is healed before does not end what came after it.
        try await lab.fail(["delay vpc1-workload 5ms"], for: "1s")
        try await lab.heal()
        try await lab.fail(["delay vpc1-workload 5ms"])
        _ = try await lab.clock("advance", "5s")
        #expect(try await lab.activeFaults().count == 1)
        try await lab.heal()
    }

    // MARK: Mistakes

    @Test func `What cannot be broken is refused and nothing is broken`() async throws {
        let before = try await NodeView.all(["tgw"], of: lab)
        let refusals: [([String], String)] = [
            (["link aws-vpn-9 down"], "aws-vpn-1"), (["mtu tgw vpn1 1500"], "1438"),
            (["rate aws-vpn-1 10gbit"], "would change nothing"),
            (["source-destination-check vpc1-ec2 on"], "is on already"),
            (["delay aws-vpn-1 1ms", "delay aws-vpn-1 1ms"], "given twice"),
            // The second one fails when the first one is active, which is taken back.
            (["loss aws-vpn-1 10%", "sa backup deleted at vpc2-ec2"], "no security associations"),
            (["loss aws-vpn-1 10%", "daemon vpc2-ec2/pluto restarted"], "does not run"),
        ]
        try await lab.fail(["daemon vpc2-ec2/pluto killed"])
        for (faults, reason) in refusals {
            let result = try await lab.netlab.execute(Netlab.program, ["fail", lab.name] + faults)
            #expect(result.code == 2 && result.error.contains(reason), result.account)
        }
        #expect(try await lab.activeFaults().map(\.text) == ["daemon vpc2-ec2/pluto killed"])
        #expect(try await NodeView.all(["tgw"], of: lab) == before)
        try await lab.heal()
        for condition in Self.backup { _ = try await lab.until(condition, within: .seconds(900)) }
    }

    @Test func `Healing names what there is`() async throws {
        let none = try await lab.netlab.run("heal", lab.name)
        #expect(none.code == 2 && none.error.contains("No fault is active"), none.account)
        try await lab.fail(["delay vpc1-workload 5ms"])
        let again = try await lab.netlab.run("fail", lab.name, "delay", "vpc1-workload", "5ms")
        #expect(again.code == 2 && again.error.contains("active already"), again.account)
        let other = try await lab.netlab.run("heal", lab.name, "delay", "vpc1-workload", "6ms")
        #expect(other.code == 2 && other.error.contains("Active are: delay vpc1-workload 5ms."), other.account)
        try await lab.fail(["loss vpc1-workload 1%"])
        let several = try await lab.netlab.run("heal", lab.name)
        #expect(
            several.code == 2 && several.error.contains("delay vpc1-workload 5ms; loss vpc1-workload 1%"),
            several.account)
        let table = try await lab.netlab.run("faults", lab.name)
        #expect(table.output.contains("delay vpc1-workload 5ms  ") && table.output.hasPrefix("FAULT"), table.account)
        let status = try await lab.netlab.run("status", lab.name)
        #expect(status.output.contains("FAULTS\n"), status.account)
        try await lab.heal(["loss vpc1-workload 1%"])
        let last = try await lab.netlab.run("heal", lab.name)
        #expect(last.code == 0 && last.output.contains("Nothing in aws-oci is broken"), last.account)
    }
}

extension RunningLab {
    /// Pings ten times a second, for what need not be slow.
    fileprivate func quickPing(_ destination: String, from node: String, count: Int = 3) async throws -> PingSummary {
        let result = try await exec(node, "ping", "-n", "-c", "\(count)", "-i", "0.1", "-W", "1", destination)
        return try #require(PingSummary(result.output), result.account)
    }

    fileprivate func ping(_ destination: String, from node: String, by source: String) async throws -> PingSummary {
        let result = try await exec(node, "ping", "-n", "-c", "3", "-i", "0.1", "-W", "1", "-I", source, destination)
        return try #require(PingSummary(result.output), result.account)
    }

    /// `InEchos` of /proc/net/snmp (RFC 2011, icmpInEchos).
    fileprivate func echoRequestsReceived(by node: String) async throws -> Int {
        let lines = try await exec(node, "grep", "^Icmp:", "/proc/net/snmp").output.split(separator: "\n")
            .map { $0.split(separator: " ") }
        let column = try #require(lines.first?.firstIndex(of: "InEchos"))
        return try #require(Int(lines[1][column]))
    }
}
