import Decryption
import NetworkTypes
import Testing

@testable import Expectations
@testable import LabModel
@testable import LabRecords

/// A check of the judged lab in the making: what probes found, and the packets that were captured meanwhile.
struct CheckedLab {
    let expectation: String
    let plan: CheckPlan
    var capture = SyntheticCapture()
    var steps: [Observation.Step] = []
    var transfers: [Observation.Step] = []

    /// - Parameter expectation: The only one, without its name.
    init(expecting expectation: String) throws {
        self.expectation = "one: \(expectation)"
        let topology = try JudgedLab.topology(expecting: self.expectation)
        plan = CheckPlan(topology: topology, expectations: topology.expectations)
        capture.add(Packets.arp, at: "gw1:wan")
    }

    var claim: LabModel.Expectation.Claim { plan.expectations[0].claim }

    func verdict(in time: TimeKind = .virtual) throws -> Verdict {
        try JudgedLab.verdict(
            expecting: expectation, of: capture, steps: steps,
            transfers: transfers.isEmpty ? nil : Observation(steps: transfers, capture: nil), time: time)
    }

    static let id: UInt64 = 7

    static func result(_ outcome: ProbeResult.Outcome) throws -> ProbeResult {
        ProbeResult(
            id: id, source: "west", sourceAddress: IPAddress(SyntheticCapture.west),
            destination: try #require(IPAddress(SyntheticCapture.east)), destinationNode: "east",
            startedAtNanoseconds: 0, outcome: outcome)
    }

    /// Adds what a probe found, and what it sent while it did.
    mutating func measure(
        _ measurement: Measurement?, _ outcome: ProbeResult.Outcome,
        _ traffic: (inout SyntheticCapture) throws -> Void = { _ in }
    ) throws {
        let start = capture.now
        try traffic(&capture)
        steps.append(
            Observation.Step(
                measurement: try #require(measurement), fromNanoseconds: start, toNanoseconds: capture.now,
                finding: .probe(try Self.result(outcome))))
        // Nothing sent later is this one's.
        capture.add(Packets.arp, at: "gw1:wan")
    }

    mutating func observe(_ measurement: Measurement, _ finding: Finding) {
        steps.append(Observation.Step(measurement: measurement, fromNanoseconds: 0, toNanoseconds: 0, finding: finding))
    }

    /// Adds the echoes that other figures are computed from, answered after so many microseconds.
    mutating func echoes(
        _ roundTrips: [Int64?] = [6006, 6006, 6006, 6006, 6006],
        traffic: (inout SyntheticCapture) throws -> Void = Self.echo
    ) throws {
        let attempts = roundTrips.enumerated().map { number, time in
            EchoAttempt(
                sequence: number + 1, length: 84,
                outcome: time.map { .reply(roundTripNanoseconds: $0 * 1000, timeToLive: 62, fragments: 1) } ?? .lost)
        }
        try measure(plan.echoes("there"), .echo(attempts: attempts), traffic)
    }

    /// The first echo request and its reply, past everything on their way.
    static func echo(_ capture: inout SyntheticCapture) throws {
        try capture.cross(Packets.echo(SyntheticCapture.west, SyntheticCapture.east, id: id), toEast: true)
        try capture.cross(
            Packets.echo(SyntheticCapture.east, SyntheticCapture.west, isRequest: false, id: id), toEast: false)
    }
}

extension SyntheticCapture {
    /// A packet on its way between west and east.
    mutating func cross(_ packet: [UInt8], toEast: Bool) throws {
        add(Packets.ethernet(packet), at: toEast ? "west:eth0" : "east:eth0")
        try send(packet, toEast ? .plainEast : .plainWest)
        add(Packets.ethernet(packet), at: toEast ? "gw2:lan" : "gw1:lan")
    }

    /// The same without the tunnel.
    mutating func crossInClear(_ packet: [UInt8], toEast: Bool) {
        for place in toEast ? ["west:eth0", "gw1:wan", "gw2:lan"] : ["east:eth0", "gw2:wan", "gw1:lan"] {
            add(Packets.ethernet(packet), at: place)
        }
    }
}
