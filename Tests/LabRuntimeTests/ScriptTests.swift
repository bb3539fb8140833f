import AgentProtocol
import Glibc
import Netlink
import NetworkTypes
import Testing

@testable import LabModel
@testable import LabPlan
@testable import LabRecords
@testable import LabRuntime
@testable import NodeRuntime
@testable import Probing

extension ProbeTests {
    @Suite(.serialized) struct Scripts {
        static func flow(
            to destination: String = "10.2.0.10", every interval: Duration = .seconds(1), payload: Int = 56
        ) throws -> FlowRequest {
            FlowRequest(
                name: "f", source: "here", sourceAddress: nil, destination: try #require(IPAddress(destination)),
                interval: interval, payload: payload)
        }

        /// In nanoseconds: looking at the clock moves it, and other threads may do so first.
        static let latest: Int64 = 10_000
        static let never = AsyncStream<ExecInput> { _ in }

        static func play(
            _ lab: ProbeLab, _ flows: [FlowRequest], steps: [Script.Step] = [], for length: Duration,
            sampling: Duration? = nil, input: AsyncStream<ExecInput> = never
        ) async throws -> ScriptRecord {
            let script = Script(
                flows: flows, steps: steps, length: length, capture: nil, samplingInterval: sampling)
            return try await lab.lab.play(script, file: "/var/log/netlab/s.pcapng", input: input) { _ in }
        }

        @Test(arguments: [
            ("10.2.0.10", 0), ("10.2.0.10", 1), ("10.2.0.10", 15), ("fd00:2::10", 0), ("fd00:2::10", 1),
            ("10.2.0.10", 65_000),
        ])
        func `Requests go out at their times and each is answered`(destination: String, payload: Int) async throws {
            try await ProbeLab.with { lab in
                let flow = try Self.flow(to: destination, payload: payload)
                let record = try await Self.play(lab, [flow], for: .seconds(10))
                #expect(record.startedAtNanoseconds.isMultiple(of: 1_000_000_000))
                #expect(record.endedAtNanoseconds - record.startedAtNanoseconds >= 10_000_000_000)
                #expect(record.endedAtNanoseconds - record.startedAtNanoseconds < 10_000_100_000)
                #expect(!record.isPartial)
                let result = try #require(record.flows.first)
                #expect(result.sentAtNanoseconds.count == 10)
                for (number, time) in result.sentAtNanoseconds.enumerated() {
                    let due = record.startedAtNanoseconds + Int64(number) * 1_000_000_000
                    #expect((due..<due + Self.latest).contains(time), "\(time - due)")
                }
                // 5 ms each way; what is more is the time on the wire, and for the first one the neighbours' addresses.
                #expect(result.roundTripNanoseconds.allSatisfy { $0 > 10_000_000 })
                if payload < 100 { #expect(result.roundTripNanoseconds.dropFirst().allSatisfy { $0 < 10_050_000 }) }
                #expect((result.duplicates, result.reordered, result.unsent) == (0, 0, 0))
            }
        }

        @Test func `Several flows of different intervals share a beginning`() async throws {
            try await ProbeLab.with { lab in
                let flows = try [
                    Self.flow(every: .milliseconds(700)), Self.flow(to: "fd00:2::10", every: .seconds(2)),
                ]
                let record = try await Self.play(lab, flows, for: .seconds(7))
                #expect(record.flows.map(\.sentAtNanoseconds.count) == [10, 4])
                #expect(record.flows.allSatisfy { $0.roundTripNanoseconds.allSatisfy { $0 > 0 } })
                #expect(Set(record.flows.map(\.identifier)).count == 2)
                let offsets = record.flows[0].sentAtNanoseconds.map { $0 - record.startedAtNanoseconds }
                #expect(
                    zip(offsets, 0...).allSatisfy { (0..<Self.latest).contains($0 - Int64($1) * 700_000_000) },
                    "\(offsets)")
            }
        }

        /// What one port sends is answered to that port, from the address that was asked, and each flow counts its own.
        @Test(arguments: ["10.2.0.10", "fd00:2::10"])
        func `Flows over UDP are answered by netlab itself`(destination: String) async throws {
            try await ProbeLab.with { lab in
                let flows = try (0..<3).map { number in
                    FlowRequest(
                        name: "f#\(number)", probe: "f", over: .udp(sourcePort: 61_000 + UInt16(number)),
                        source: "here",
                        sourceAddress: nil, destination: try #require(IPAddress(destination)),
                        interval: .milliseconds(100), payload: number == 0 ? 0 : 1000)
                }
                let record = try await Self.play(lab, flows + [try Self.flow(to: destination)], for: .seconds(2))
                #expect(record.flows.map(\.sentAtNanoseconds.count) == [20, 20, 20, 2])
                #expect(record.flows.prefix(3).map(\.identifier) == [61_000, 61_001, 61_002])
                for flow in record.flows {
                    #expect(flow.roundTripNanoseconds.allSatisfy { $0 > 10_000_000 }, "\(flow.roundTripNanoseconds)")
                    #expect((flow.duplicates, flow.reordered, flow.unsent) == (0, 0, 0))
                }
                // Both scripts find the port free.
                #expect(try await Self.play(lab, flows, for: .seconds(1)).flows.count == 3)
            }
        }

        @Test func `Who cannot answer over UDP is named`() async throws {
            try await ProbeLab.with { lab in
                func flow(to destination: String) throws -> FlowRequest {
                    FlowRequest(
                        name: "f#1", probe: "f", over: .udp(sourcePort: 61_000), source: "here", sourceAddress: nil,
                        destination: try #require(IPAddress(destination)), interval: .milliseconds(100))
                }
                await #expect {
                    _ = try await Self.play(lab, [flow(to: "10.77.0.1")], for: .seconds(1))
                } throws: {
                    "\($0)" == "f#1: 10.77.0.1 is no node of this lab, so nobody answers what goes over UDP."
                }
                let taken = try await lab.lab.sandbox("there").openSocket(AF_INET, SOCK_DGRAM, protocol: 0)
                defer { close(taken) }
                let anywhere = try #require(IPAddress("0.0.0.0"))
                #expect(anywhere.withSocketAddress(port: FlowRequest.echoPort) { bind(taken, $0, $1) } == 0)
                await #expect {
                    _ = try await Self.play(lab, [flow(to: "10.2.0.10")], for: .seconds(1))
                } throws: {
                    "\($0)".hasPrefix("there: flows over UDP are answered at port 7, which cannot be had")
                }
            }
        }

        @Test func `Loss duplicates and reordering are counted`() async throws {
            try await ProbeLab.with { lab in
                let (sockets, port) = (try await lab.lab.sandbox("here").sockets, try #require(InterfaceName("eth0")))
                let all = try #require(Percentage("100%"))
                let half = try #require(Percentage("50%"))
                let flow = try Self.flow(every: .milliseconds(20))
                _ = try await Self.play(lab, [flow], for: .seconds(1))

                try sockets.setNetem(NetemSettings(loss: all), on: port)
                let lost = try #require(try await Self.play(lab, [flow], for: .seconds(1)).flows.first)
                #expect(lost.roundTripNanoseconds == Array(repeating: -1, count: 50))
                #expect(lost.unsent == 0)

                try sockets.setNetem(NetemSettings(duplicate: all), on: port)
                let doubled = try #require(try await Self.play(lab, [flow], for: .seconds(1)).flows.first)
                #expect(doubled.roundTripNanoseconds.allSatisfy { $0 > 0 })
                // The script is over with the last answer, before its copy.
                #expect(doubled.duplicates == 49 || doubled.duplicates == 50)

                try sockets.setNetem(NetemSettings(delay: .milliseconds(50), reorder: half), on: port)
                let mixed = try #require(try await Self.play(lab, [flow], for: .seconds(10)).flows.first)
                #expect(mixed.roundTripNanoseconds.allSatisfy { $0 > 0 })
                #expect(mixed.duplicates == 0)
                // Of what is delayed, those are overtaken that have an undelayed one among the two behind them: three of four.
                let delayed = mixed.roundTripNanoseconds.count { $0 > 50_000_000 }
                #expect((200...300).contains(delayed))
                #expect(
                    Double(mixed.reordered) > Double(delayed) * 0.6 && mixed.reordered < delayed, "\(mixed.reordered)")
            }
        }

        @Test func `An answer that comes too late is none`() async throws {
            try await ProbeLab.with { lab in
                let (sockets, port) = (try await lab.lab.sandbox("here").sockets, try #require(InterfaceName("eth0")))
                try sockets.setNetem(NetemSettings(delay: .milliseconds(1500)), on: port)
                let record = try await Self.play(lab, [Self.flow()], for: .seconds(5))
                let flow = try #require(record.flows.first)
                #expect(flow.roundTripNanoseconds == Array(repeating: -1, count: 5))
                #expect((flow.duplicates, flow.reordered) == (0, 0))
            }
        }

        @Test func `What the node cannot send is told`() async throws {
            try await ProbeLab.with { lab in
                let record = try await Self.play(lab, [Self.flow(to: "10.77.0.1")], for: .seconds(3))
                let flow = try #require(record.flows.first)
                #expect(flow.unsent == 3)
                #expect(flow.roundTripNanoseconds == [-1, -1, -1])
                #expect(flow.localErrors.count == 1)
                #expect(flow.localErrors.first?.hasPrefix("ENETUNREACH") == true, "\(flow.localErrors)")
                let foreign = FlowRequest(
                    name: "f", source: "here", sourceAddress: IPAddress("10.1.0.11"),
                    destination: try #require(IPAddress("10.2.0.10")), interval: .seconds(1))
                let unbound = try await Self.play(lab, [foreign], for: .seconds(2))
                #expect(unbound.flows.first?.localErrors.first?.hasPrefix("EADDRNOTAVAIL") == true)
            }
        }

        @Test func `Links and routes are recorded at their times`() async throws {
            try await ProbeLab.with { lab in
                let here = try await lab.lab.sandbox("here").sockets
                let (eth0, near) = (try #require(InterfaceName("eth0")), try #require(InterfaceName("near")))
                let route = Route(
                    destination: try #require(IPPrefix("10.88.0.0/16")),
                    nexthops: [NextHop(gateway: IPAddress("10.1.0.1"))], protocol: RouteProtocol(rawValue: 12))
                let playing = Task { try await Self.play(lab, [Self.flow()], for: .seconds(10)) }
                try await Task.sleep(for: .milliseconds(2345))
                let downAt = LabClock.now
                try await lab.lab.sandbox("middle").sockets.setDown(near)
                try await Task.sleep(for: .seconds(3))
                let upAt = LabClock.now
                try await lab.lab.sandbox("middle").sockets.setUp(near)
                try await Task.sleep(for: .seconds(2))
                let routeAt = LabClock.now
                try here.addRoute(route)
                let record = try await playing.value

                let links = record.events.filter {
                    if case .link(eth0, _) = $0.kind { $0.node == "here" } else { false }
                }
                #expect(links.map(\.kind) == [.link(eth0, isUp: false), .link(eth0, isUp: true)])
                let ports = record.events.filter {
                    if case .link(near, _) = $0.kind { $0.node == "middle" } else { false }
                }
                #expect(ports.map(\.kind) == [.link(near, isUp: false), .link(near, isUp: true)])
                for (event, time) in zip(ports, [downAt, upAt]) {
                    #expect((0..<20_000).contains(event.nanoseconds - time.nanoseconds), "\(event.nanoseconds) \(time)")
                }
                let learned = record.events.filter { if case .route(_, _, _, true) = $0.kind { true } else { false } }
                #expect(
                    learned.map(\.kind) == [
                        .route(
                            route.destination, text: "10.88.0.0/16 via 10.1.0.1 dev eth0", isPresent: true,
                            isLearned: true)
                    ])
                #expect((0..<20_000).contains((learned.first?.nanoseconds ?? 0) - routeAt.nanoseconds))
                // The router's own network goes with its port, although the kernel does not tell.
                let own = record.events.filter {
                    if case .route(IPPrefix("10.1.0.0/24"), _, _, _) = $0.kind { $0.node == "middle" } else { false }
                }
                #expect(own.count == 2, "\(own)")
                // Requests went unanswered for as long; the one after that too, for the node has just given up on its
                // neighbour's address (arp(7), mcast_solicit).
                let flow = try #require(record.flows.first)
                #expect(flow.sentAtNanoseconds.count { (downAt.nanoseconds..<upAt.nanoseconds).contains($0) } == 3)
                for (sent, trip) in zip(flow.sentAtNanoseconds, flow.roundTripNanoseconds) {
                    if sent < downAt.nanoseconds || sent > upAt.nanoseconds + 1_000_000_000 {
                        #expect(trip > 0, "\(sent)")
                    } else {
                        #expect(trip < 0, "\(sent): \(trip)")
                    }
                }
            }
        }

        @Test func `Steps keep their times`() async throws {
            try await ProbeLab.with { lab in
                let request = ObservationRequest(measurements: [.routes(node: "here")])
                let times: [Duration] = [.zero, .milliseconds(1234), .seconds(3), .seconds(3600)]
                let steps = times.map { Script.Step(at: $0, action: .observe(request, file: "o.pcapng")) }
                let record = try await Self.play(lab, [], steps: steps, for: .seconds(4000), sampling: .seconds(1000))
                #expect(record.steps.map(\.failure) == [nil, nil, nil, nil])
                #expect(record.steps.allSatisfy { $0.observation?.steps.count == 1 })
                for (step, at) in zip(record.steps, times) {
                    let due = record.startedAtNanoseconds + at.wholeNanoseconds
                    #expect((0..<20_000).contains(step.fromNanoseconds - due), "\(at): \(step.fromNanoseconds - due)")
                }
                #expect(record.samples.count == 5)
                #expect(record.samples.allSatisfy { $0.kernelBytes > 1 << 20 })
            }
        }

        @Test func `An end of file ends it early and it is said so`() async throws {
            try await ProbeLab.with { lab in
                let (input, continuation) = AsyncStream.makeStream(of: ExecInput.self)
                let playing = Task { try await Self.play(lab, [Self.flow()], for: .seconds(86_400), input: input) }
                try await Task.sleep(for: .milliseconds(2500))
                continuation.yield(.endOfFile)
                let record = try await playing.value
                #expect(record.isPartial)
                // A script begins on a whole second, which comes within one.
                #expect((2...3).contains(record.flows.first?.roundTripNanoseconds.count ?? 0))
                #expect(record.flows.first?.roundTripNanoseconds.allSatisfy { $0 > 0 } == true)
            }
        }

        @Test func `A cancelled script ends at once`() async throws {
            try await ProbeLab.with { lab in
                let start = LabClock.now
                let playing = Task { try await Self.play(lab, [Self.flow(to: "10.2.0.99")], for: .seconds(86_400)) }
                try await Task.sleep(for: .seconds(2))
                playing.cancel()
                await #expect(throws: CancellationError.self) { try await playing.value }
                #expect(LabClock.now - start < .milliseconds(2001))
            }
        }

        @Test func `What makes no sense is refused`() async throws {
            try await ProbeLab.with { lab in
                let bad = try [
                    Self.flow(every: .zero), Self.flow(payload: -1), Self.flow(payload: 65_001),
                    Self.flow(every: .microseconds(10)),
                ]
                for flow in bad {
                    let failure = await #expect(throws: LabFailure.self) {
                        try await Self.play(lab, [flow], for: .seconds(1))
                    }
                    #expect(failure?.code == .wrongInput)
                }
            }
        }

        @Test func `A monitor raises its alarm after so many failures and clears it at the first answer`() async throws
        {
            try await ProbeLab.with { lab in
                let probe = Probe(
                    name: "m", source: "here", sourceAddress: nil, destination: try #require(IPAddress("10.2.0.10")),
                    interval: .seconds(60), alarm: AlarmRule(failures: 3, timeout: .seconds(2)))
                let board = EventBoard()
                let recorder = try EventRecorder(
                    await lab.lab.topology, sandboxes: await lab.lab.sandboxes, board: board)
                let start = LabClock.now
                let monitors = try #require(
                    try MonitorBoard([(probe, try await lab.lab.sandbox("here"), 77)], events: board))
                try await Task.sleep(for: .seconds(30))
                #expect(monitors.statuses.first?.exitCode == 0)
                #expect(monitors.statuses.first?.askedAt.map { $0 - start < .microseconds(100) } == true)
                try await lab.filter("there", hook: "input", "icmp type echo-request drop;")
                // Asked at 60, 120, 180 s.
                try await Task.sleep(for: .seconds(120))
                #expect(monitors.statuses.first?.exitCode == 1)
                #expect(monitors.statuses.first?.failures == 2)
                #expect(monitors.statuses.first?.isAlarmed == false)
                try await Task.sleep(for: .seconds(60))
                let alarmed = try #require(monitors.statuses.first)
                #expect(alarmed.isAlarmed && alarmed.failures == 3)
                let raised = try #require(alarmed.since) - start
                #expect(raised >= .seconds(182) && raised < .milliseconds(182_001), "\(raised)")
                try await lab.lab.sandbox("there").nftables.apply("delete table inet test\n")
                try await Task.sleep(for: .seconds(60))
                let cleared = try #require(monitors.statuses.first)
                #expect(!cleared.isAlarmed && cleared.failures == 0 && cleared.exitCode == 0)
                await monitors.stop()
                let alarms = try await recorder.finish().filter {
                    if case .alarm = $0.kind { true } else { false }
                }
                #expect(
                    alarms.map(\.kind) == [
                        .alarm(monitor: "m", isRaised: true), .alarm(monitor: "m", isRaised: false),
                    ])
                #expect(
                    alarms.last.map { $0.nanoseconds - start.nanoseconds }.map {
                        // The answer to the question at 240 s.
                        (240_010_000_000..<240_011_000_000).contains($0)
                    } == true, "\(alarms)")
            }
        }
    }
}

@Suite struct ProcFieldsTests {
    @Test func `Memory is in bytes and what is no number is left out`() {
        let fields = ProcFields("Name:\tbird\nMemTotal:        1017124 kB\nThreads:\t3\nVmRSS:\t    5120 kB\nempty:\n")
        #expect(fields.bytes("MemTotal") == 1_041_534_976)
        #expect(fields.bytes("VmRSS") == 5_242_880)
        #expect(fields.bytes("Threads") == 3)
        #expect(fields.bytes("Name") == nil)
        #expect(fields.bytes("empty") == nil)
    }
}
