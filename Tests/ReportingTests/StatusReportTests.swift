import AgentProtocol
import Foundation
import NetworkTypes
import Testing

@testable import Reporting

@Suite struct StatusReportTests {
    private func read<Value: LosslessStringConvertible>(_ text: String) throws -> Value {
        try #require(Value(text), "\"\(text)\" is not a \(Value.self)")
    }

    private func association(_ spi: UInt32, bytes: UInt64, isUDP: Bool = false) -> SAStatus {
        SAStatus(
            spi: spi, algorithms: "cbc(aes) 256, hmac(sha256) 128", isUDPEncapsulated: isUDP, bytes: bytes, packets: 1,
            ageSeconds: 3723.9)
    }

    private func end(
        _ node: String, _ local: String, _ remote: String, _ ike: String?, in inbound: SAStatus?,
        out outbound: SAStatus?
    )
        throws -> TunnelStatus.End
    {
        .init(
            node: node, interface: try read("vpn1"), local: try read(local), remote: try read(remote), ike: ike,
            inbound: inbound,
            outbound: outbound)
    }

    /// One tunnel up, one down, one unused; one session up and one that is not; one path that arrives and one that breaks.
    private func status() throws -> LabStatus {
        let (inward, outward) = (association(0xABC, bytes: 1_234_567), association(0xC0FF_EE00, bytes: 84, isUDP: true))
        let (near, far) = ("203.0.113.10", "198.51.100.10")
        return LabStatus(
            lab: "small", title: "A small lab",
            clock: ClockStatus(mode: .paced, isAdvancing: false, time: LabTime(nanoseconds: 2_500_000_000)),
            tunnels: [
                TunnelStatus(
                    name: "main", state: .up,
                    ends: [
                        try end("tgw", near, far, "AES_CBC_256-HMAC_SHA2_384-DH20", in: inward, out: outward),
                        try end("drg", far, near, "AES_CBC_256-HMAC_SHA2_384-DH20", in: outward, out: inward),
                    ]),
                TunnelStatus(
                    name: "backup", state: .down,
                    ends: [
                        try end("ec2", near, far, nil, in: nil, out: nil),
                        try end("vm", far, near, nil, in: inward, out: nil),
                    ]),
                TunnelStatus(name: "main-2", state: .unused, ends: [try end("tgw", near, far, nil, in: nil, out: nil)]),
            ],
            sessions: [
                SessionStatus(
                    name: "main",
                    speakers: [
                        .init(
                            node: "tgw", asn: try read("64512"), state: .established, holdSeconds: 30,
                            keepaliveSeconds: 10,
                            imported: [try read("10.105.2.0/24")],
                            exported: [try read("10.2.0.0/16"), try read("10.3.0.0/16")], lastError: nil),
                        .init(
                            node: "drg", asn: try read("31898"), state: .established, holdSeconds: 30,
                            keepaliveSeconds: 10,
                            imported: [], exported: [], lastError: nil),
                    ]),
                SessionStatus(
                    name: "spare",
                    speakers: [
                        .init(
                            node: "tgw", asn: try read("64512"), state: .active, holdSeconds: nil,
                            keepaliveSeconds: nil, imported: [],
                            exported: [], lastError: "Hold timer expired"),
                        .init(
                            node: "drg", asn: try read("31898"), state: .established, holdSeconds: 180,
                            keepaliveSeconds: 60, imported: [],
                            exported: [], lastError: nil),
                    ]),
            ],
            paths: [
                PathStatus(
                    probe: "there", source: "ec2", destination: try read("10.105.2.100"),
                    hops: [
                        .init(node: "ec2", route: "0.0.0.0/0 via 10.2.3.1", tunnel: nil),
                        .init(node: "tgw", route: "10.105.2.0/24 dev vpn1", tunnel: "main"),
                        .init(node: "vm", route: nil, tunnel: nil),
                    ], broken: nil, isAnswered: true),
                PathStatus(
                    probe: "back", source: "vm", destination: try read("10.2.3.100"),
                    hops: [.init(node: "vm", route: nil, tunnel: nil)], broken: "vm has no route to 10.2.3.100"),
            ],
            daemons: [
                DaemonStatus(name: "tgw/pluto", isRunning: true, detail: ""),
                DaemonStatus(name: "drg/bird", isRunning: false, detail: "killed by signal 9"),
            ],
            nodes: [
                NodeStatus(
                    name: "tgw", cloud: "aws", summary: "Transit Gateway",
                    interfaces: [
                        .init(
                            name: "wan1", kind: "veth", isUp: true, mtu: 1500, addresses: [try read("203.0.113.10/30")],
                            receivedBytes: 1_234_567, sentBytes: 999, drops: 0),
                        .init(
                            name: "vpn1", kind: "vti", isUp: false, mtu: 1438, addresses: [], receivedBytes: 0,
                            sentBytes: 12_345, drops: 7),
                    ]),
                NodeStatus(name: "vm", cloud: nil, summary: "", interfaces: []),
            ])
    }

    private let empty = LabStatus(
        lab: "small", title: "A small lab", clock: nil, tunnels: [], sessions: [], paths: [], daemons: [], nodes: [])

    @Test func `Brief`() throws {
        #expect(
            StatusReport(try status()).brief(style: .plain) == """
                small  A small lab  (at 2.5s, paced)
                  tunnel  main    up      tgw - drg
                  tunnel  backup  down    ec2 - vm
                  bgp     main    up      tgw AS64512 - drg AS31898
                  bgp     spare   down    tgw AS64512 - drg AS31898
                  path    there   ok      by tunnel main
                  path    back    broken  vm has no route to 10.2.3.100
                """)
    }

    @Test func `Full`() throws {
        #expect(
            StatusReport(try status()).full(style: .plain) == """
                small  A small lab  (at 2.5s, paced)

                TUNNELS
                  NAME    STATE   NODE  DEV   SPI IN      SPI OUT     BYTES IN / OUT  AGE
                  main    up      tgw   vpn1  0x00000abc  0xc0ffee00  1.23 MB / 84 B  1h2m
                                  drg   vpn1  0xc0ffee00  0x00000abc  84 B / 1.23 MB  1h2m
                  backup  down    ec2   vpn1  -           -           - / -           -
                                  vm    vpn1  0x00000abc  -           1.23 MB / -     1h2m
                  main-2  unused  tgw   vpn1  -           -           - / -           -

                IPSEC
                  NODE  OUTER                         IKE                             ESP
                  tgw   203.0.113.10 > 198.51.100.10  AES_CBC_256-HMAC_SHA2_384-DH20  cbc(aes) 256, hmac(sha256) 128, UDP 4500
                  drg   198.51.100.10 > 203.0.113.10  AES_CBC_256-HMAC_SHA2_384-DH20  cbc(aes) 256, hmac(sha256) 128
                  vm    198.51.100.10 > 203.0.113.10  -                               cbc(aes) 256, hmac(sha256) 128

                BGP
                  NAME   NODE  AS       STATE        HOLD  KEEPALIVE  LEARNED        ADVERTISED
                  main   tgw   AS64512  Established  30s   10s        10.105.2.0/24  10.2.0.0/16 10.3.0.0/16
                         drg   AS31898  Established  30s   10s        -              -
                  spare  tgw   AS64512  Active       -     -          -              -                        Hold timer expired
                         drg   AS31898  Established  180s  60s        -              -

                PATHS
                  there: ec2 > 10.105.2.100, by tunnel main
                    ec2  0.0.0.0/0 via 10.2.3.1
                    tgw  10.105.2.0/24 dev vpn1  tunnel main
                    vm   (there)
                  back: vm > 10.2.3.100, by no tunnel
                    vm  (ends here)
                    vm has no route to 10.2.3.100

                DAEMONS
                  DAEMON     STATE
                  tgw/pluto  running
                  drg/bird   ended    killed by signal 9

                INTERFACES
                  NODE  DEV   KIND  STATE  MTU   ADDRESSES        BYTES IN / OUT
                  tgw   wan1  veth  up     1500  203.0.113.10/30  1.23 MB / 999 B
                        vpn1  vti   down   1438                   0 B / 12.3 kB    7 dropped
                """)
    }

    /// What a lab does not have is not shown.
    @Test func `Lab without tunnels and sessions`() {
        #expect(StatusReport(empty).full(style: .plain) == "small  A small lab")
        #expect(StatusReport(empty).brief(style: .plain).hasPrefix("small  A small lab"))
    }

    @Test func `Colour is only colour`() throws {
        let report = StatusReport(try status())
        let colour = Style(hasColour: true)
        #expect(stripped(report.full(style: colour)) == report.full(style: .plain))
        #expect(stripped(report.brief(style: colour)) == report.brief(style: .plain))
        for text in [
            "\u{1B}[32mup\u{1B}[0m", "\u{1B}[31mdown\u{1B}[0m", "\u{1B}[31mbroken\u{1B}[0m", "\u{1B}[32mok\u{1B}[0m",
        ] {
            #expect(report.brief(style: colour).contains(text))
        }
        for text in [
            "\u{1B}[2munused\u{1B}[0m", "\u{1B}[31mActive\u{1B}[0m", "\u{1B}[31mended\u{1B}[0m",
            "\u{1B}[33m7 dropped\u{1B}[0m",
            "\u{1B}[31mvm has no route to 10.2.3.100\u{1B}[0m", "\u{1B}[1mTUNNELS\u{1B}[0m",
        ] {
            #expect(report.full(style: colour).contains(text))
        }
    }

    @Test(arguments: [
        (ClockMode.paced, false, "(at 2.5s, paced)"), (.paused, false, "(at 2.5s, paused)"),
        (.paused, true, "(at 2.5s, advancing)"),
    ])
    func `The clock`(_ mode: ClockMode, _ isAdvancing: Bool, _ expected: String) {
        var status = empty
        status.clock = ClockStatus(mode: mode, isAdvancing: isAdvancing, time: LabTime(nanoseconds: 2_500_000_000))
        #expect(StatusReport(status).full(style: .plain) == "small  A small lab  \(expected)")
    }

    @Test(
        arguments: [
            (0, "0 B"), (1, "1 B"), (999, "999 B"), (1000, "1.0 kB"), (1234, "1.23 kB"), (9_999, "10.0 kB"),
            (12_345, "12.3 kB"),
            (99_949, "99.9 kB"), (99_960, "100 kB"), (999_499, "999 kB"), (999_500, "1.0 MB"), (1_234_567, "1.23 MB"),
            (51_900_000_000, "51.9 GB"),
            (UInt64.max, "18.4 EB"),
        ] as [(UInt64, String)])
    func `Amount`(_ bytes: UInt64, _ expected: String) {
        #expect(StatusReport.amount(bytes) == expected)
    }

    @Test func `JSON has snake case keys in order`() throws {
        let text = try JSONText.of(try status())
        for key in [
            "is_udp_encapsulated", "age_seconds", "hold_seconds", "keepalive_seconds", "last_error", "is_running",
            "is_up", "received_bytes",
            "sent_bytes", "is_advancing",
        ] {
            #expect(text.contains("\"\(key)\""))
        }
        let keys = text.matches(of: /"([A-Za-z_]+)" :/).map { String($0.output.1) }
        #expect(!keys.isEmpty && keys.allSatisfy { $0 == $0.lowercased() })
        #expect(text.contains("\"10.105.2.0/24\"") && text.contains("\"203.0.113.10/30\""))
        #expect(text == (try JSONText.of(try status())))
        let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect(
            object.keys.sorted() == [
                "adjacencies", "choices", "clock", "daemons", "faults", "lab", "monitors", "nodes", "paths",
                "plain_tunnels", "sessions", "title", "tunnels", "version",
            ])
    }

    @Test func `Monitors show their alarm`() throws {
        let status = LabStatus(
            lab: "small", title: "", clock: nil, tunnels: [], sessions: [], paths: [], daemons: [], nodes: [],
            monitors: [
                MonitorStatus(
                    probe: "inside", exitCode: 1, askedAt: LabTime(nanoseconds: 62_000_000_000), failures: 3,
                    isAlarmed: true, since: LabTime(nanoseconds: 3_000_000_000)),
                MonitorStatus(
                    probe: "new", exitCode: nil, askedAt: nil, failures: 0, isAlarmed: false, since: nil),
            ])
        let lines = StatusReport(status).full(style: .plain).split(separator: "\n").map { $0.split(separator: " ") }
        #expect(lines.contains(["inside", "alarm", "1", "3", "0:01:02.000", "3s"]))
        #expect(lines.contains(["new", "waiting", "-", "0", "-", "-"]))
    }

    @Test func `JSON of small value`() throws {
        struct Value: Encodable {
            let someName = "a/b"
            let another = 1
        }
        let text = "{\n  \"another\" : 1,\n  \"some_name\" : \"a/b\",\n  \"version\" : 1\n}"
        #expect(try JSONText.of(Value()) == text)
        #expect(try JSONText.of(Value(), onOneLine: true) == #"{"another":1,"some_name":"a/b","version":1}"#)
        // A list has no place for a version: its members have it, and words cannot.
        #expect(try JSONText.of([Value()]).contains("\"version\" : 1"))
        #expect(try JSONText.of([Value]()) == "[\n\n]")
        #expect(try JSONText.of(["a"]) == "[\n  \"a\"\n]")
    }
}
