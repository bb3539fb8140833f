/// The numbers of the pcapng draft (draft-ietf-opsawg-pcapng), sections 3 and 4.
enum BlockType {
    static let section: UInt32 = 0x0A0D_0D0A
    static let interface: UInt32 = 1
    /// Obsolete: appendix A.
    static let packet: UInt32 = 2
    static let simplePacket: UInt32 = 3
    static let statistics: UInt32 = 5
    static let enhancedPacket: UInt32 = 6

    static let byteOrderMagic: UInt32 = 0x1A2B_3C4D
    /// Type, length, and the length again.
    static let frameLength = 12
}

/// Option codes; the same number means different things in different blocks.
enum OptionCode {
    static let end: UInt16 = 0
    static let comment: UInt16 = 1

    static let sectionHardware: UInt16 = 2
    static let sectionOperatingSystem: UInt16 = 3
    static let sectionApplication: UInt16 = 4

    static let interfaceName: UInt16 = 2
    static let interfaceDescription: UInt16 = 3
    static let interfaceSpeed: UInt16 = 8
    static let interfaceTimestampUnit: UInt16 = 9
    static let interfaceFilter: UInt16 = 11
    static let interfaceTimestampOffset: UInt16 = 14

    static let packetFlags: UInt16 = 2
    static let packetDropCount: UInt16 = 4

    static let statisticsStart: UInt16 = 2
    static let statisticsEnd: UInt16 = 3
    static let statisticsReceived: UInt16 = 4
    static let statisticsInterfaceDrops: UInt16 = 5
    static let statisticsSystemDrops: UInt16 = 7
}

/// The classic format's numbers (pcap-savefile(5)).
enum ClassicFormat {
    static let microseconds: UInt32 = 0xA1B2_C3D4
    static let nanoseconds: UInt32 = 0xA1B2_3C4D
    static let headerLength = 24
    static let recordHeaderLength = 16
}

/// A length rounded up to whole words of 32 bits.
func padded(_ length: Int) -> Int {
    (length + 3) & ~3
}

/// Bytes with numbers in the file's byte order. Valid only while the buffer stays as it is.
struct Fields {
    let bytes: UnsafeRawBufferPointer
    /// Whether the file's byte order is not this machine's.
    let isSwapped: Bool

    /// The number at an offset, which the caller has found to be within the bytes.
    @inline(__always)
    func load<T: FixedWidthInteger & BitwiseCopyable>(_ offset: Int, as type: T.Type = T.self) -> T {
        precondition(offset >= 0 && offset <= bytes.count - MemoryLayout<T>.size)
        let value = bytes.loadUnaligned(fromByteOffset: offset, as: T.self)
        return isSwapped ? value.byteSwapped : value
    }

    /// A timestamp or a date: the upper half first, each in the file's byte order.
    func loadHalves(_ offset: Int) -> UInt64 {
        UInt64(load(offset, as: UInt32.self)) << 32 | UInt64(load(offset + 4, as: UInt32.self))
    }

    func text(_ range: Range<Int>) -> String {
        String(decoding: bytes[range], as: UTF8.self)
    }
}
