import Testing

@testable import Expectations
@testable import LabRecords

@Suite("What has to be measured")
struct CheckPlanTests {
    private func plan(_ expectations: String) throws -> CheckPlan {
        let topology = try JudgedLab.topology(expecting: expectations)
        return CheckPlan(topology: topology, expectations: topology.expectations)
    }

    @Test
    func `What several expectations need is measured once`() throws {
        let one = try plan("a: {path: there, via: [gw1, plain, gw2]}").captured.measurements
        #expect(one.count == 1)
        #expect(try plan("a: {path: there, via: [gw1, plain, gw2]}\nb: {rtt: there}").captured.measurements == one)
        #expect(try plan("a: {rtt: there}\nb: {rtt: back}").captured.measurements.count == 2)
    }

    @Test
    func `Long transfers are measured beside the capture, their path within it`() throws {
        let plan = try plan("a: {rate: there}\nb: {rate: there}\nc: {mss: there}")
        #expect(plan.uncaptured.measurements.count == 1)
        #expect(plan.uncaptured.capture == nil)
        #expect(plan.captured.capture?.withKeys == true)
        #expect(Set(plan.captured.measurements).isDisjoint(with: plan.uncaptured.measurements))
    }

    @Test
    func `An encapsulation is tried with all lengths modulo 16`() throws {
        let lengths = try plan("a: {encapsulation: there, in: plain}").captured.measurements.compactMap {
            measurement -> Int? in
            guard case .probe(let request) = measurement, case .oneEcho(let length, true, _) = request.kind else {
                return nil
            }
            return length
        }
        #expect(Set(lengths.map { $0 % 16 }).count == 16)
    }

    @Test
    func `Each end of each link and tunnel is captured once, on its way out`() throws {
        let topology = try JudgedLab.topology(expecting: "a: {rtt: there}")
        let points = CaptureRequest.allPoints(of: topology)
        #expect(points.count == 14)
        #expect(Set(points.map(\.name)).count == 14)
        #expect(points.allSatisfy { $0.direction == .outbound })
        #expect(points.contains { $0.name == "gw1:vpn1" })
    }

    @Test(arguments: [true, false, nil])
    func `What is expected under a condition is looked at only while that holds`(holds: Bool?) throws {
        let plan = try plan("a: {rtt: there, when: bgp main up}\nb: {rtt: back}\nc: {bgp: main, when: bgp main up}")
        #expect(plan.conditions.count == 1)
        let steps = holds.map {
            Observation.Step(
                measurement: plan.conditions[0], fromNanoseconds: 0, toNanoseconds: 0,
                finding: .condition(holds: $0, seen: ""))
        }
        let applicable = plan.applicable(Observation(steps: [steps].compactMap { $0 }, capture: nil))
        #expect(applicable.expectations.map(\.name) == (holds == true ? ["a", "b", "c"] : ["b"]))
    }
}
