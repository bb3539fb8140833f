import Glibc

/// The part of a file that is being read: one buffer, used again and again.
struct InputBuffer: ~Copyable, @unchecked Sendable {
    // Sendable: the memory has one owner, this value, which cannot be copied.
    private let descriptor: Int32
    private var storage: UnsafeMutableRawBufferPointer
    private var start = 0
    private var end = 0
    /// Where in the file `bytes` begins.
    private(set) var offset: UInt64 = 0

    init(descriptor: Int32, capacity: Int) {
        self.descriptor = descriptor
        storage = .allocate(byteCount: capacity, alignment: 16)
    }

    deinit {
        storage.deallocate()
    }

    /// What has been read and not been consumed. Valid until the next call that changes the buffer.
    var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: storage[start..<end])
    }

    mutating func consume(_ count: Int) {
        start += count
        offset += UInt64(count)
    }

    /// Reads until at least `count` bytes are there.
    ///
    /// - Returns: False where the file ends before, for now.
    @inline(__always)
    mutating func require(_ count: Int) throws(CaptureFileError) -> Bool {
        if end - start >= count { return true }
        return try fill(count)
    }

    private mutating func fill(_ count: Int) throws(CaptureFileError) -> Bool {
        makeRoom(for: count)
        while end - start < count {
            let result = read(descriptor, storage.baseAddress.map { $0 + end }, storage.count - end)
            switch result {
            case 1...: end += result
            case 0: return false
            default:
                switch errno {
                case EINTR: continue
                case EAGAIN: return false
                default:
                    throw CaptureFileError(
                        .unreadable, "The capture file cannot be read", offset: offset + UInt64(end - start),
                        errno: errno)
                }
            }
        }
        return true
    }

    private mutating func makeRoom(for count: Int) {
        guard storage.count - start < count else { return }
        let rest = bytes
        if storage.count < count {
            let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: max(count, storage.count * 2), alignment: 16)
            larger.copyMemory(from: rest)
            storage.deallocate()
            storage = larger
        } else {
            storage.copyMemory(from: rest)
        }
        end -= start
        start = 0
    }
}
