import AgentProtocol
import NetworkTypes
import Testing

@Suite struct LabTimeTests {
    @Test func `Arithmetic`() {
        let start = LabTime(nanoseconds: 1_500_000_000)
        #expect(start + .milliseconds(250) == LabTime(nanoseconds: 1_750_000_000))
        #expect(start + .seconds(-1) == LabTime(nanoseconds: 500_000_000))
        #expect(start + .zero == start)
        #expect(start - LabTime(nanoseconds: 2_000_000_000) == .milliseconds(-500))
        #expect(start + (LabTime(nanoseconds: 7) - start) == LabTime(nanoseconds: 7))
        #expect(start.sinceStart == .milliseconds(1500))
    }

    @Test func `Order`() {
        let times = [3, 1, 2].map { LabTime(nanoseconds: $0) }
        #expect(times.sorted().map(\.nanoseconds) == [1, 2, 3])
    }

    @Test func `End of time is not its beginning`() {
        let last = LabTime(nanoseconds: .max)
        #expect(last + .nanoseconds(1) == last)
        #expect(LabTime(nanoseconds: 1) + .seconds(Int64.max) == last)
        #expect(LabTime(nanoseconds: -2) + .seconds(Int64.min / 2) == LabTime(nanoseconds: .min))
    }

    @Test(
        arguments: [
            (0, "0s"), (2_097_000_000, "2.097s"), (59_999_000_000, "59.999s"), (60_000_000_000, "0:01:00.000"),
            (3_604_250_000_000, "1:00:04.250"), (360_000_000_000_000, "100:00:00.000"),
        ] as [(Int64, String)])
    func `Text`(_ nanoseconds: Int64, _ expected: String) {
        #expect(LabTime(nanoseconds: nanoseconds).description == expected)
    }
}
