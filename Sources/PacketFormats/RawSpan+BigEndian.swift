import NetworkTypes

extension RawSpan {
    /// Reads integers in network byte order; like the span's own loads, these trap outside of it, so that a decoder
    /// first compares `byteCount` with what its header needs.
    @inline(__always)
    private func load<Value: FixedWidthInteger & BitwiseCopyable>(_ offset: Int, as type: Value.Type) -> Value {
        Value(bigEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: type))
    }

    @inline(__always) func uint8(at offset: Int) -> UInt8 { load(offset, as: UInt8.self) }
    @inline(__always) func uint16(at offset: Int) -> UInt16 { load(offset, as: UInt16.self) }
    @inline(__always) func uint32(at offset: Int) -> UInt32 { load(offset, as: UInt32.self) }
    @inline(__always) func uint64(at offset: Int) -> UInt64 { load(offset, as: UInt64.self) }

    @inline(__always) func ipv4Address(at offset: Int) -> IPv4Address { IPv4Address(rawValue: uint32(at: offset)) }

    @inline(__always) func ipv6Address(at offset: Int) -> IPv6Address {
        IPv6Address(high: uint64(at: offset), low: uint64(at: offset + 8))
    }

    @inline(__always) func macAddress(at offset: Int) -> MACAddress {
        MACAddress(rawValue: UInt64(uint16(at: offset)) << 32 | UInt64(uint32(at: offset + 2)))
    }

    /// Fails with `shortHeader` where there are fewer bytes.
    @inline(__always)
    func require(_ count: Int) throws(Malformation) {
        guard byteCount >= count else { throw .shortHeader }
    }
}
