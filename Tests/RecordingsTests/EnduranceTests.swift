import LabModel
import LabRecords
import NetworkTypes
import Recordings
import Testing

@Suite struct EnduranceTests {
    private static let hour: Int64 = 3_600_000_000_000
    private static let mebibyte: Int64 = 1 << 20

    private static func sample(_ hours: Int64, kernel: Int64 = 100, pluto: Int64 = 10, associations: Int = 4)
        -> ResourceSample
    {
        ResourceSample(
            nanoseconds: hours * hour, kernelBytes: kernel * mebibyte, daemonBytes: ["gw1/pluto": pluto * mebibyte],
            associations: ["gw1": associations])
    }

    private static func endurance(_ samples: [ResourceSample], _ events: [LabEvent] = []) throws -> Endurance {
        let record = ScriptRecord(
            startedAtNanoseconds: 0, endedAtNanoseconds: 24 * hour, realTimeOffsetNanoseconds: 0, steps: [], flows: [],
            events: [], samples: samples, capture: nil, isPartial: false)
        return Endurance(events: events, record: record, topology: try TwoPaths.topology())
    }

    private static func added(_ hours: Double, spi: UInt32, _ change: LabEvent.Change = .added) -> LabEvent {
        LabEvent(
            nanoseconds: Int64(hours * Double(hour)), node: "gw1",
            kind: .association(tunnel: "main", spi: spi, isOutbound: false, change))
    }

    /// What grows in the first hour, and then by less than the slack, is no leak.
    @Test func `Warming up is no leak`() throws {
        let found = try Self.endurance([
            Self.sample(0, kernel: 50), Self.sample(1), Self.sample(24, kernel: 109, pluto: 14),
        ])
        #expect(found.hasLeak == false)
        #expect(found.holdings.map(\.name) == ["lab kernel", "gw1/pluto", "SAs of gw1"])
    }

    @Test(arguments: [(111, 10, 4, "lab kernel"), (100, 15, 4, "gw1/pluto"), (100, 10, 6, "SAs of gw1")])
    func `Each leak is named`(kernel: Int64, pluto: Int64, associations: Int, name: String) throws {
        let found = try Self.endurance([
            Self.sample(0), Self.sample(1), Self.sample(24, kernel: kernel, pluto: pluto, associations: associations),
        ])
        #expect(found.hasLeak == true && found.holdings.filter(\.isLeak).map(\.name) == [name])
    }

    /// While keys are renewed, old and new SAs are both there.
    @Test func `Renewal in progress is no leak`() throws {
        let samples = [Self.sample(0), Self.sample(1), Self.sample(24, associations: 5)]
        #expect(try Self.endurance(samples, [Self.added(23.999, spi: 9)]).hasLeak == false)
        #expect(try Self.endurance(samples, [Self.added(23, spi: 9)]).hasLeak == true)
    }

    @Test func `One sample proves nothing`() throws {
        #expect(try Self.endurance([Self.sample(0)]).hasLeak == nil)
    }

    /// Where the tunnels were up at the beginning each new SA is a renewal; where not, the first is none.
    @Test func `The renewals`() throws {
        let events = (1...23).flatMap { hour in
            [
                Self.added(Double(hour), spi: UInt32(hour)),
                Self.added(Double(hour) + 0.001, spi: UInt32(hour), .removed),
            ]
        }
        let rekeyed = LabEvent(
            nanoseconds: 8 * Self.hour, node: "gw2", kind: .ike(connection: "main", .ikeRekeyed, text: ""))
        let before = LabEvent(nanoseconds: -1, node: "gw2", kind: .ike(connection: "main", .ikeRekeyed, text: ""))
        let found = try Self.endurance([Self.sample(0), Self.sample(24)], events + [rekeyed, before])
        #expect(found.tunnels.map(\.tunnel) == ["main", "backup"])
        #expect(found.tunnels.map(\.children) == [23, 0] && found.tunnels.map(\.ike) == [1, 0])
        let late = try Self.endurance([Self.sample(0, associations: 0), Self.sample(24)], events)
        #expect(late.tunnels.map(\.children) == [22, 0])
    }

    @Test func `Alarms are counted`() throws {
        let alarm = { (raised: Bool) in
            LabEvent(nanoseconds: 5, node: "", kind: .alarm(monitor: "inside", isRaised: raised))
        }
        let found = try Self.endurance([], [alarm(true), alarm(false), alarm(true)])
        #expect(found.alarms == [.init(monitor: "inside", raised: 2)])
    }

    @Test func `A tunnel that is down at the end is told with since when and what its daemons said`() throws {
        let topology = try TwoPaths.topology()
        let tunnel = try #require(topology.tunnels.first)
        let end = try #require(tunnel.ends.first)
        func said(_ hours: Double, _ what: LabEvent.IKEEvent, _ text: String) -> LabEvent {
            LabEvent(
                nanoseconds: Int64(hours * Double(Self.hour)), node: end.node,
                kind: .ike(connection: end.connection, what, text: text))
        }
        func endurance(holds: Bool) -> Endurance {
            let look = Observation(
                steps: [
                    .init(
                        measurement: .condition(Condition(.tunnel(tunnel.name))), fromNanoseconds: 0, toNanoseconds: 0,
                        finding: .condition(holds: holds, seen: "nothing there"))
                ], capture: nil)
            let record = ScriptRecord(
                startedAtNanoseconds: 0, endedAtNanoseconds: 24 * Self.hour, realTimeOffsetNanoseconds: 0,
                steps: [
                    .init(
                        action: .observe(ObservationRequest(measurements: []), file: ""), fromNanoseconds: 0,
                        toNanoseconds: 0,
                        observation: look, failure: nil)
                ], flows: [], events: [], samples: [Self.sample(0), Self.sample(24)], capture: nil, isPartial: false)
            let gone = LabEvent(
                nanoseconds: 3 * Self.hour, node: end.node,
                kind: .association(tunnel: tunnel.name, spi: 9, isOutbound: false, .removed))
            return Endurance(
                events: [
                    said(1, .childEstablished, "up"), said(2, .refused, "one"), said(2.5, .refused, "two"),
                    said(3.5, .refused, "three"), gone,
                ],
                record: record, topology: topology)
        }
        #expect(endurance(holds: true).lost.isEmpty)
        let lost = try #require(endurance(holds: false).lost.first)
        #expect(lost.tunnel == tunnel.name && lost.seen == "nothing there")
        #expect(lost.since == LabTime(nanoseconds: 3 * Self.hour))
        #expect(lost.words == ["\(end.node) at 2:30:00.000: two", "\(end.node) at 3:30:00.000: three"])
    }
}
