import CaptureFile
import Glibc
import Testing

/// A file without a name, gone with this object.
final class ScratchFile {
    let descriptor: Int32

    init(_ bytes: [UInt8] = []) throws {
        var path = Array("/tmp/netlab-capture-XXXXXX".utf8CString)
        descriptor = mkstemp(&path)
        try #require(descriptor >= 0)
        unlink(path)
        try replace(bytes)
    }

    deinit {
        close(descriptor)
    }

    /// Makes these bytes the file's contents, and goes to its start.
    func replace(_ bytes: [UInt8]) throws {
        try #require(ftruncate(descriptor, 0) == 0)
        try #require(pwrite(descriptor, bytes, bytes.count, 0) == bytes.count)
        rewind()
    }

    /// Adds bytes at the end; the place for reading stays.
    func append(_ bytes: [UInt8]) throws {
        var status = stat()
        try #require(fstat(descriptor, &status) == 0)
        try #require(pwrite(descriptor, bytes, bytes.count, status.st_size) == bytes.count)
    }

    func rewind() {
        lseek(descriptor, 0, SEEK_SET)
    }

    var contents: [UInt8] {
        var status = stat()
        fstat(descriptor, &status)
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        let count = pread(descriptor, &bytes, bytes.count, 0)
        return Array(bytes.prefix(max(count, 0)))
    }
}

/// A packet with all that the file says of it.
struct ReadPacket: Hashable {
    var packet: CapturedPacket
    var bytes: [UInt8]
    var comments: [String]
}

/// A file read to its end, or to what is wrong with it.
struct ReadFile {
    var packets: [ReadPacket] = []
    var interfaces: [CaptureInterface] = []
    var ending: CaptureEnding?
    var error: CaptureFileError?

    init(_ bytes: [UInt8], bufferSize: Int = 4096) throws {
        let scratch = try ScratchFile(bytes)
        self.init(scratch.descriptor, bufferSize: bufferSize)
        withExtendedLifetime(scratch) {}
    }

    /// The descriptor is read from where it stands.
    init(_ descriptor: Int32, bufferSize: Int = 4096) {
        var reader = CaptureFileReader(descriptor: descriptor, bufferSize: bufferSize)
        do {
            try reader.readRest(into: &packets)
        } catch {
            self.error = error as? CaptureFileError
        }
        interfaces = reader.interfaces
        ending = reader.ending
    }
}

extension CaptureFileReader {
    /// Reads until the file's end; what came before an error is there too.
    mutating func readRest(into found: inout [ReadPacket]) throws {
        while let packet = try next() {
            found.append(ReadPacket(packet: packet, bytes: withBytes { $0.array }, comments: comments))
        }
    }
}

extension RawSpan {
    var array: [UInt8] { withUnsafeBytes { Array($0) } }
}

extension CaptureFileWriter {
    mutating func write(
        _ bytes: [UInt8], interface: Int = 0, timestamp: UInt64 = 0, originalLength: Int? = nil,
        direction: CaptureDirection? = nil, comments: [String] = [], droppedBefore: UInt64? = nil
    ) throws {
        try write(
            bytes.span.bytes, interface: interface, timestamp: timestamp, originalLength: originalLength,
            direction: direction, comments: comments, droppedBefore: droppedBefore)
    }
}

/// Puts together what the reader gets, in either byte order and right or wrong: knows nothing of the writer.
struct FileBytes {
    var isBigEndian = false
    var all: [UInt8] = []

    func number<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
        withUnsafeBytes(of: isBigEndian ? value.bigEndian : value.littleEndian) { Array($0) }
    }

    func option(_ code: UInt16, _ value: [UInt8]) -> [UInt8] {
        number(code) + number(UInt16(value.count)) + value + Array(repeating: 0, count: -value.count & 3)
    }

    mutating func block(_ type: UInt32, _ body: [UInt8]) {
        let length = number(UInt32(body.count + 12))
        all += number(type) + length + body + length
    }

    mutating func section(_ options: [UInt8] = [], major: UInt16 = 1) {
        block(
            0x0A0D_0D0A,
            number(0x1A2B_3C4D as UInt32) + number(major) + number(0 as UInt16) + number(-1 as Int64) + options)
    }

    mutating func interface(_ options: [UInt8] = [], linkType: UInt16 = 1, snapshotLength: UInt32 = 0) {
        block(1, number(linkType) + [0, 0] + number(snapshotLength) + options)
    }

    mutating func packet(
        _ bytes: [UInt8], interface: UInt32 = 0, ticks: UInt64 = 0, original: UInt32? = nil, captured: UInt32? = nil,
        options: [UInt8] = []
    ) {
        let times = number(UInt32(ticks >> 32)) + number(UInt32(truncatingIfNeeded: ticks))
        let lengths = number(captured ?? UInt32(bytes.count)) + number(original ?? UInt32(bytes.count))
        block(6, number(interface) + times + lengths + bytes + Array(repeating: 0, count: -bytes.count & 3) + options)
    }
}
