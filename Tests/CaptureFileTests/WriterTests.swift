import CaptureFile
import Glibc
import NetworkTypes
import PacketFormats
import Testing

@Suite struct WriterTests {
    static let interfaces = [
        CaptureInterface(
            name: "tgw:wan1", description: "Amazon's end", linkType: .ethernet, snapshotLength: 65535,
            mtu: MTU(1500), filter: "udp port 500 or esp", speed: BitRate(bitsPerSecond: 100_000_000)),
        CaptureInterface(name: "tgw:vti1", linkType: .raw, mtu: MTU(1436)),
        CaptureInterface(name: "", linkType: .linuxCooked),
    ]

    @Test func `What is written is read; interfaces may come late`() throws {
        let scratch = try ScratchFile()
        var writer = try CaptureFileWriter(
            descriptor: scratch.descriptor, hardware: "x86-64", operatingSystem: "Linux 6.1", comment: "Größe",
            bufferSize: 100)
        var expected: [ReadPacket] = []
        for (index, interface) in Self.interfaces.enumerated() {
            #expect(try writer.add(interface) == index)
            for size in [0, 1, 2, 3, 4, 1514] {
                let packet = ReadPacket(
                    packet: CapturedPacket(
                        number: expected.count + 1, interface: index, timestamp: UInt64.max - UInt64(size),
                        originalLength: size + index, capturedLength: size,
                        direction: [nil, .inbound, .outbound][size % 3], droppedBefore: size == 3 ? .max : nil,
                        hasComments: size > 2),
                    bytes: Array(repeating: UInt8(index), count: size),
                    comments: size > 2 ? ["", "ÄÖ \(size)", "zweiter"] : [])
                try writer.write(
                    packet.bytes, interface: index, timestamp: packet.packet.timestamp,
                    originalLength: packet.packet.originalLength, direction: packet.packet.direction,
                    comments: packet.comments, droppedBefore: packet.packet.droppedBefore)
                expected.append(packet)
            }
        }
        try writer.write(CaptureStatistics(received: 18), interface: 1, timestamp: 5)
        try writer.write(CaptureStatistics(received: 19, droppedBySystem: 0), interface: 1, timestamp: 6)
        try writer.flush()
        let found = try ReadFile(scratch.contents)
        #expect(found.error == nil && found.ending == .complete)
        #expect(found.packets == expected)
        #expect(found.interfaces.map(\.statistics) == [nil, CaptureStatistics(received: 19, droppedBySystem: 0), nil])
        for (found, wanted) in zip(found.interfaces, Self.interfaces) {
            #expect(found.name == wanted.name && found.description == wanted.description && found.mtu == wanted.mtu)
            #expect(found.linkType == wanted.linkType && found.snapshotLength == wanted.snapshotLength)
            #expect(found.filter == wanted.filter && found.speed == wanted.speed)
        }
    }

    @Test func `What cannot be written is refused, and leaves no trace`() throws {
        let scratch = try ScratchFile()
        var writer = try CaptureFileWriter(descriptor: scratch.descriptor)
        #expect(refusal { try writer.write([1]) }?.code == .notFound)
        #expect(refusal { try writer.write(CaptureStatistics(), interface: 0, timestamp: 0) }?.code == .notFound)
        _ = try writer.add(Self.interfaces[0])
        let long = String(repeating: "x", count: 65536)
        #expect(refusal { try writer.write([1], interface: 1) }?.code == .notFound)
        #expect(refusal { try writer.write([1], interface: -1) }?.code == .notFound)
        #expect(refusal { try writer.write([1], comments: ["ok", long]) }?.code == .tooLarge)
        #expect(refusal { try writer.write(Array(repeating: 0, count: 1 << 24)) }?.code == .tooLarge)
        #expect(refusal { _ = try writer.add(CaptureInterface(name: long, linkType: .raw)) }?.code == .tooLarge)
        try writer.write([7], comments: [String(long.dropLast())])
        try writer.flush()
        let found = try ReadFile(scratch.contents)
        #expect(found.ending == .complete && found.packets.map(\.bytes) == [[7]] && found.interfaces.count == 1)
        #expect(found.packets.first?.comments.first?.utf8.count == 65535)
    }

    @Test func `The system's error number is kept, and stays`() throws {
        let full = open("/dev/full", O_WRONLY)
        try #require(full >= 0)
        defer { close(full) }
        var writer = try CaptureFileWriter(descriptor: full)
        _ = try writer.add(Self.interfaces[0])
        for _ in 0..<2 {
            let error = refusal { try writer.flush() }
            #expect(error?.code == .unwritable && error?.errno == ENOSPC)
            #expect(error?.description == "The capture file cannot be written: No space left on device")
        }
        #expect(refusal { try writer.write([1]) }?.errno == ENOSPC)
    }
}

/// The error that a body throws.
func refusal(_ body: () throws -> Void) -> CaptureFileError? {
    do {
        try body()
        return nil
    } catch {
        return error as? CaptureFileError
    }
}
