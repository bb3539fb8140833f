import PacketFormats

/// The classic format: a header, then records of packets (pcap-savefile(5)).
extension CaptureFileReader {
    mutating func readClassicHeader(_ magic: UInt32) throws(CaptureFileError) -> Bool {
        guard try input.require(ClassicFormat.headerLength) else { return false }
        isSwapped = magic != ClassicFormat.microseconds && magic != ClassicFormat.nanoseconds
        let fields = Fields(bytes: input.bytes, isSwapped: isSwapped)
        let major: UInt16 = fields.load(4)
        guard major == 2 else { throw malformed("Version \(major) of pcap is not known: 2 is", .unsupported) }
        let nanoseconds = [ClassicFormat.nanoseconds, ClassicFormat.nanoseconds.byteSwapped].contains(magic)
        // The upper bits say how long a frame's checksum is.
        let linkType = UInt16(truncatingIfNeeded: fields.load(20, as: UInt32.self))
        interfaces = [
            CaptureInterface(
                name: "", linkType: LinkType(rawValue: linkType), snapshotLength: Int(fields.load(16, as: UInt32.self)))
        ]
        units = [nanoseconds ? .nanoseconds : .microseconds]
        input.consume(ClassicFormat.headerLength)
        format = .classic
        return true
    }

    mutating func readClassicRecord() throws(CaptureFileError) -> Bool {
        let header = ClassicFormat.recordHeaderLength
        guard try input.require(header) else { return false }
        let fields = Fields(bytes: input.bytes, isSwapped: isSwapped)
        let captured = Int(fields.load(8, as: UInt32.self))
        guard captured <= Self.maximumBlockLength - header else {
            throw malformed("A packet of \(captured) bytes is larger than \(Self.maximumBlockLength)", .tooLarge)
        }
        let seconds = UInt64(fields.load(0, as: UInt32.self))
        let fraction = UInt64(fields.load(4, as: UInt32.self))
        // 32 bits each: no overflow.
        let timestamp = seconds * 1_000_000_000 + (units[0] == .microseconds ? fraction * 1000 : fraction)
        let original = Int(fields.load(12, as: UInt32.self))
        guard try input.require(header + captured) else { return false }
        packets += 1
        current = Block(
            length: header + captured,
            packet: CapturedPacket(
                number: packets, interface: 0, timestamp: timestamp, originalLength: original, capturedLength: captured),
            packetBytes: header..<(header + captured))
        return true
    }
}
