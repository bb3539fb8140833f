import CNetlink
import NetworkTypes

/// One message from the kernel: a bounds-checked copy, in no memory of libnl's.
struct Reply {
    let type: Int
    let flags: Int32
    let sequence: UInt32
    let payload: ArraySlice<UInt8>

    /// The payload's fixed header and the attributes that follow it; nil where the payload is too short for the header.
    func split<Header: KernelStructure>(_: Header.Type = Header.self) -> (header: Header, attributes: Attributes)? {
        guard payload.count >= MemoryLayout<Header>.size else { return nil }
        return (Header(copying: payload), Attributes(payload.dropFirst(aligned(MemoryLayout<Header>.size))))
    }

    /// Cuts one datagram into its messages; a message that claims more bytes than there are ends the list.
    static func all(in datagram: [UInt8]) -> [Reply] {
        var replies: [Reply] = []
        var rest = datagram[...]
        let size = MemoryLayout<nlmsghdr>.size
        while rest.count >= size {
            let header = nlmsghdr(copying: rest)
            let length = Int(header.nlmsg_len)
            guard length >= size, length <= rest.count else { break }
            replies.append(
                Reply(
                    type: Int(header.nlmsg_type), flags: Int32(header.nlmsg_flags), sequence: header.nlmsg_seq,
                    payload: rest.prefix(length).dropFirst(size)))
            rest = rest.dropFirst(aligned(length))
        }
        return replies
    }
}

/// Netlink attributes in their order; whatever is malformed ends the list.
struct Attributes {
    let all: [(type: Int, value: Attribute)]

    init(_ bytes: ArraySlice<UInt8>) {
        var all: [(type: Int, value: Attribute)] = []
        var rest = bytes
        while let length = rest.integer(UInt16.self), let type = rest.dropFirst(2).integer(UInt16.self) {
            guard length >= 4, Int(length) <= rest.count else { break }
            // The two top bits say "nested" and "network byte order": no part of the number (linux/netlink.h).
            all.append((Int(type & 0x3FFF), Attribute(bytes: rest.prefix(Int(length)).dropFirst(4))))
            rest = rest.dropFirst(aligned(Int(length)))
        }
        self.all = all
    }

    subscript(_ type: some NetlinkNumber) -> Attribute? {
        let number = Int(type.number)
        return all.first { $0.type == number }?.value
    }
}

/// One attribute's value. Every accessor is nil where there are too few bytes.
struct Attribute {
    let bytes: ArraySlice<UInt8>

    func integer<Value: FixedWidthInteger>(_: Value.Type = Value.self) -> Value? {
        bytes.integer(Value.self)
    }

    /// The text up to C's terminator.
    var text: String { String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self) }

    /// An address, its family told by its size.
    var address: IPAddress? { IPAddress(bytes: bytes) }

    var nested: Attributes { Attributes(bytes) }

    func structure<Structure: KernelStructure>(_: Structure.Type = Structure.self) -> Structure? {
        bytes.count >= MemoryLayout<Structure>.size ? Structure(copying: bytes) : nil
    }
}

extension ArraySlice<UInt8> {
    /// The integer, in the host's byte order, that the slice begins with.
    func integer<Value: FixedWidthInteger>(_: Value.Type = Value.self) -> Value? {
        guard count >= MemoryLayout<Value>.size else { return nil }
        return withUnsafeBytes { $0.loadUnaligned(as: Value.self) }
    }
}

/// Netlink pads messages and attributes to four bytes.
func aligned(_ length: Int) -> Int { (length + 3) & ~3 }
