/// Reads a capture file from beginning to end, in memory that does not depend on the file's size.
///
/// Reads pcapng (draft-ietf-opsawg-pcapng) and classic pcap (pcap-savefile(5)), each in both byte orders; blocks and options
/// it does not know are passed over. A file may be read while it grows: after `next()` has returned nil, call it again.
///
///     var reader = CaptureFileReader(descriptor: file)
///     while let packet = try reader.next() {
///         reader.withBytes { bytes in … }
///     }
public struct CaptureFileReader: ~Copyable, Sendable {
    /// The largest block that is read, in bytes; Wireshark's limit too.
    public static let maximumBlockLength = 16 << 20
    /// How many interfaces a file may have; each takes memory.
    public static let maximumInterfaces = 65536

    /// The interfaces so far, of all sections in their order; more may come with every packet.
    public internal(set) var interfaces: [CaptureInterface] = []
    /// Where the file stopped when `next()` last returned nil.
    public private(set) var ending: CaptureEnding?

    var input: InputBuffer
    var format = Format.unknown
    var isSwapped = false
    /// One for each of `interfaces`.
    var units: [TimestampUnit] = []
    /// The index of the section's first interface.
    var sectionStart = 0
    var packets = 0
    /// The block that `next()` returned last; it is still in the buffer.
    var current = Block()
    private var failure: CaptureFileError?

    enum Format {
        case unknown, pcapng, classic
    }

    /// A block in the buffer, whose first byte is the buffer's first.
    struct Block {
        var type: UInt32 = 0
        var length = 0
        var packet: CapturedPacket?
        var packetBytes = 0..<0
        var options = 0..<0
    }

    /// - Parameter descriptor: an open file or pipe, which stays the caller's to close. One that does not block counts as ended
    ///   while it has nothing to read.
    /// - Parameter bufferSize: how many bytes are read at a time.
    public init(descriptor: Int32, bufferSize: Int = 1 << 18) {
        input = InputBuffer(descriptor: descriptor, capacity: max(bufferSize, 4096))
    }

    /// Goes on to the next packet.
    ///
    /// - Returns: Nil at the file's end: see `ending`.
    /// - Throws: What is wrong with the file and where; the same again on every further call.
    public mutating func next() throws(CaptureFileError) -> CapturedPacket? {
        while try nextBlock() {
            if let packet = current.packet { return packet }
        }
        return nil
    }

    /// Shows the captured bytes of the packet that `next()` returned last; none before the first and at the end.
    public func withBytes<T, E>(_ body: (RawSpan) throws(E) -> T) throws(E) -> T {
        try body(UnsafeRawBufferPointer(rebasing: input.bytes[current.packetBytes]).bytes)
    }

    /// The comments of the packet that `next()` returned last, in their order.
    public var comments: [String] {
        guard current.packet?.hasComments == true else { return [] }
        var found: [String] = []
        let fields = Fields(bytes: input.bytes, isSwapped: isSwapped)
        // The options were walked before: nothing is wrong with them.
        try? forEachOption(fields, current.options) { code, value throws(CaptureFileError) in
            if code == OptionCode.comment { found.append(fields.text(value)) }
        }
        return found
    }

    /// Goes on to the next block and takes in what it says.
    ///
    /// - Returns: False at the file's end.
    mutating func nextBlock() throws(CaptureFileError) -> Bool {
        if let failure { throw failure }
        input.consume(current.length)
        current = Block()
        do throws(CaptureFileError) {
            if format == .unknown, try !recognize() { return stop() }
            let isWhole = format == .classic ? try readClassicRecord() : try readBlock()
            guard isWhole else { return stop() }
            ending = nil
            return true
        } catch {
            failure = error
            current = Block()
            throw error
        }
    }

    private mutating func stop() -> Bool {
        current = Block()
        let rest = input.bytes.count
        ending = rest == 0 && format != .unknown ? .complete : .truncated(offset: input.offset, bytes: rest)
        return false
    }

    /// Finds out the format from the first four bytes, and reads a classic file's header.
    private mutating func recognize() throws(CaptureFileError) -> Bool {
        guard try input.require(4) else { return false }
        let magic: UInt32 = Fields(bytes: input.bytes, isSwapped: false).load(0)
        switch magic {
        case BlockType.section:
            // A section's header makes the file a capture only when it is whole.
            guard try input.require(BlockType.frameLength) else { return false }
            format = .pcapng
            return true
        case ClassicFormat.microseconds, ClassicFormat.nanoseconds, ClassicFormat.microseconds.byteSwapped,
            ClassicFormat.nanoseconds.byteSwapped:
            return try readClassicHeader(magic)
        default:
            throw CaptureFileError(
                .notACapture, "The file is neither pcapng nor pcap: it begins with \(hexadecimal: magic.bigEndian)",
                offset: 0)
        }
    }

    /// Something is wrong with the block that begins where the buffer does.
    func malformed(_ message: String, _ code: CaptureFileError.Code = .malformed) -> CaptureFileError {
        CaptureFileError(code, message, offset: input.offset)
    }
}

extension String.StringInterpolation {
    mutating func appendInterpolation(hexadecimal value: UInt32) {
        let digits = String(value, radix: 16, uppercase: true)
        appendLiteral("0x" + String(repeating: "0", count: 8 - digits.count) + digits)
    }
}
