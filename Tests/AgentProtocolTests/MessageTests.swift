import AgentProtocol
import Foundation
import LabFiles
import LabModel
import LabPlan
import LabRecords
import NetworkTypes
import Testing

/// Each kind of message arrives as it was sent.
@Suite struct MessageTests {
    private static let sample = Result { try Sample() }

    /// A small lab with its plan, and one of everything that travels.
    private struct Sample {
        let topology: Topology
        let plan: Plan
        let status: LabStatus
        let clock = ClockStatus(mode: .paced, isAdvancing: true, time: LabTime(nanoseconds: 5_000_000_000))
        let failure = LabFailure("pluto died", remedy: "Look at its log.", details: ["line 1", "line 2"])
        let condition = Condition(.tunnel("main"), holds: false)
        let exec = ExecRequest(
            node: "a", arguments: ["ping", "-c", "1", "b"], environment: ["TERM": "xterm"],
            terminal: TerminalSize(rows: 24, columns: 80))

        init() throws {
            let lab = """
                name: two
                nodes:
                  a: {role: router, rules: [{from: 10.0.0.0/24, table: 5}], routes: {10.9.0.0/16: 10.0.0.2}}
                  b: {security: [{from: 10.0.0.0/8}]}
                links:
                  ab: {ends: {a:b: 10.0.0.1/24, b:a: 10.0.0.2/24}, loss: 0.1%}
                tunnels:
                  main:
                    psk: secret-of-the-tunnel
                    ike: {encryption: aes-256-cbc, integrity: sha2-384, group: 20}
                    esp: {encryption: aes-256-gcm-16}
                    ends:
                      a: {address: 10.0.0.1, interface: vpn, inside: 169.254.1.1/30}
                      b: {address: 10.0.0.2, interface: vpn, inside: 169.254.1.2/30}
                """
            topology = try LabFile(text: lab, file: "lab.yaml") { _ in "" }.resolve().topology
            plan = Plan(for: topology)
            let association = SAStatus(
                spi: 0xFFFF_FFFF, algorithms: "rfc4106(gcm(aes)) 288", isUDPEncapsulated: true, bytes: .max, packets: 3,
                ageSeconds: 1.5)
            let vpn = try #require(InterfaceName("vpn"))
            let (near, far) = try (#require(IPAddress("10.0.0.1")), #require(IPAddress("10.0.0.2")))
            let prefix = try #require(IPPrefix("10.9.0.0/16"))
            status = LabStatus(
                lab: "two", title: "Two", clock: clock,
                tunnels: [
                    TunnelStatus(
                        name: "main", state: .up,
                        ends: [
                            .init(
                                node: "a", interface: vpn, local: near, remote: far, ike: "AES", inbound: association,
                                outbound: association),
                            .init(
                                node: "b", interface: vpn, local: far, remote: near, ike: nil, inbound: nil,
                                outbound: nil),
                        ])
                ],
                sessions: [
                    SessionStatus(
                        name: "main",
                        speakers: [
                            .init(
                                node: "a", asn: try #require(ASN(4_294_967_295)), state: .established, holdSeconds: 30,
                                keepaliveSeconds: 10,
                                imported: [prefix], exported: [], lastError: nil)
                        ])
                ],
                paths: [
                    PathStatus(
                        probe: "p", source: "a", destination: far,
                        hops: [.init(node: "a", route: "via x", tunnel: "main")], broken: "no route")
                ],
                daemons: [DaemonStatus(name: "a/pluto", isRunning: false, detail: "exit code 1")],
                nodes: [
                    NodeStatus(
                        name: "a", cloud: nil, summary: "",
                        interfaces: [
                            .init(
                                name: "b", kind: "veth", isUp: true, mtu: 1500,
                                addresses: [try #require(InterfaceAddress("10.0.0.1/24"))],
                                receivedBytes: 1, sentBytes: 2, drops: 3)
                        ])
                ])
        }
    }

    /// Sends a message through frames, and compares by what it would send again.
    private func expectArrives<Message: Codable>(_ message: Message) throws {
        let arrived = try arrive(Frame(message)).header(as: Message.self)
        #expect("\(arrived)" == "\(message)")
        #expect(try canonical(arrived) == canonical(message))
    }

    /// The same for what a message carries.
    private func expectIsCarried<Body: Codable>(_ body: Body) throws {
        let frame = try arrive(Frame(FromSupervisor.reply, body: body))
        let arrived = try frame.body(as: Body.self)
        #expect("\(arrived)" == "\(body)")
        #expect(try canonical(arrived) == canonical(body))
    }

    private func arrive(_ frame: Frame) throws -> Frame {
        var decoder = FrameDecoder()
        decoder.append(frame.bytes)
        let arrived = try #require(try decoder.next())
        #expect(try decoder.next() == nil)
        #expect(arrived == frame)
        return arrived
    }

    private func canonical(_ message: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        return try encoder.encode(message)
    }

    @Test func `To agent`() throws {
        let sample = try Self.sample.get()
        try expectIsCarried(
            GuestSetup(
                hostname: "lab", logDirectory: "/logs", keptDirectories: ["/usr"], startDate: 1_600_000_000,
                random: SeededRandom(seed: .max, library: Bytes([0, 255]))))
        try expectIsCarried(GuestSetup(hostname: "lab", logDirectory: nil))
        try expectIsCarried(BuildNodes(sample.topology))
        try expectIsCarried(Await(sample.condition, within: .milliseconds(1500)))
        try expectIsCarried(sample.exec)
        try expectArrives(ToAgent.request(id: .max, name: TearDown.name, unbounded: true))
        let inputs: [ExecInput] = [
            .bytes(Bytes(Array(0...255))), .bytes(Bytes([])), .endOfFile, .resize(TerminalSize(rows: 1, columns: .max)),
            .signal(15),
        ]
        for input in inputs {
            try expectArrives(ToAgent.input(id: 0, input))
        }
        try expectArrives(ToAgent.run(until: LabTime(nanoseconds: .max)))
        try expectArrives(ToAgent.cancel(id: 7))
        try expectArrives(ToAgent.explain)
    }

    @Test func `From agent`() throws {
        let sample = try Self.sample.get()
        let time = LabTime(nanoseconds: 42)
        try expectIsCarried(["vpc1-gw": Int32(12)])
        try expectIsCarried(sample.status)
        try expectIsCarried(Await.Reply(holds: false, lastSeen: "nothing"))
        try expectIsCarried(Int32(-1))
        try expectArrives(FromAgent.reply(id: 1, at: time))
        try expectArrives(FromAgent.failed(id: 1, sample.failure, at: time))
        for stage in Step.Stage.allCases {
            try expectArrives(
                FromAgent.progress(id: 1, Progress(stage: stage, done: 1, total: 2, current: "now", time: time)))
        }
        for stream in [ExecOutput.Stream.output, .error] {
            try expectArrives(FromAgent.output(id: 1, ExecOutput(stream: stream, bytes: Bytes([0, 0xFF]))))
        }
        try expectArrives(
            FromAgent.event(.daemonDied(name: "a/pluto", reason: "signal 11", logEnd: ["last words"]), at: time))
        try expectArrives(FromAgent.event(.spinning(processes: ["busy"]), at: time))
        try expectArrives(FromAgent.ready(.current, at: time))
        try expectArrives(FromAgent.received(bytes: 1024))
        try expectArrives(FromAgent.held(at: time))
    }

    /// Probes, captures and checks: asked by the host, handed on by the supervisor, done by the agent.
    @Test func `Measurements`() throws {
        let interface = try #require(InterfaceName("vpn"))
        let probe = ProbeRequest(
            source: "a", sourceAddress: IPAddress("10.0.0.1"), destination: try #require(IPAddress("10.0.0.2")),
            kind: .bulk(bytes: 8_000_000, port: 12865, deadline: .seconds(60)), id: .max)
        let capture = CaptureRequest(
            points: [.init(node: "a", interface: interface, direction: .outbound)], filter: "udp port 4500",
            duration: .seconds(1), withKeys: true)
        let measurements: [LabRecords.Measurement] = [
            .condition(try Self.sample.get().condition), .probe(probe), .routes(node: "a"), .session("main"),
            .tunnel("main"),
        ]
        let observe = ObservationRequest(measurements: measurements, capture: capture)
        try expectIsCarried(probe)
        try expectIsCarried(CapturePackets(capture, file: "a.pcapng"))
        try expectIsCarried(Observe(observe, file: "check.pcapng"))
        let summary = CaptureSummary(
            file: "a.pcapng", points: [.init(name: "a:vpn", received: 7, dropped: 1)], associations: [], ikeKeys: [],
            unusableIKE: 2)
        let observation = Observation(
            steps: [
                .init(measurement: .routes(node: "a"), fromNanoseconds: 1, toNanoseconds: .max, finding: .failed("no"))
            ],
            capture: summary)
        try expectIsCarried(summary)
        try expectIsCarried(observation)
        try expectArrives(FromSupervisor.grown(bytes: .max))
        try expectArrives(FromAgent.grown(id: 1, bytes: 1024))
    }

    @Test func `The supervisor`() throws {
        let sample = try Self.sample.get()
        try expectIsCarried(AdvanceClock(by: .seconds(3600)))
        try expectIsCarried(AdvanceClockUntil(sample.condition, within: .seconds(60)))
        try expectIsCarried(SetClock(.paused))
        try expectIsCarried(Build(sample.topology, clock: .paced))
        for message in [ToSupervisor.hello(.current), .request(ShutDown.name), .input(.endOfFile)] {
            try expectArrives(message)
        }
        for message in [
            FromSupervisor.hello(.current),
            .progress(Progress(stage: .links, done: 0, total: 1, current: "", time: LabTime(nanoseconds: 0))),
            .output(ExecOutput(stream: .error, bytes: Bytes(Array("x".utf8)))), .notice("the clock runs"),
            .clockMoved(LabTime(nanoseconds: 1)), .reply, .failed(sample.failure),
        ] {
            try expectArrives(message)
        }
        try expectIsCarried(sample.clock)
        try expectIsCarried(
            AdvanceClockUntil.Reply(wait: Await.Reply(holds: true, lastSeen: "up"), clock: sample.clock))
        try expectIsCarried(Done())
    }

    /// Any version has to understand this much of any other's.
    @Test func `The greeting stays as it is`() throws {
        let greeting = #"{"hello":{"_0":{"number":2,"release":"0.1.0"}}}"#
        let frame = try arrive(Frame(ToSupervisor.hello(ProtocolVersion(number: 2, release: "0.1.0"))))
        #expect(try canonical(frame.header(as: ToSupervisor.self)) == Data(greeting.utf8))
        let length = UInt8(greeting.utf8.count)
        #expect(Array(frame.bytes.prefix(8)) == [0, 0, 0, length + 4, 0, 0, 0, length])
        #expect(!ProtocolVersion(number: 1, release: "0.1.0").understands(.current))
        #expect(ProtocolVersion(number: ProtocolVersion.current.number, release: "9").understands(.current))
    }

    @Test func `What cannot be sent is said`() throws {
        let long = Bytes([UInt8](repeating: 7, count: Frame.maximumLength))
        let error = try #require(throws: FrameError.self) { try Frame(FromSupervisor.reply, body: long) }
        guard case .tooLong(let length) = error else {
            Issue.record("\(error)")
            return
        }
        #expect(length > Frame.maximumLength && error.description.contains("\(length) bytes"))
        #expect(throws: FrameError.self) { try Frame(FromSupervisor.reply, body: Double.nan) }
        let other = try #require(throws: FrameError.self) {
            try Frame(FromSupervisor.reply, body: Done()).body(as: LabStatus.self)
        }
        #expect(other.description.hasPrefix("what came is no LabStatus: "))
    }

    /// What the agent is told is what the lab file said, its keys too.
    @Test func `Topology arrives whole`() throws {
        let sample = try Self.sample.get()
        let frame = try Frame(
            ToAgent.request(id: 1, name: BuildNodes.name, unbounded: true), body: BuildNodes(sample.topology))
        let topology = try arrive(frame).body(as: BuildNodes.self).topology
        #expect(topology == sample.topology && Plan(for: topology) == sample.plan)
        #expect(topology.tunnels.first?.ends.first?.proposal?.presharedKey?.reveal() == "secret-of-the-tunnel")
    }

    @Test func `Status arrives whole`() throws {
        let status = try Self.sample.get().status
        #expect(try arrive(Frame(FromSupervisor.reply, body: status)).body(as: LabStatus.self) == status)
    }

    @Test func `Bytes travel as base64`() throws {
        let frame = try Frame(Bytes(Array("netlab".utf8)))
        #expect(String(decoding: frame.header, as: UTF8.self) == "\"bmV0bGFi\"")
    }

    @Test func `Failure text`() throws {
        #expect(try Self.sample.get().failure.description == "pluto died\n    line 1\n    line 2\nLook at its log.")
        #expect(LabFailure("gone").description == "gone")
    }
}
