/// Which way a packet went, as seen from the interface.
public enum CaptureDirection: UInt32, Hashable, Sendable {
    case inbound = 1
    case outbound = 2
}

/// What a capture file says of a packet, beside its bytes.
public struct CapturedPacket: Hashable, Sendable {
    /// Its place among the file's packets: 1 or more, as Wireshark numbers them.
    public var number: Int
    /// An index into `CaptureFileReader.interfaces`.
    public var interface: Int
    /// In nanoseconds, since 1970 or since the start of the clock that was used; 0 where the file has no time for it.
    public var timestamp: UInt64
    /// Its length on the wire, in bytes from its link's header on.
    public var originalLength: Int
    /// How many of its bytes the file holds.
    public var capturedLength: Int
    public var direction: CaptureDirection?
    /// Packets lost between the interface's packet before and this one.
    public var droppedBefore: UInt64?
    public var hasComments: Bool

    public init(
        number: Int, interface: Int, timestamp: UInt64, originalLength: Int, capturedLength: Int,
        direction: CaptureDirection? = nil, droppedBefore: UInt64? = nil, hasComments: Bool = false
    ) {
        self.number = number
        self.interface = interface
        self.timestamp = timestamp
        self.originalLength = originalLength
        self.capturedLength = capturedLength
        self.direction = direction
        self.droppedBefore = droppedBefore
        self.hasComments = hasComments
    }
}

/// Where a capture file stops, for now: more may follow while it is being written.
public enum CaptureEnding: Hashable, Sendable {
    /// After a whole block.
    case complete
    /// Within a block, or before the first: it begins at `offset`, and `bytes` of it are there.
    case truncated(offset: UInt64, bytes: Int)
}
