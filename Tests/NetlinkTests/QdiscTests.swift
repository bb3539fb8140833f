import Glibc
import Netlink
import NetworkTypes
import Testing

@Suite struct QdiscTests {
    static let settings = [
        NetemSettings(delay: .microseconds(2500), rate: BitRate(bitsPerSecond: 500_000_000)),
        NetemSettings(delay: .nanoseconds(1_234_567_891), jitter: .microseconds(333), limit: 12),
        NetemSettings(loss: "0.03%", duplicate: "1%", corrupt: "100%"),
        NetemSettings(delay: .milliseconds(44), reorder: "25%", rate: BitRate(bitsPerSecond: 100_000_000_000)),
    ]

    @Test(arguments: settings) func `Netem reads back exactly`(_ settings: NetemSettings) throws {
        let lab = try TestNamespace.withDummy()
        try lab.socket.setNetem(NetemSettings(delay: .seconds(1)), on: "d0")
        try lab.socket.setNetem(settings, on: "d0")
        let queue = try #require(try lab.socket.qdiscs().first { $0.interface == "d0" && $0.isRoot })
        #expect(queue.kind == "netem" && queue.netem == settings && queue.sentPackets == 0)
        try lab.socket.removeQdisc(on: "d0")
        #expect(try !lab.socket.qdiscs().contains { $0.kind == "netem" })
        #expect(try error { try lab.socket.removeQdisc(on: "d0") }.errno == ENOENT)
    }

    /// What a queue is not told it keeps: every setting has to be told.
    @Test(arguments: settings) func `Nothing is left of former settings`(_ settings: NetemSettings) throws {
        let lab = try TestNamespace.withDummy()
        let plain = NetemSettings(delay: .microseconds(550), rate: BitRate(bitsPerSecond: 1_000_000_000))
        try lab.socket.setNetem(plain, on: "d0")
        try lab.socket.setNetem(settings, on: "d0")
        try lab.socket.setNetem(plain, on: "d0")
        #expect(try lab.socket.qdiscs().first { $0.interface == "d0" && $0.isRoot }?.netem == plain)
    }

    @Test func `Bad settings are refused`() throws {
        let lab = try TestNamespace.withDummy()
        #expect(try error { try lab.socket.setNetem(NetemSettings(delay: .seconds(-1)), on: "d0") }.errno == EINVAL)
        #expect(try error { try lab.socket.setNetem(NetemSettings(limit: 0), on: "d0") }.errno == EINVAL)
        #expect(try error { try lab.socket.setNetem(NetemSettings(), on: "none") }.errno == ENODEV)
    }
}
