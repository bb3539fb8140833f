import Expectations
import Foundation
import Reporting
import Testing

@Suite("The report on what a lab was expected to show")
struct VerdictReportTests {
    private static let passed = Verdict(
        expectation: "main-rtt", kind: "rtt", outcome: .pass, expected: "workload answered in 3.000 ms ± 100us",
        rule: "delays and rates of 5 links there and 5 back: 3.001 ms; lab.yaml:240",
        seen: "5 of 5 answered in 3.001 to 3.002 ms")
    private static let failed = Verdict(
        expectation: "nothing-in-clear", kind: "confidentiality", outcome: .fail,
        expected: "workload unreadable on aws-vpn-1",
        rule: "RFC 4303 section 1; lab.yaml:225", seen: "2 packets in clear",
        evidence: [
            Evidence(
                packet: 17, nanoseconds: 12_000_000_045, interface: "tgw:wan1", remark: "inner address 10.2.3.100",
                line: "10.2.3.100 > 10.105.2.100: ICMP echo request"),
            Evidence(
                packet: 18, nanoseconds: 12_900_000_000, interface: "drg:wan1", remark: "inner address 10.105.2.100",
                line: ""),
        ])
    private static let unclear = Verdict(
        expectation: "main-mss", kind: "mss", outcome: .inconclusive,
        expected: "workload: SYN and SYN-ACK arrive with MSS 1398 at most",
        rule: "RFC 6691; lab.yaml:237", seen: "3 packets are missing from the capture")
    private static let later = Verdict(
        expectation: "by-backup", kind: "path", outcome: .notApplicable, expected: "", rule: "lab.yaml:260",
        seen: "\"bgp main down\" does not hold")

    private func report(_ verdicts: Verdict..., capture: String? = "check.pcapng") -> VerdictReport {
        VerdictReport(lab: "aws-oci", capture: capture, verdicts: verdicts)
    }

    @Test
    func `A line for what holds, all there is for what does not`() {
        #expect(
            report(Self.passed, Self.failed, Self.unclear, Self.later).text(style: .plain) == """
                ✓ main-rtt          5 of 5 answered in 3.001 to 3.002 ms
                ✗ nothing-in-clear
                    expected  workload unreadable on aws-vpn-1
                    rule      RFC 4303 section 1; lab.yaml:225
                    seen      2 packets in clear
                    packet    #17 at 12.000000045 s, sent by tgw:wan1: inner address 10.2.3.100
                              10.2.3.100 > 10.105.2.100: ICMP echo request
                    packet    #18 at 12.900000000 s, sent by drg:wan1: inner address 10.105.2.100
                ? main-mss
                    expected  workload: SYN and SYN-ACK arrive with MSS 1398 at most
                    rule      RFC 6691; lab.yaml:237
                    seen      3 packets are missing from the capture
                · by-backup         not now: "bgp main down" does not hold

                Packets are numbered as in check.pcapng

                aws-oci: 1 passed, 1 failed, 1 inconclusive, 1 not applicable
                """)
    }

    @Test
    func `What holds, in full`() {
        #expect(
            report(Self.passed, Self.later).text(style: .plain, isVerbose: true) == """
                ✓ main-rtt
                    expected  workload answered in 3.000 ms ± 100us
                    rule      delays and rates of 5 links there and 5 back: 3.001 ms; lab.yaml:240
                    seen      5 of 5 answered in 3.001 to 3.002 ms
                · by-backup  not now: "bgp main down" does not hold

                aws-oci: 1 passed, 1 not applicable
                """)
    }

    @Test
    func `The capture is named only where packets are`() {
        #expect(!report(Self.passed, Self.unclear).text(style: .plain).contains("check.pcapng"))
        #expect(!report(Self.failed, capture: nil).text(style: .plain).contains("numbered"))
    }

    @Test
    func `Nothing expected`() {
        #expect(report().text(style: .plain) == "aws-oci: nothing was expected")
    }

    @Test
    func `A failure counts more than a doubt, and colour says which`() {
        #expect(
            report(Self.passed, Self.later).outcome == .pass
                && report(Self.unclear, Self.passed).outcome == .inconclusive)
        #expect(report(Self.unclear, Self.failed).outcome == .fail)
        let colours = [report(Self.passed), report(Self.unclear), report(Self.failed)].map {
            $0.text(style: Style(hasColour: true)).split(separator: "\n").last?.prefix(5)
        }
        #expect(colours == ["\u{1B}[32m", "\u{1B}[33m", "\u{1B}[31m"])
    }

    @Test(
        arguments: [
            (Int64.min, "-9223372036.854775808 s"), (.max, "9223372036.854775807 s"), (-1, "-0.000000001 s"),
            (0, "0.000000000 s"),
        ])
    func `Any time can be shown`(_ nanoseconds: Int64, _ text: String) {
        let evidence = Evidence(packet: 1, nanoseconds: nanoseconds, interface: "a:b", remark: "odd", line: "")
        let verdict = Verdict(
            expectation: "x", kind: "mtu", outcome: .fail, expected: "", rule: "", seen: "", evidence: [evidence])
        #expect(report(verdict).text(style: .plain).contains("#1 at \(text), sent by a:b: odd\n"))
    }

    @Test
    func `JSON`() throws {
        #expect(
            try JSONText.of(report(Self.failed, Self.later)) == #"""
                {
                  "capture" : "check.pcapng",
                  "deviations" : [

                  ],
                  "lab" : "aws-oci",
                  "outcome" : "fail",
                  "verdicts" : [
                    {
                      "evidence" : [
                        {
                          "interface" : "tgw:wan1",
                          "line" : "10.2.3.100 > 10.105.2.100: ICMP echo request",
                          "nanoseconds" : 12000000045,
                          "packet" : 17,
                          "remark" : "inner address 10.2.3.100"
                        },
                        {
                          "interface" : "drg:wan1",
                          "line" : "",
                          "nanoseconds" : 12900000000,
                          "packet" : 18,
                          "remark" : "inner address 10.105.2.100"
                        }
                      ],
                      "expectation" : "nothing-in-clear",
                      "expected" : "workload unreadable on aws-vpn-1",
                      "is_derived" : false,
                      "kind" : "confidentiality",
                      "outcome" : "fail",
                      "rule" : "RFC 4303 section 1; lab.yaml:225",
                      "seen" : "2 packets in clear"
                    },
                    {
                      "evidence" : [

                      ],
                      "expectation" : "by-backup",
                      "expected" : "",
                      "is_derived" : false,
                      "kind" : "path",
                      "outcome" : "not_applicable",
                      "rule" : "lab.yaml:260",
                      "seen" : "\"bgp main down\" does not hold"
                    }
                  ],
                  "version" : 1
                }
                """#)
        #expect(!(try JSONText.of(report(Self.passed, capture: nil)).contains("capture")))
    }

    @Test
    func `Where the lab departs from what it reproduces`() {
        let report = VerdictReport(
            lab: "aws-oci", capture: nil, verdicts: [Self.passed], deviations: ["MTU is 1500: the article gives none."])
        #expect(
            report.text(style: .plain).contains(
                "\n\naws-oci departs from what it reproduces:\n- MTU is 1500: the article gives none.\n\naws-oci: 1 passed"
            ))
    }
}
