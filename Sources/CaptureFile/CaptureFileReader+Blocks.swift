import NetworkTypes
import PacketFormats

/// The blocks of pcapng (draft-ietf-opsawg-pcapng, sections 3 and 4).
extension CaptureFileReader {
    mutating func readBlock() throws(CaptureFileError) -> Bool {
        guard try input.require(BlockType.frameLength) else { return false }
        var fields = Fields(bytes: input.bytes, isSwapped: isSwapped)
        // A section header's type reads alike in both byte orders; what follows tells which it is.
        if fields.load(0, as: UInt32.self) == BlockType.section { try readByteOrder(fields) }
        fields = Fields(bytes: input.bytes, isSwapped: isSwapped)
        let type: UInt32 = fields.load(0)
        let length = Int(fields.load(4, as: UInt32.self))
        guard length.isMultiple(of: 4) else { throw malformed("A block's length, \(length), is no multiple of 4") }
        guard length >= BlockType.frameLength else { throw malformed("A block's length, \(length), is less than 12") }
        guard length <= Self.maximumBlockLength else {
            throw malformed("A block of \(length) bytes is larger than \(Self.maximumBlockLength)", .tooLarge)
        }
        guard try input.require(length) else { return false }
        fields = Fields(bytes: UnsafeRawBufferPointer(rebasing: input.bytes[..<length]), isSwapped: isSwapped)
        let trailer = Int(fields.load(length - 4, as: UInt32.self))
        guard trailer == length else {
            throw malformed("A block's length is \(length) at its start and \(trailer) at its end")
        }
        current = Block(type: type, length: length)
        switch type {
        case BlockType.enhancedPacket: try readEnhancedPacket(fields)
        case BlockType.interface: try readInterface(fields)
        case BlockType.section: try readSection(fields)
        case BlockType.statistics: try readStatistics(fields)
        case BlockType.simplePacket: try readSimplePacket(fields)
        case BlockType.packet: try readObsoletePacket(fields)
        default: break
        }
        return true
    }

    private mutating func readByteOrder(_ fields: Fields) throws(CaptureFileError) {
        let magic = Fields(bytes: fields.bytes, isSwapped: false).load(8, as: UInt32.self)
        switch magic {
        case BlockType.byteOrderMagic: isSwapped = false
        case BlockType.byteOrderMagic.byteSwapped: isSwapped = true
        default: throw malformed("A section's byte-order magic is \(hexadecimal: magic.bigEndian)")
        }
    }

    private mutating func readSection(_ fields: Fields) throws(CaptureFileError) {
        try require(28, in: fields, "section header")
        let major: UInt16 = fields.load(12)
        guard major == 1 else { throw malformed("Version \(major) of pcapng is not known: 1 is", .unsupported) }
        try forEachOption(fields, 24..<(fields.bytes.count - 4)) { _, _ throws(CaptureFileError) in }
        sectionStart = interfaces.count
    }

    private mutating func readInterface(_ fields: Fields) throws(CaptureFileError) {
        try require(20, in: fields, "interface description")
        guard interfaces.count < Self.maximumInterfaces else {
            throw malformed("There are more than \(Self.maximumInterfaces) interfaces", .tooLarge)
        }
        var made = CaptureInterface(
            name: "", linkType: LinkType(rawValue: fields.load(8)),
            snapshotLength: Int(fields.load(12, as: UInt32.self)))
        var resolution: UInt8 = 6
        var offset: Int64 = 0
        try forEachOption(fields, 16..<(fields.bytes.count - 4)) { code, value throws(CaptureFileError) in
            switch code {
            case OptionCode.interfaceName: made.name = fields.text(value)
            case OptionCode.interfaceDescription: made.description = fields.text(value)
            case OptionCode.comment: made.mtu = made.mtu ?? CaptureInterface.mtu(inComment: fields.text(value))
            case OptionCode.interfaceFilter where !value.isEmpty && fields.bytes[value.lowerBound] == 0:
                made.filter = fields.text(value.dropFirst())
            case OptionCode.interfaceSpeed: made.speed = BitRate(bitsPerSecond: try number(fields, value, "if_speed"))
            case OptionCode.interfaceTimestampUnit: resolution = try number(fields, value, "if_tsresol")
            case OptionCode.interfaceTimestampOffset: offset = try number(fields, value, "if_tsoffset")
            default: break
            }
        }
        interfaces.append(made)
        units.append(TimestampUnit(resolution: resolution, offset: offset))
    }

    private mutating func readStatistics(_ fields: Fields) throws(CaptureFileError) {
        try require(24, in: fields, "interface statistics")
        let interface = try interface(fields.load(8, as: UInt32.self))
        let unit = units[interface]
        var made = CaptureStatistics()
        try forEachOption(fields, 20..<(fields.bytes.count - 4)) { code, value throws(CaptureFileError) in
            switch code {
            case OptionCode.statisticsStart: made.start = try date(fields, value, unit, "isb_starttime")
            case OptionCode.statisticsEnd: made.end = try date(fields, value, unit, "isb_endtime")
            case OptionCode.statisticsReceived: made.received = try number(fields, value, "isb_ifrecv")
            case OptionCode.statisticsInterfaceDrops: made.droppedByInterface = try number(fields, value, "isb_ifdrop")
            case OptionCode.statisticsSystemDrops: made.droppedBySystem = try number(fields, value, "isb_osdrop")
            default: break
            }
        }
        interfaces[interface].statistics = made
    }

    private mutating func readEnhancedPacket(_ fields: Fields) throws(CaptureFileError) {
        try require(32, in: fields, "packet")
        let interface = try interface(fields.load(8, as: UInt32.self))
        try readPacket(fields, interface: interface, isEnhanced: true)
    }

    /// Like an enhanced packet, but for a 16-bit interface and a 16-bit count of drops beside it.
    private mutating func readObsoletePacket(_ fields: Fields) throws(CaptureFileError) {
        try require(32, in: fields, "packet")
        let interface = try interface(UInt32(fields.load(8, as: UInt16.self)))
        try readPacket(fields, interface: interface, isEnhanced: false)
    }

    private mutating func readPacket(_ fields: Fields, interface: Int, isEnhanced: Bool) throws(CaptureFileError) {
        let end = fields.bytes.count - 4
        let captured = Int(fields.load(20, as: UInt32.self))
        guard captured <= end - 28 else {
            throw malformed("A packet's captured length, \(captured), is more than its block holds, \(end - 28)")
        }
        guard let timestamp = units[interface].nanoseconds(fields.loadHalves(12)) else {
            throw malformed("A packet's time is not between the years 1970 and 2554")
        }
        var packet = CapturedPacket(
            number: packets + 1, interface: interface, timestamp: timestamp,
            originalLength: Int(fields.load(24, as: UInt32.self)), capturedLength: captured)
        let options = (28 + padded(captured))..<end
        try forEachOption(fields, options) { code, value throws(CaptureFileError) in
            switch code {
            case OptionCode.comment: packet.hasComments = true
            case OptionCode.packetFlags:
                let flags: UInt32 = try number(fields, value, "epb_flags")
                packet.direction = CaptureDirection(rawValue: flags & 3)
            case OptionCode.packetDropCount where isEnhanced:
                packet.droppedBefore = try number(fields, value, "epb_dropcount")
            default: break
            }
        }
        packets += 1
        current.packet = packet
        current.packetBytes = 28..<(28 + captured)
        current.options = options
    }

    /// A packet of the section's first interface, without time or options.
    private mutating func readSimplePacket(_ fields: Fields) throws(CaptureFileError) {
        try require(16, in: fields, "simple packet")
        let interface = try interface(0)
        let original = Int(fields.load(8, as: UInt32.self))
        let limit = interfaces[interface].snapshotLength
        let captured = limit == 0 ? original : min(original, limit)
        let held = fields.bytes.count - 16
        guard captured <= held else {
            throw malformed("A packet's captured length, \(captured), is more than its block holds, \(held)")
        }
        packets += 1
        current.packet = CapturedPacket(
            number: packets, interface: interface, timestamp: 0, originalLength: original, capturedLength: captured)
        current.packetBytes = 12..<(12 + captured)
    }

    /// Walks a block's options.
    ///
    /// - Parameter body: gets an option's code and the place of its value.
    func forEachOption(
        _ fields: Fields, _ range: Range<Int>,
        _ body: (_ code: UInt16, _ value: Range<Int>) throws(CaptureFileError) -> Void
    ) throws(CaptureFileError) {
        var place = range.lowerBound
        // Blocks and options are whole words, so no part of an option is left over.
        while place < range.upperBound {
            let code: UInt16 = fields.load(place)
            let length = Int(fields.load(place + 2, as: UInt16.self))
            guard code != OptionCode.end else { return }
            guard length <= range.upperBound - place - 4 else {
                throw malformed("Option \(code) with \(length) bytes goes beyond its block's end")
            }
            try body(code, (place + 4)..<(place + 4 + length))
            place += 4 + padded(length)
        }
    }

    private func require(_ length: Int, in fields: Fields, _ name: String) throws(CaptureFileError) {
        guard fields.bytes.count >= length else {
            throw malformed("A block of type \(name) has \(fields.bytes.count) bytes and needs \(length)")
        }
    }

    /// The index in `interfaces` of the section's interface with this number.
    private func interface(_ number: UInt32) throws(CaptureFileError) -> Int {
        guard Int(number) < interfaces.count - sectionStart else {
            throw malformed(
                "A block is of interface \(number), and its section has described \(interfaces.count - sectionStart)")
        }
        return sectionStart + Int(number)
    }

    private func number<T: FixedWidthInteger & BitwiseCopyable>(
        _ fields: Fields, _ value: Range<Int>, _ name: String
    ) throws(CaptureFileError) -> T {
        guard value.count == MemoryLayout<T>.size else {
            throw malformed("Option \(name) has \(value.count) bytes and needs \(MemoryLayout<T>.size)")
        }
        return fields.load(value.lowerBound)
    }

    private func date(
        _ fields: Fields, _ value: Range<Int>, _ unit: TimestampUnit, _ name: String
    ) throws(CaptureFileError) -> UInt64? {
        guard value.count == 8 else { throw malformed("Option \(name) has \(value.count) bytes and needs 8") }
        return unit.nanoseconds(fields.loadHalves(value.lowerBound))
    }
}
