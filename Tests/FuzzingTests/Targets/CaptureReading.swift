import CNftables
import CaptureFile
import Glibc

/// A capture file: read, and copied with a comment.
enum CaptureReading {
    static func read(_ bytes: [UInt8]) throws {
        let source = try MemoryFile(bytes)
        var reader = CaptureFileReader(descriptor: source.descriptor)
        var packets = 0
        var delivered = 0
        do throws(CaptureFileError) {
            while let packet = try reader.next() {
                packets += 1
                let length = reader.withBytes { $0.byteCount }
                guard length == packet.capturedLength else {
                    throw CaptureFileError(.malformed, "\(length) bytes of \(packet.capturedLength)", errno: EPROTO)
                }
                delivered += length
                _ = reader.comments
            }
        } catch {
            try require(error.errno == nil && error.offset ?? 0 <= UInt64(bytes.count), "\(error)")
            return
        }
        switch reader.ending {
        case .complete?: break
        case .truncated(let offset, let rest)?:
            try require(offset + UInt64(rest) == UInt64(bytes.count), "it ends at \(offset) + \(rest)")
        case nil: throw Violation(description: "no ending")
        }
        try require(delivered <= bytes.count, "\(delivered) bytes of \(bytes.count)")
        try copy(bytes, packets)
    }

    /// A copy has as many packets.
    private static func copy(_ bytes: [UInt8], _ packets: Int) throws {
        let source = try MemoryFile(bytes)
        let destination = try MemoryFile([])
        let comments = packets > 0 ? [packets: ["seen"]] : [:]
        do throws(CaptureFileError) {
            try CaptureFileAnnotator.copy(
                from: source.descriptor, to: destination.descriptor, adding: comments)
        } catch { return }
        destination.rewind()
        var reader = CaptureFileReader(descriptor: destination.descriptor)
        var copied = 0
        while try reader.next() != nil { copied += 1 }
        try require(copied == packets, "\(copied) of \(packets) packets were copied")
    }
}

/// A file that is nowhere but in memory.
struct MemoryFile: ~Copyable {
    let descriptor: Int32

    init(_ bytes: [UInt8]) throws(Violation) {
        descriptor = memfd_create("input", netlab_memfd_cloexec)
        guard descriptor >= 0, write(descriptor, bytes, bytes.count) == bytes.count else {
            throw Violation(description: "a file in memory: \(String(cString: strerror(errno)))")
        }
        rewind()
    }

    func rewind() {
        lseek(descriptor, 0, SEEK_SET)
    }

    deinit {
        close(descriptor)
    }
}
