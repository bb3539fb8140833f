import NetworkTypes
import PacketFormats
import Testing

@Suite struct OSPFTests {
    /// An IPv4 packet of protocol 89, as the lines of `netlab packets` have it.
    private static func line(_ packet: String) -> String {
        let body = bytes(packet)
        let hex = String(20 + body.count, radix: 16)
        let length = String(repeating: "0", count: 4 - hex.count) + hex
        return PacketLine(
            (bytes("45c0 \(length) 0000 0000 0159 0000 0a0a0101 e0000005") + body).span.bytes, linkType: .raw
        ).description
    }

    private static let header = "0a0a0101 00000000 0000 0000 0000000000000000"

    @Test func `A hello packet says how often it comes and whom it has heard`() {
        let line = Self.line("0201 0030 \(Self.header) fffffffc 000a 02 01 00000028 00000000 00000000 0a0a0102")
        #expect(
            line.contains("OSPF Hello router 10.10.1.1 area 0.0.0.0 every 10s dead 40s neighbours 1"), "\(line)")
    }

    @Test(
        arguments: [
            (2, "Database Description"), (3, "Link State Request"), (4, "Link State Update"),
            (5, "Link State Acknowledgment"),
        ])
    func `Other packets by their types`(_ type: Int, _ name: String) {
        let line = Self.line("020\(type) 0018 \(Self.header)")
        #expect(line.contains("OSPF \(name) router 10.10.1.1 area 0.0.0.0"), "\(line)")
    }

    /// A hello packet that is cut off, and one that says it is shorter than a hello packet is.
    @Test(arguments: ["0201 0030 \(header) fffffffc 000a", "0201 0018 \(header) fffffffc 000a 02 01 00000028"])
    func `Of a hello packet that is not whole no timers are read`(_ packet: String) {
        let line = Self.line(packet)
        #expect(line.contains("OSPF Hello router 10.10.1.1") && !line.contains("every"), "\(line)")
    }

    /// Another version, a type that there is not, a length that no packet has, and too few bytes.
    @Test(
        arguments: [
            "0301 0030 \(header)", "0206 0018 \(header)", "0200 0018 \(header)", "0201 0017 \(header)",
            "0201 0018 0a0a",
        ])
    func `What is none is data`(_ packet: String) {
        #expect(!Self.line(packet).contains("OSPF Hello"))
    }
}
