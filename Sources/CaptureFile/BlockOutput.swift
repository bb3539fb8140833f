import Glibc

/// Puts together blocks in a buffer, and writes the buffer when it is full.
struct BlockOutput: ~Copyable {
    private let descriptor: Int32
    private let capacity: Int
    private var bytes: [UInt8] = []
    private var blockStart = 0
    private var failure: CaptureFileError?
    /// Whether numbers are put in the byte order that is not this machine's.
    var isSwapped = false

    init(descriptor: Int32, capacity: Int) {
        self.descriptor = descriptor
        self.capacity = capacity
        bytes.reserveCapacity(capacity + 4096)
    }

    /// Adds a block, with its length before and after.
    mutating func block(
        _ type: UInt32, _ body: (inout BlockOutput) throws(CaptureFileError) -> Void
    ) throws(CaptureFileError) {
        if let failure { throw failure }
        blockStart = bytes.count
        put(type)
        put(0 as UInt32)
        do throws(CaptureFileError) {
            try body(&self)
            guard bytes.count - blockStart + 4 <= CaptureFileReader.maximumBlockLength else {
                throw CaptureFileError(
                    .tooLarge, "A block would be larger than \(CaptureFileReader.maximumBlockLength) bytes")
            }
        } catch {
            // A refused block leaves no trace.
            bytes.removeSubrange(blockStart...)
            throw error
        }
        let length = UInt32(bytes.count - blockStart + 4)
        put(length)
        withUnsafeBytes(of: isSwapped ? length.byteSwapped : length) { source in
            bytes.withUnsafeMutableBytes { $0[(blockStart + 4)..<(blockStart + 8)].copyBytes(from: source) }
        }
        if bytes.count >= capacity { try flush() }
    }

    /// Adds a whole block as it is.
    mutating func copy(_ block: UnsafeRawBufferPointer) throws(CaptureFileError) {
        if let failure { throw failure }
        bytes.append(contentsOf: block)
        if bytes.count >= capacity { try flush() }
    }

    mutating func put<T: FixedWidthInteger & BitwiseCopyable>(_ value: T) {
        withUnsafeBytes(of: isSwapped ? value.byteSwapped : value) { bytes.append(contentsOf: $0) }
    }

    mutating func putHalves(_ value: UInt64) {
        put(UInt32(truncatingIfNeeded: value >> 32))
        put(UInt32(truncatingIfNeeded: value))
    }

    /// Adds bytes, and zeros up to a whole word.
    mutating func put(padded source: UnsafeRawBufferPointer) {
        bytes.append(contentsOf: source)
        for _ in source.count..<padded(source.count) { bytes.append(0) }
    }

    mutating func option<T: FixedWidthInteger & BitwiseCopyable>(_ code: UInt16, _ value: T) {
        put(code)
        put(UInt16(MemoryLayout<T>.size))
        put(value)
        for _ in MemoryLayout<T>.size..<padded(MemoryLayout<T>.size) { bytes.append(0) }
    }

    mutating func optionHalves(_ code: UInt16, _ value: UInt64) {
        put(code)
        put(8 as UInt16)
        putHalves(value)
    }

    mutating func option(_ code: UInt16, text: String) throws(CaptureFileError) {
        var text = text
        let length = text.utf8.count
        guard let size = UInt16(exactly: length) else {
            throw CaptureFileError(.tooLarge, "A text of \(length) bytes does not fit into an option: 65535 do")
        }
        put(code)
        put(size)
        text.withUTF8 { put(padded: UnsafeRawBufferPointer($0)) }
    }

    mutating func endOfOptions() {
        put(OptionCode.end)
        put(0 as UInt16)
    }

    /// Writes what is in the buffer.
    ///
    /// - Throws: `unwritable`; the same again on every further call, for the file may end within a block.
    mutating func flush() throws(CaptureFileError) {
        if let failure { throw failure }
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress.map { $0 + done }, $0.count - done) }
            if count >= 0 {
                done += count
            } else if errno != EINTR {
                let error = CaptureFileError(.unwritable, "The capture file cannot be written", errno: errno)
                failure = error
                throw error
            }
        }
        bytes.removeAll(keepingCapacity: true)
    }
}
