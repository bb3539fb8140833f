import LabModel
import NetworkTypes
import Testing

/// Static routes into tunnels: those that stay, those that follow their tunnel, and what they must not do.
@Suite struct TunnelRouteTests {
    private static let router = "router: {address: 10.0.1.1, interface: vpn1, inside: 169.254.1.1/30, startup: listen"
    private static let idle = "router: {address: 10.0.0.1, interface: vpn2, inside: 169.254.2.1/30"

    private func resolve(_ changes: (String, String)...) throws -> Topology {
        try BrokenLab.resolve(
            changes.reduce(BrokenLab.text) { $0.replacing($1.0, with: $1.1, maxReplacements: 1) }
        ).topology
    }

    @Test func `Routes stay unless they are told to follow`() throws {
        let plain = try resolve((Self.router, Self.router + ", routes: 10.7.0.0/16"))
        let end = try #require(plain.tunnel(named: "main")?.ends.first)
        #expect(end.routes.map(\.description) == ["10.7.0.0/16"] && end.withdrawal == .never && end.metric == 0)
        let following = try resolve(
            (Self.router, Self.router + ", routes: [10.7.0.0/16, 10.8.0.0/16], withdraw: when-down, metric: 7"))
        let follower = try #require(following.tunnel(named: "main")?.ends.first)
        #expect(follower.routes.map(\.description) == ["10.7.0.0/16", "10.8.0.0/16"])
        #expect(follower.withdrawal == .whenDown && follower.metric == 7)
    }

    @Test func `Tunnels share a prefix that both withdraw`() throws {
        let more = ", routes: 10.7.0.0/16, withdraw: when-down"
        let lab = try resolve((Self.router, Self.router + more), (Self.idle, Self.idle + more))
        #expect(
            lab.tunnelEnds(of: "router").map { $0.end.routes.map(\.description) } == [["10.7.0.0/16"], ["10.7.0.0/16"]])
    }

    /// Each end looks for its peer in its own way, or in the tunnel's.
    @Test func `Dead peer detection of one end`() throws {
        let lab = try resolve((Self.router, Self.router + ", dpd: {delay: 15s, timeout: 45s}"))
        let tunnel = try #require(lab.tunnel(named: "main"))
        #expect(tunnel.ends.map { $0.deadPeerDetection?.timeout } == [.seconds(45), .seconds(30)])
        #expect(tunnel.ends.map { $0.deadPeerDetection?.delay } == [.seconds(15), .seconds(10)])
    }

    @Test(arguments: [
        BrokenLab(
            router, router + ", withdraw: when-down§", "tunnels.main.ends.router has no routes to withdraw",
            "Add `routes: PREFIX`"),
        BrokenLab(
            router, router + ", routes: 10.7.0.0/16, withdraw: sometimes§",
            "\"sometimes\" is not one of the route withdrawals", "Known route withdrawals: never, when-down"),
        BrokenLab(
            router, router + ", routes: 10.7.0.0/16, metric: 5§",
            "tunnels.main.ends.router.metric: a route that stays for ever", "Add `withdraw: when-down`"),
        BrokenLab(
            router, router + ", routes: 10.7.0.0/16, withdraw: when-down, metric: low§",
            "\"low\" is not a route's metric", "the smallest is used"),
        BrokenLab(
            router, router + ", routes: [10.7.0.0/16, §10.7.0.0/16]",
            "tunnels.main.ends.router: 10.7.0.0/16 leads into main already, in line 34", "remove one"),
        BrokenLab(
            router, router + ", routes: 10.9.0.0/16§",
            "nodes.router has a route to 10.9.0.0/16 of its own, in line 14, besides the one into main",
            "Keep one of them"),
        BrokenLab(
            "vm: {config", "vm: {dpd: {delay: 10s, timeout: 30s}§, config",
            "tunnels.own.ends.vm.dpd is not used: the end brings its own configuration", "dpddelay="),
        BrokenLab(
            router, router + ", dpd: {delay: 10s, timeout: 5s}§",
            "tunnels.main.ends.router.dpd: the timeout 5s is not after the delay 10s", "longer than the delay"),
    ])
    func `Wrong`(_ broken: BrokenLab) throws {
        try broken.expectOnlyDiagnostic()
    }

    /// One that stays would always be used.
    @Test func `One that stays and one that does not`() throws {
        let text = BrokenLab.text.replacing(Self.router, with: Self.router + ", routes: 10.7.0.0/16")
        try BrokenLab(
            text: text.replacing(Self.idle, with: Self.idle + ", routes: 10.7.0.0/16, withdraw: when-down§"),
            "tunnels.idle.ends.router: 10.7.0.0/16 leads into main already", "Set `withdraw: when-down` at both"
        ).expectOnlyDiagnostic()
    }
}
