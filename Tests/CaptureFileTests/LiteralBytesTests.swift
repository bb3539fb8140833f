import CaptureFile
import NetworkTypes
import PacketFormats
import Testing

@Suite struct LiteralBytesTests {
    /// Written by hand after the draft's figures.
    static let file: [UInt8] = [
        // Section header: 48 bytes, byte order, version 1.0, length unknown, comment, application, end.
        0x0A, 0x0D, 0x0D, 0x0A, 52, 0, 0, 0, 0x4D, 0x3C, 0x2B, 0x1A, 1, 0, 0, 0,
        0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
        1, 0, 2, 0, 0x68, 0x69, 0, 0, 4, 0, 6, 0, 0x6E, 0x65, 0x74, 0x6C, 0x61, 0x62, 0, 0, 0, 0, 0, 0, 52, 0, 0, 0,
        // Interface: Ethernet, at most 256 bytes; "MTU 1500", "r:a", 1 Gbit/s, nanoseconds, filter "ip".
        1, 0, 0, 0, 72, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0,
        1, 0, 8, 0, 0x4D, 0x54, 0x55, 0x20, 0x31, 0x35, 0x30, 0x30, 2, 0, 3, 0, 0x72, 0x3A, 0x61, 0,
        8, 0, 8, 0, 0, 0xCA, 0x9A, 0x3B, 0, 0, 0, 0, 9, 0, 1, 0, 9, 0, 0, 0,
        11, 0, 3, 0, 0, 0x69, 0x70, 0, 0, 0, 0, 0, 72, 0, 0, 0,
        // Packet: interface 0, time 0x1_0000_0002 ns, 5 of 7 bytes, comment "c", outbound, 3 lost before.
        6, 0, 0, 0, 72, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 5, 0, 0, 0, 7, 0, 0, 0, 1, 2, 3, 4, 5, 0, 0, 0,
        1, 0, 1, 0, 0x63, 0, 0, 0, 2, 0, 4, 0, 2, 0, 0, 0, 4, 0, 8, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 72, 0, 0, 0,
        // Statistics: at 0x1_0000_0003, from 1 to 0x1_0000_0003, 9 received, 1 dropped by the interface, 2 by the system.
        5, 0, 0, 0, 88, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0,
        2, 0, 8, 0, 0, 0, 0, 0, 1, 0, 0, 0, 3, 0, 8, 0, 1, 0, 0, 0, 3, 0, 0, 0,
        4, 0, 8, 0, 9, 0, 0, 0, 0, 0, 0, 0, 5, 0, 8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7, 0, 8, 0, 2, 0, 0, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 88, 0, 0, 0,
    ]

    static let interface = CaptureInterface(
        name: "r:a", linkType: .ethernet, snapshotLength: 256, mtu: .ethernet, filter: "ip",
        speed: BitRate(bitsPerSecond: 1_000_000_000))
    static let statistics = CaptureStatistics(
        start: 1, end: 0x1_0000_0003, received: 9, droppedByInterface: 1, droppedBySystem: 2)

    @Test func `The writer writes these bytes`() throws {
        let scratch = try ScratchFile()
        var writer = try CaptureFileWriter(descriptor: scratch.descriptor, comment: "hi")
        #expect(try writer.add(Self.interface) == 0)
        try writer.write(
            [1, 2, 3, 4, 5], timestamp: 0x1_0000_0002, originalLength: 7, direction: .outbound, comments: ["c"],
            droppedBefore: 3)
        try writer.write(Self.statistics, interface: 0, timestamp: 0x1_0000_0003)
        #expect(scratch.contents.isEmpty)
        try writer.flush()
        #expect(scratch.contents == Self.file)
    }

    @Test func `The reader reads them`() throws {
        let found = try ReadFile(Self.file)
        #expect(found.error == nil && found.ending == .complete)
        #expect(
            found.packets == [
                ReadPacket(
                    packet: CapturedPacket(
                        number: 1, interface: 0, timestamp: 0x1_0000_0002, originalLength: 7, capturedLength: 5,
                        direction: .outbound, droppedBefore: 3, hasComments: true),
                    bytes: [1, 2, 3, 4, 5], comments: ["c"])
            ])
        let interface = try #require(found.interfaces.first)
        #expect(interface.statistics == Self.statistics && interface.name == "r:a" && interface.mtu == .ethernet)
        #expect(interface.filter == "ip" && interface.speed == BitRate(bitsPerSecond: 1_000_000_000))
        #expect(interface.linkType == .ethernet && interface.snapshotLength == 256 && interface.description == nil)
    }
}
