import NetworkTypes

/// What a packet is like, as far as the choice of its route goes.
public struct RouteQuery: Hashable, Sendable, Codable {
    public var destination: IPAddress
    public var source: IPAddress?
    /// Where the packet came in; nil for one that the namespace itself sends.
    public var inputInterface: InterfaceName?
    /// Where the packet must go out.
    public var outputInterface: InterfaceName?
    public var mark: UInt32
    /// The protocol's number (6 TCP, 17 UDP) and ports, of which multipath hashes may make use.
    public var `protocol`: UInt8?
    public var sourcePort: UInt16?
    public var destinationPort: UInt16?

    public init(
        destination: IPAddress, source: IPAddress? = nil, inputInterface: InterfaceName? = nil,
        outputInterface: InterfaceName? = nil, mark: UInt32 = 0, protocol: UInt8? = nil, sourcePort: UInt16? = nil,
        destinationPort: UInt16? = nil
    ) {
        self.destination = destination
        self.source = source
        self.inputInterface = inputInterface
        self.outputInterface = outputInterface
        self.mark = mark
        self.protocol = `protocol`
        self.sourcePort = sourcePort
        self.destinationPort = destinationPort
    }
}

/// The kernel's choice for one packet.
public struct ResolvedRoute: Hashable, Sendable, Codable {
    public var type: RouteType
    public var interface: InterfaceName?
    public var gateway: IPAddress?
    public var preferredSource: IPAddress?
    public var table: UInt32
    /// The destination of the route that matched; nil on kernels that do not tell (`RTM_F_FIB_MATCH`).
    public var prefix: IPPrefix?
    /// The path MTU in bytes, where the route or an ICMP message set one.
    public var mtu: Int?
}
