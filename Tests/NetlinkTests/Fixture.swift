import Netlink
import NetworkTypes
import Testing

/// A namespace of one test's own, with its netlink socket; gone when the test ends.
struct TestNamespace {
    let namespace: NetworkNamespace
    let socket: NetlinkSocket
    /// The loopback, and the tunnel devices that some kernels put in every namespace (tunl0, sit0...).
    private let initial: Set<InterfaceName>

    init() throws {
        namespace = try NetworkNamespace.create()
        socket = try NetlinkSocket(in: namespace)
        initial = Set(try socket.links().map(\.name))
    }

    /// The interfaces that the test made.
    func madeLinks() throws -> [LinkInfo] {
        try socket.links().filter { !initial.contains($0.name) }
    }

    /// With a dummy interface that is up and has 10.1.1.2/24 and 2001:db8:1::2/64.
    static func withDummy() throws -> TestNamespace {
        let made = try TestNamespace()
        try made.socket.createDummy(name: "d0")
        try made.socket.setUp("d0")
        try made.socket.addAddress("10.1.1.2/24", to: "d0")
        try made.socket.addAddress("2001:db8:1::2/64", to: "d0")
        return made
    }
}

// Test data are literals, so that a wrong one fails loudly where it stands.
protocol TextLiteral: ExpressibleByStringLiteral, LosslessStringConvertible where StringLiteralType == String {}
extension TextLiteral {
    public init(stringLiteral text: String) {
        guard let value = Self(text) else { preconditionFailure("\(text) is no \(Self.self)") }
        self = value
    }
}
extension InterfaceName: TextLiteral {}
extension IPPrefix: TextLiteral {}
extension IPAddress: TextLiteral {}
extension IPv4Address: TextLiteral {}
extension IPv6Address: TextLiteral {}
extension InterfaceAddress: TextLiteral {}
extension MACAddress: TextLiteral {}
extension BitRate: TextLiteral {}
extension Percentage: TextLiteral {}

/// Runs a body that must throw a `NetlinkError`, and returns it.
func error(_ location: SourceLocation = #_sourceLocation, from body: () throws -> Void) throws -> NetlinkError {
    try #require(throws: NetlinkError.self, sourceLocation: location) { try body() }
}
