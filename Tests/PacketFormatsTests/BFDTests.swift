import NetworkTypes
import PacketFormats
import Testing

@Suite struct BFDTests {
    /// An IPv4 packet with a control packet to a UDP port, as the lines of `netlab packets` have it.
    private static func line(port: UInt16, control: String) -> String {
        let body = bytes(control)
        let port = String(port, radix: 16)
        let length = String(28 + body.count, radix: 16)
        let datagram = String(8 + body.count, radix: 16)
        let header = "4500 00\(length) 0000 4000 ff11 0000 0a000001 0a000002"
        let udp = "c000 \(String(repeating: "0", count: 4 - port.count))\(port) 00\(datagram) 0000"
        let packet = bytes("\(header) \(udp)") + body
        return PacketLine(packet.span.bytes, linkType: .raw).description
    }

    @Test(
        arguments: [
            (
                UInt16(3784), "20c0 0318 00000001 00000002 000493e0 000493e0 00000000",
                "BFD Up tx 300ms rx 300ms x3"
            ),
            (
                4784, "2160 0518 00000001 00000000 000f4240 000027a6 00000000",
                "BFD Down poll diag 1 (detection time expired) tx 1000ms rx 10150us x5"
            ),
            (3784, "2090 0318 00000001 00000002 000493e0 000493e0 00000000", "BFD Init final tx 300ms rx 300ms x3"),
        ])
    func `Control packets of both ports`(_ port: UInt16, _ control: String, _ text: String) {
        let line = Self.line(port: port, control: control)
        #expect(line.contains(text), "\(line)")
    }

    /// Another version, a length beyond the datagram's, fewer bytes than a control packet has, and another port.
    @Test(
        arguments: [
            (UInt16(3784), "40c0 0318 00000001 00000002 000493e0 000493e0 00000000"),
            (3784, "20c0 03ff 00000001 00000002 000493e0 000493e0 00000000"), (3784, "20c0 0318 0000"),
            (3785, "20c0 0318 00000001 00000002 000493e0 000493e0 00000000"),
        ])
    func `What is none is data`(_ port: UInt16, _ control: String) {
        #expect(!Self.line(port: port, control: control).contains("BFD"))
    }
}
