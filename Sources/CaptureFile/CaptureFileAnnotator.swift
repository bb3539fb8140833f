/// Adds comments to the packets of a capture file.
public enum CaptureFileAnnotator {
    /// Copies a pcapng file and adds comments to some of its packets, before those they have; all else stays as it is.
    ///
    /// Takes memory for the comments and one buffer. Only a section's stated length is lost, which few writers state.
    ///
    /// - Parameters:
    ///   - source: an open file or pipe.
    ///   - destination: an open file or pipe that blocks.
    ///   - comments: by the packets' numbers, from 1 on.
    /// - Returns: Where the source ended. A block that is not whole is not copied.
    /// - Throws: `notFound` where the source has no such packet, `unsupported` for classic pcap and for packets that take no
    ///   comments (simple packet blocks); otherwise what reader and writer throw.
    @discardableResult
    public static func copy(
        from source: Int32, to destination: Int32, adding comments: [Int: [String]]
    ) throws(CaptureFileError) -> CaptureEnding {
        var reader = CaptureFileReader(descriptor: source)
        var output = BlockOutput(descriptor: destination, capacity: 1 << 18)
        var missing = Set(comments.filter { !$0.value.isEmpty }.keys)
        while try reader.nextBlock() {
            guard reader.format == .pcapng else {
                throw CaptureFileError(
                    .unsupported, "A classic pcap file takes no comments: convert it with editcap(1)")
            }
            output.isSwapped = reader.isSwapped
            let block = UnsafeRawBufferPointer(rebasing: reader.input.bytes[..<reader.current.length])
            if reader.current.type == BlockType.section {
                try output.block(BlockType.section) { section throws(CaptureFileError) in
                    section.put(padded: UnsafeRawBufferPointer(rebasing: block[8..<16]))
                    section.put(-1 as Int64)
                    section.put(padded: UnsafeRawBufferPointer(rebasing: block[24..<(block.count - 4)]))
                }
            } else if let packet = reader.current.packet, missing.remove(packet.number) != nil {
                try add(comments[packet.number] ?? [], to: reader.current, block, in: &output, reader)
            } else {
                try output.copy(block)
            }
        }
        if let first = missing.min() {
            throw CaptureFileError(.notFound, "The file has no packet \(first): it has \(reader.packets)")
        }
        try output.flush()
        return reader.ending ?? .complete
    }

    private static func add(
        _ comments: [String], to block: CaptureFileReader.Block, _ bytes: UnsafeRawBufferPointer,
        in output: inout BlockOutput, _ reader: borrowing CaptureFileReader
    ) throws(CaptureFileError) {
        guard block.type != BlockType.simplePacket else {
            throw reader.malformed(
                "A simple packet block takes no comments: convert the file with editcap(1)", .unsupported)
        }
        try output.block(block.type) { made throws(CaptureFileError) in
            made.put(padded: UnsafeRawBufferPointer(rebasing: bytes[8..<block.options.lowerBound]))
            for comment in comments { try made.option(OptionCode.comment, text: comment) }
            if block.options.isEmpty {
                made.endOfOptions()
            } else {
                made.put(padded: UnsafeRawBufferPointer(rebasing: bytes[block.options]))
            }
        }
    }
}
