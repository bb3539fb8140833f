import HeaderStacks
import NetworkTypes
import Reporting
import Testing

@Suite("The report on a header stack")
struct HeaderStackReportTests {
    private func stack(_ change: (inout HeaderStackRequest) -> Void) throws -> HeaderStack {
        var request = HeaderStackRequest()
        change(&request)
        return try request.stack()
    }

    @Test
    func `The longest packet, part for part`() throws {
        let stack = try stack { ($0.encryption, $0.isUDPEncapsulated, $0.vlanTags) = ("aes-gcm-16", true, 1) }
        #expect(
            HeaderStackReport(stack).text(style: .plain) == """
                link MTU  1500
                mtu       1438
                mss4      1398
                mss6      1378
                packet    1438, with headers 1500

                BYTES  LAYER   PART
                    4  vlan    VLAN tag  (outside the MTU)
                   20  esp     IPv4 header
                    8  esp     UDP header
                    8  esp     ESP header
                    8  esp     initialization vector
                 1438  packet  inner packet
                    0  esp     padding
                    2  esp     pad length, next header
                   16  esp     integrity check value
                 1500          outer packet
                """)
    }

    @Test
    func `A packet that is too long, and a family that is not carried`() throws {
        let stack = try stack { $0.layers = "isatap,ipip6" }
        #expect(
            HeaderStackReport(stack, size: 1452).text(style: .plain) == """
                link MTU  1500
                mtu       1432
                mss4      1392
                mss6      -  no TCP over IPv6 in this stack
                packet    1452, with headers 1520  20 bytes more than the link MTU

                BYTES  LAYER   PART
                   20  isatap  IPv4 header
                   40  ipip6   IPv6 header
                    8  ipip6   encapsulation limit option
                 1452  packet  inner packet
                 1520          outer packet
                """)
    }

    @Test
    func `IPv6 below its minimum says so, and only then`() throws {
        let mtu = try #require(MTU(1299))
        let text = HeaderStackReport(try stack { ($0.layers, $0.linkMTU) = ("6in4", mtu) }).text(style: .plain)
        #expect(text.contains("\nmss6      1219  below IPv6's minimum MTU of 1280: only if a layer below fragments"))
        #expect(!HeaderStackReport(try stack { $0.layers = "6in4" }).text(style: .plain).contains("1280"))
    }

    @Test
    func `JSON has every figure, in snake case`() throws {
        let report = HeaderStackReport(try stack { $0.layers = "6in4" }, size: 100)
        #expect(
            try JSONText.of(report) == """
                {
                  "fits_ipv6_minimum" : true,
                  "link_mtu" : 1500,
                  "mss6" : 1420,
                  "mtu" : 1480,
                  "packet" : {
                    "fits_link" : true,
                    "inner_length" : 100,
                    "outer_length" : 120,
                    "parts" : [
                      {
                        "bytes" : 20,
                        "is_in_mtu" : true,
                        "layer" : "6in4",
                        "name" : "IPv4 header"
                      },
                      {
                        "bytes" : 100,
                        "is_in_mtu" : true,
                        "layer" : "packet",
                        "name" : "inner packet"
                      }
                    ]
                  },
                  "version" : 1
                }
                """)
    }
}
