import CaptureFile
import PacketFormats
import Testing

@Suite struct ReaderTests {
    @Test(
        arguments: [false, true])
    func `Both byte orders, also in one file; interfaces count on, their numbers start again`(_ isBigEndian: Bool)
        throws
    {
        var bytes = FileBytes(isBigEndian: isBigEndian)
        for name in ["a", "b"] {
            bytes.section()
            bytes.interface(bytes.option(2, Array(name.utf8)))
            bytes.interface(bytes.option(9, [9]), linkType: 101)
            bytes.packet([1, 2, 3], interface: 0, ticks: 5)
            let flags = bytes.option(2, bytes.number(1 as UInt32))
            bytes.packet(
                [4], interface: 1, ticks: 7 << 32, original: 9, options: flags + bytes.option(1, Array("x".utf8)))
            bytes.isBigEndian.toggle()
        }
        let found = try ReadFile(bytes.all)
        #expect(found.error == nil && found.ending == .complete)
        #expect(found.interfaces.map(\.name) == ["a", "", "b", ""])
        #expect(found.interfaces.map(\.linkType) == [.ethernet, .raw, .ethernet, .raw])
        #expect(found.packets.map(\.packet.number) == [1, 2, 3, 4])
        #expect(found.packets.map(\.packet.interface) == [0, 1, 2, 3])
        #expect(found.packets.map(\.packet.timestamp) == [5000, 7 << 32, 5000, 7 << 32])
        #expect(found.packets.map(\.packet.direction) == [nil, .inbound, nil, .inbound])
        #expect(found.packets.map(\.packet.originalLength) == [3, 9, 3, 9])
        #expect(found.packets.map(\.bytes) == [[1, 2, 3], [4], [1, 2, 3], [4]])
        #expect(found.packets.map(\.comments) == [[], ["x"], [], ["x"]])
    }

    @Test(
        arguments: [
            (0, 3, 0, 3_000_000_000), (3, 1_234, 0, 1_234_000_000), (6, 7, 0, 7_000), (9, .max, 0, .max),
            (12, 1_999, 0, 1), (28, .max, 0, 1), (29, .max, 0, 0), (127, .max, 0, 0), (0x80, 2, 0, 2_000_000_000),
            (0x8A, 1024, 0, 1_000_000_000), (0xA0, 1 << 31, 0, 500_000_000), (0xFF, .max, 0, 0),
            (9, 5, 2, 2_000_000_005), (6, 3_000_000, -3, 0),
            // What does not fit is an error.
            (0, .max, 0, nil), (0x80, .max, 0, nil), (6, .max, 0, nil), (9, 5, -1, nil), (9, 0, .min, nil),
            (9, 0, .max, nil),
        ] as [(UInt8, UInt64, Int64, UInt64?)])
    func `Every unit of time becomes nanoseconds`(resolution: UInt8, ticks: UInt64, offset: Int64, nanoseconds: UInt64?)
        throws
    {
        var bytes = FileBytes()
        bytes.section()
        bytes.interface(bytes.option(9, [resolution]) + bytes.option(14, bytes.number(offset)))
        bytes.packet([1], ticks: ticks)
        let found = try ReadFile(bytes.all)
        #expect(found.packets.first?.packet.timestamp == nanoseconds)
        #expect((found.error == nil) == (nanoseconds != nil))
    }

    @Test func `Unknown blocks and options are passed over; simple and obsolete packets are read`() throws {
        var bytes = FileBytes()
        bytes.section(bytes.option(0x8ABC, [1, 2, 3]))
        bytes.interface(bytes.option(77, [1]) + [0, 0, 0, 0] + [9, 9, 9, 9], snapshotLength: 4)
        bytes.block(0x8000_1234, [1, 2, 3, 4])
        bytes.block(4, [])
        bytes.block(3, bytes.number(6 as UInt32) + [1, 2, 3, 4])
        bytes.block(3, bytes.number(2 as UInt32) + [1, 2, 0, 0])
        let lengths = bytes.number(2 as UInt32) + bytes.number(20 as UInt32)
        let comment = bytes.option(1, Array("old".utf8)) + bytes.option(2, bytes.number(2 as UInt32))
        bytes.block(2, [0, 0, 7, 0, 0, 0, 0, 0, 9, 0, 0, 0] + lengths + [8, 9, 0, 0] + comment)
        bytes.packet([], options: bytes.option(2988, [1, 2, 3, 4, 5]) + bytes.option(2, bytes.number(4 as UInt32)))
        let found = try ReadFile(bytes.all)
        #expect(found.error == nil && found.ending == .complete)
        #expect(found.packets.map(\.bytes) == [[1, 2, 3, 4], [1, 2], [8, 9], []])
        #expect(found.packets.map(\.packet.originalLength) == [6, 2, 20, 0])
        #expect(found.packets.map(\.packet.timestamp) == [0, 0, 9000, 0])
        #expect(found.packets.map(\.packet.direction) == [nil, nil, .outbound, nil])
        #expect(found.packets.map(\.comments) == [[], [], ["old"], []])
    }

    static let classicPackets: [(seconds: UInt32, fraction: UInt32, bytes: [UInt8])] = [
        (1, 2, [1, 2, 3]), (.max, 999_999, []), (0, 0, [9]),
    ]

    static func classic(_ isBigEndian: Bool, _ magic: UInt32) -> [UInt8] {
        let order = FileBytes(isBigEndian: isBigEndian)
        var bytes = order.number(magic) + order.number(2 as UInt16) + order.number(4 as UInt16)
        bytes += order.number(0 as UInt64) + order.number(1000 as UInt32) + order.number(0x3000_0065 as UInt32)
        for packet in classicPackets {
            bytes += order.number(packet.seconds) + order.number(packet.fraction)
            bytes += order.number(UInt32(packet.bytes.count)) + order.number(1514 as UInt32) + packet.bytes
        }
        return bytes
    }

    @Test(arguments: [false, true], [0xA1B2_C3D4, 0xA1B2_3C4D] as [UInt32])
    func `Classic pcap, micro- and nanoseconds`(isBigEndian: Bool, magic: UInt32) throws {
        let bytes = Self.classic(isBigEndian, magic)
        let found = try ReadFile(bytes)
        #expect(found.error == nil && found.ending == .complete)
        #expect(found.interfaces.map(\.linkType) == [.raw] && found.interfaces.first?.snapshotLength == 1000)
        let factor: UInt64 = magic == 0xA1B2_C3D4 ? 1000 : 1
        #expect(
            found.packets.map(\.packet.timestamp)
                == Self.classicPackets.map { UInt64($0.seconds) * 1_000_000_000 + UInt64($0.fraction) * factor })
        #expect(found.packets.map(\.bytes) == Self.classicPackets.map(\.bytes))
        #expect(found.packets.allSatisfy { $0.packet.originalLength == 1514 })
        for length in 0..<bytes.count {
            let part = try ReadFile(Array(bytes.prefix(length)))
            #expect(part.error == nil && part.packets.elementsEqual(found.packets.prefix(part.packets.count)))
            let isWhole = [24, 24 + 19, 24 + 19 + 16].contains(length)
            #expect((part.ending == .complete) == isWhole)
        }
    }

    /// Each after a section, an interface and one packet: 28 + 20 + 36 bytes.
    static let malformed: [(message: String, make: @Sendable (inout FileBytes) -> Void)] = [
        (
            "length, 13, is no multiple of 4",
            { $0.all += $0.number(1 as UInt32) + $0.number(13 as UInt32) + [0, 0, 0, 0, 0] }
        ),
        ("length, 8, is less than 12", { $0.all += $0.number(9 as UInt32) + $0.number(8 as UInt32) + [0, 0, 0, 0] }),
        ("length, 0, is less than 12", { $0.all += $0.number(9 as UInt32) + $0.number(0 as UInt32) + [0, 0, 0, 0] }),
        (
            "4294967292 bytes is larger than 16777216",
            { $0.all += $0.number(9 as UInt32) + $0.number(4_294_967_292 as UInt32) + [0, 0, 0, 0] }
        ),
        (
            "is 16 at its start and 20 at its end",
            { $0.all += $0.number(9 as UInt32) + $0.number(16 as UInt32) + [0, 0, 0, 0] + $0.number(20 as UInt32) }
        ),
        ("of interface 1, and its section has described 1", { $0.packet([1], interface: 1) }),
        ("of interface 4294967295, and", { $0.packet([1], interface: .max) }),
        ("captured length, 5, is more than its block holds, 4", { $0.packet([1, 2, 3, 4], captured: 5) }),
        ("captured length, 4294967295, is more", { $0.packet([1, 2, 3, 4], captured: .max) }),
        ("type packet has 28 bytes and needs 32", { $0.block(6, Array(repeating: 0, count: 16)) }),
        ("type packet has 12 bytes and needs 32", { $0.block(2, []) }),
        ("type interface description has 16 bytes and needs 20", { $0.block(1, [0, 0, 0, 0]) }),
        ("type simple packet has 12 bytes and needs 16", { $0.block(3, []) }),
        (
            "captured length, 5, is more than its block holds, 4",
            { $0.block(3, $0.number(5 as UInt32) + [0, 0, 0, 0]) }
        ),
        ("type interface statistics has 12 bytes and needs 24", { $0.block(5, []) }),
        ("of interface 3, and", { $0.block(5, $0.number(3 as UInt32) + Array(repeating: 0, count: 8)) }),
        (
            "Option 1 with 5 bytes goes beyond",
            { $0.packet([], options: $0.number(1 as UInt16) + $0.number(5 as UInt16) + [1, 2, 3, 4]) }
        ),
        ("Option epb_flags has 3 bytes and needs 4", { $0.packet([], options: $0.option(2, [1, 2, 3])) }),
        ("Option epb_dropcount has 4 bytes and needs 8", { $0.packet([], options: $0.option(4, [1, 2, 3, 4])) }),
        ("Option if_tsresol has 2 bytes and needs 1", { $0.interface($0.option(9, [1, 2])) }),
        (
            "Option isb_starttime has 4 bytes and needs 8",
            {
                $0.block(5, Array(repeating: 0, count: 12) + $0.option(2, [1, 2, 3, 4]))
            }
        ),
        ("Version 2 of pcapng is not known", { $0.section(major: 2) }),
        ("byte-order magic is 0x01020304", { $0.block(0x0A0D_0D0A, [1, 2, 3, 4]) }),
        ("type section header has 16 bytes and needs 28", { $0.block(0x0A0D_0D0A, $0.number(0x1A2B_3C4D as UInt32)) }),
        (
            "of interface 0, and its section has described 0",
            {
                $0.section()
                $0.packet([1])
            }
        ),
    ]

    @Test(arguments: malformed.indices)
    func `What is wrong is said, and where; packets before it are there`(_ index: Int) throws {
        let (message, make) = Self.malformed[index]
        for isBigEndian in [false, true] {
            var bytes = FileBytes(isBigEndian: isBigEndian)
            bytes.section()
            bytes.interface()
            bytes.packet([1, 2, 3, 4])
            let start = bytes.all.count
            // Negative control: up to here all is well.
            #expect(try ReadFile(bytes.all).ending == .complete)
            make(&bytes)
            let found = try ReadFile(bytes.all)
            let error = try #require(found.error)
            #expect(error.message.contains(message))
            let isNewSection = message.contains("described 0")
            #expect(error.offset == UInt64(isNewSection ? start + 28 : start))
            #expect(found.packets.map(\.bytes) == [[1, 2, 3, 4]])
        }
    }

    @Test(arguments: ["GIF89a", "\u{7F}ELF", "{\"a\": 1}"])
    func `Other files are refused by their first bytes`(_ text: String) throws {
        let found = try ReadFile(Array(text.utf8))
        #expect(found.error?.code == .notACapture && found.error?.offset == 0)
    }

    @Test func `An error stays`() throws {
        let scratch = try ScratchFile(Array("not a capture".utf8))
        var reader = CaptureFileReader(descriptor: scratch.descriptor)
        for _ in 0..<3 {
            do {
                _ = try reader.next()
                Issue.record("no error")
            } catch {
                #expect(error.code == .notACapture)
            }
        }
        withExtendedLifetime(scratch) {}
        let closed = ReadFile(-1)
        #expect(closed.error?.code == .unreadable && closed.error?.errno == 9)
    }
}
