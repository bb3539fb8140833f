import NetworkTypes
import PacketFormats

/// Writes a capture file of one section in the pcapng format (draft-ietf-opsawg-pcapng), with times in nanoseconds.
///
/// Blocks are kept in a buffer: call `flush()` at the end, for what is in the buffer goes with the writer.
public struct CaptureFileWriter: ~Copyable, Sendable {
    private var output: BlockOutput
    private var interfaceCount = 0

    /// - Parameter descriptor: an open file or pipe that blocks; it stays the caller's to close.
    /// - Parameter bufferSize: at how many bytes the buffer is written.
    /// - Throws: `unwritable`; `tooLarge` for a text of more than 65535 bytes.
    public init(
        descriptor: Int32, hardware: String? = nil, operatingSystem: String? = nil, application: String = "netlab",
        comment: String? = nil, bufferSize: Int = 1 << 18
    ) throws(CaptureFileError) {
        output = BlockOutput(descriptor: descriptor, capacity: bufferSize)
        try output.block(BlockType.section) { block throws(CaptureFileError) in
            block.put(BlockType.byteOrderMagic)
            block.put(1 as UInt16)
            block.put(0 as UInt16)
            // The section's length is not known yet.
            block.put(-1 as Int64)
            if let comment { try block.option(OptionCode.comment, text: comment) }
            if let hardware { try block.option(OptionCode.sectionHardware, text: hardware) }
            if let operatingSystem { try block.option(OptionCode.sectionOperatingSystem, text: operatingSystem) }
            try block.option(OptionCode.sectionApplication, text: application)
            block.endOfOptions()
        }
    }

    /// Describes an interface; may be done at any time before its first packet.
    ///
    /// - Returns: The interface's number, for its packets and statistics: 0 for the first.
    public mutating func add(_ interface: CaptureInterface) throws(CaptureFileError) -> Int {
        guard interfaceCount < CaptureFileReader.maximumInterfaces else {
            throw CaptureFileError(.tooLarge, "A capture file takes \(CaptureFileReader.maximumInterfaces) interfaces")
        }
        try output.block(BlockType.interface) { block throws(CaptureFileError) in
            block.put(interface.linkType.rawValue)
            block.put(0 as UInt16)
            block.put(UInt32(clamping: interface.snapshotLength))
            if let comment = interface.mtuComment { try block.option(OptionCode.comment, text: comment) }
            if !interface.name.isEmpty { try block.option(OptionCode.interfaceName, text: interface.name) }
            if let text = interface.description { try block.option(OptionCode.interfaceDescription, text: text) }
            if let speed = interface.speed { block.option(OptionCode.interfaceSpeed, speed.bitsPerSecond) }
            block.option(OptionCode.interfaceTimestampUnit, 9 as UInt8)
            // The first byte says that libpcap's language follows.
            if let filter = interface.filter { try block.option(OptionCode.interfaceFilter, text: "\0" + filter) }
            block.endOfOptions()
        }
        interfaceCount += 1
        return interfaceCount - 1
    }

    /// Adds a packet.
    ///
    /// - Parameters:
    ///   - bytes: what was captured of it.
    ///   - interface: a number that `add(_:)` returned.
    ///   - timestamp: in nanoseconds of the lab's clock.
    ///   - originalLength: its length on the wire, where not all of it was captured.
    ///   - droppedBefore: how many packets were lost since the interface's packet before.
    /// - Throws: `notFound` for an unknown interface, `tooLarge`, `unwritable`. A packet that is refused leaves no trace.
    public mutating func write(
        _ bytes: RawSpan, interface: Int, timestamp: UInt64, originalLength: Int? = nil,
        direction: CaptureDirection? = nil, comments: [String] = [], droppedBefore: UInt64? = nil
    ) throws(CaptureFileError) {
        let interface = try number(interface)
        // Before anything is copied.
        guard bytes.byteCount <= CaptureFileReader.maximumBlockLength else {
            throw CaptureFileError(.tooLarge, "A packet has \(bytes.byteCount) bytes: no reader takes that")
        }
        let captured = UInt32(bytes.byteCount)
        try output.block(BlockType.enhancedPacket) { block throws(CaptureFileError) in
            block.put(interface)
            block.putHalves(timestamp)
            block.put(captured)
            block.put(UInt32(clamping: originalLength ?? bytes.byteCount))
            bytes.withUnsafeBytes { block.put(padded: $0) }
            for comment in comments { try block.option(OptionCode.comment, text: comment) }
            if let direction { block.option(OptionCode.packetFlags, direction.rawValue) }
            if let droppedBefore { block.option(OptionCode.packetDropCount, droppedBefore) }
            if !comments.isEmpty || direction != nil || droppedBefore != nil { block.endOfOptions() }
        }
    }

    /// Adds what was counted at an interface; usually once, at the end.
    ///
    /// - Parameter timestamp: when it was counted, in nanoseconds of the lab's clock.
    public mutating func write(
        _ statistics: CaptureStatistics, interface: Int, timestamp: UInt64
    ) throws(CaptureFileError) {
        let interface = try number(interface)
        try output.block(BlockType.statistics) { block throws(CaptureFileError) in
            block.put(interface)
            block.putHalves(timestamp)
            if let start = statistics.start { block.optionHalves(OptionCode.statisticsStart, start) }
            if let end = statistics.end { block.optionHalves(OptionCode.statisticsEnd, end) }
            let counts = [
                (OptionCode.statisticsReceived, statistics.received),
                (OptionCode.statisticsInterfaceDrops, statistics.droppedByInterface),
                (OptionCode.statisticsSystemDrops, statistics.droppedBySystem),
            ]
            for case (let code, let count?) in counts { block.option(code, count) }
            block.endOfOptions()
        }
    }

    /// Writes everything that is still in the buffer.
    ///
    /// - Throws: `unwritable` with errno; the same again on every further call, for the file may end within a block.
    public mutating func flush() throws(CaptureFileError) {
        try output.flush()
    }

    private func number(_ interface: Int) throws(CaptureFileError) -> UInt32 {
        guard (0..<interfaceCount).contains(interface) else {
            throw CaptureFileError(.notFound, "Interface \(interface) has not been added: \(interfaceCount) have")
        }
        return UInt32(interface)
    }
}
