import AgentProtocol
import Foundation
import NetworkTypes
import Reporting
import Testing

@Suite struct FaultReportTests {
    private static let faults = [
        ActiveFault(
            fault: .linkDown("aws-vpn-1"), since: LabTime(nanoseconds: 1_500_000_000),
            until: LabTime(nanoseconds: 61_500_000_000)),
        ActiveFault(
            fault: .sessionShut("main", node: "tgw"), since: LabTime(nanoseconds: 2_000_000_000), until: nil),
    ]

    @Test func `What is broken since when and until when`() {
        #expect(
            FaultReport(Self.faults, lab: "small").text(style: .plain) == """
                FAULT                 SINCE  HEALS AT
                link aws-vpn-1 down   1.5s   0:01:01.500
                bgp main shut at tgw  2s     -
                """)
        #expect(FaultReport([], lab: "small").text(style: .plain) == "Nothing in small is broken on purpose.")
    }

    /// The text is what `netlab heal` takes.
    @Test func `JSON has the text besides`() throws {
        let json = try JSONText.of(Self.faults)
        #expect(json.contains("\"text\" : \"link aws-vpn-1 down\""))
        #expect(json.components(separatedBy: "\"until\"").count == 2)
        let data = try JSONEncoder().encode(Self.faults)
        #expect(try JSONDecoder().decode([ActiveFault].self, from: data) == Self.faults)
    }
}
