import NetworkTypes
import Providers

// The file's text: a page, with a comment wherever there is something to change.
extension LabDraft {
    func text(_ proposal: Proposal, mtu: Int, timers: (keepalive: Duration, hold: Duration)?) -> String {
        let titles = sides.map { $0.provider?.title ?? "A site of one's own" }
        let what = "\(tunnels) tunnel\(tunnels == 1 ? "" : "s") \(routing.words)"
        var lines = [
            "# \(titles.joined(separator: " and ")): \(what). Made by `netlab new`; all of it may be changed.",
            "#", "#   netlab up \(name)/lab.yaml",
            "#   netlab check \(name)    what must hold is derived, unless `expect:` says it",
            "#   netlab test \(name)     so are the failures to play, unless `scenarios:` has them", "name: \(name)",
            "title: \(titles.joined(separator: " and ")), \(what)", "", "clouds:",
        ]
        for (side, title) in zip(sides, titles) {
            let provider = side.provider.map { ", provider: \($0.name)" } ?? ""
            lines.append("  \(side.name): {title: \(title)\(provider)}")
        }
        lines += ["  internet: {title: Internet}", "", "nodes:"]
        for (place, side) in sides.enumerated() {
            lines += [
                "  \(side.name)-host: {cloud: \(side.name), role: instance, routes: {0.0.0.0/0: \(Self.inside(place)).1}}",
                "  \(side.name)-gw: {cloud: \(side.name), role: router, routes: {0.0.0.0/0: \(Self.outside(place)).1}}",
            ]
        }
        lines += [
            "  internet: {cloud: internet, role: router}", "",
            "# Public addresses are those of RFC 5737; delays and rates are made up (1 Gbit/s unless `rate:` says otherwise).",
            "links:",
        ]
        for (place, side) in sides.enumerated() {
            let name = side.name
            let addresses = (0..<addressCount(of: side)).map { "\(Self.outside(place)).\(2 + $0)/24" }
            let own = addresses.count == 1 ? addresses[0] : "[\(addresses.joined(separator: ", "))]"
            lines += [
                "  \(name)-lan: {ends: {\(name)-host:eth0: \(Self.inside(place)).10/24, \(name)-gw:lan: \(Self.inside(place)).1/24}}",
                "  \(name)-wan: {ends: {\(name)-gw:wan: \(own), internet:\(name): \(Self.outside(place)).1/24}, delay: 1ms}",
            ]
        }
        lines += tunnelLines(proposal, mtu: mtu)
        if routing == .bgp { lines += sessionLines(timers) }
        let (first, second) = (sides[0].name, sides[1].name)
        lines += [
            "", "probes:", "  workload: {from: \(first)-host, to: \(second)-host}",
            "  workload-back: {from: \(second)-host, to: \(first)-host}",
        ]
        return lines.joined(separator: "\n") + "\n"
    }

    // MARK: Tunnels

    private func tunnelLines(_ proposal: Proposal, mtu: Int) -> [String] {
        var lines = [
            "",
            "# Lifetimes, dead peer detection's action and BGP's timers are the providers', where nothing is written.",
            "tunnels:",
        ]
        for number in 1...tunnels {
            lines.append("  \(tunnel(number)):" + (number == 1 && tunnels > 1 ? " &tunnel" : ""))
            if number > 1 { lines.append("    <<: *tunnel") }
            // A key of its own for each: letters and digits are what every provider takes.
            lines.append("    psk: Example\(name.replacing("-", with: ""))\(number)")
            if number == 1 {
                lines += [
                    "    ike: {\(proposal.ike)\(lifetime(.ikeLifetime))}",
                    "    esp: {\(proposal.esp)\(lifetime(.espLifetime))}",
                    "    dpd: {delay: 10s, timeout: \(patience.exactSeconds)}",
                ]
                if routing == .policies {
                    let pairs = sides.enumerated().map { "\($1.name)-gw: \(Self.inside($0)).0/24" }
                    lines.append("    selectors: {\(pairs.joined(separator: ", "))}")
                } else {
                    lines.append("    mtu: \(mtu)")
                }
                lines.append("    mss: clamp-to-pmtu")
            }
            lines.append("    ends:")
            for place in sides.indices { lines.append("      \(end(number, at: place))") }
        }
        return lines
    }

    private func tunnel(_ number: Int) -> String { "vpn-\(number)" }

    private func end(_ number: Int, at place: Int) -> String {
        let side = sides[place]
        let last = 2 + (addressCount(of: side) > 1 ? number - 1 : 0)
        var fields = ["address: \(Self.outside(place)).\(last)"]
        if routing != .policies {
            fields += ["interface: vpn\(number)", "inside: \(Self.within(number, place))/30"]
        }
        if routing == .fixed {
            fields += ["routes: \(Self.inside(1 - place)).0/24", "withdraw: when-down"]
        }
        // Providers' gateways wait to be asked, unless a setting says otherwise.
        if place == listener { fields.append("startup: listen") }
        return "\(side.name)-gw: {\(fields.joined(separator: ", "))}"
    }

    /// The second side, unless the first alone never begins.
    private var listener: Int {
        sides.lastIndex { $0.provider?.rule("responder-only") != nil } ?? 1
    }

    /// Where providers differ, the shorter time is within both one's limits.
    private func lifetime(_ key: ProviderDefault.Key) -> String {
        let standards = Set(sides.compactMap { $0.provider?.standard(key)?.duration })
        return standards.count > 1 ? standards.min().map { ", lifetime: \($0.exactSeconds)" } ?? "" : ""
    }

    /// How long a silent peer is waited for: the longest that a provider has by itself.
    private var patience: Duration {
        sides.compactMap { $0.provider?.standard(.dpdTimeout)?.duration }.max() ?? .seconds(30)
    }

    // MARK: Sessions

    private func sessionLines(_ timers: (keepalive: Duration, hold: Duration)?) -> [String] {
        let numbers = asns
        let speakers = sides.indices.map { place -> String in
            var fields = ["asn: \(numbers[place])", "advertise: \(Self.inside(place)).0/24"]
            if let timers {
                fields += ["keepalive: \(timers.keepalive.exactSeconds)", "hold: \(timers.hold.exactSeconds)"]
            }
            return "      \(sides[place].name)-gw: {\(fields.joined(separator: ", "))}"
        }
        let first = [
            "", "bgp:", "  \(tunnel(1)):", "    over: \(tunnel(1))",
            "    speakers:" + (tunnels > 1 ? " &speakers" : ""),
        ]
        return first + speakers
            + (1...tunnels).dropFirst().map { "  \(tunnel($0)): {over: \(tunnel($0)), speakers: *speakers}" }
    }

    /// A provider's own, and private ones (RFC 6996) for a site, and where both sides are one provider's, who keeps its own for itself.
    private var asns: [UInt32] {
        let isOne = sides[0].provider?.name == sides[1].provider?.name
        return sides.indices.map { place in
            let standard = sides[place].provider?.standard(.asn).flatMap { UInt32($0.value) }
            return (isOne ? nil : standard) ?? 65001 + UInt32(place)
        }
    }

    // MARK: Addresses

    /// A site has one public address, a provider one for each tunnel.
    private func addressCount(of side: Side) -> Int { side.provider == nil ? 1 : tunnels }

    private static func inside(_ place: Int) -> String { "10.\(place + 1).0" }
    /// Blocks for documentation (RFC 5737).
    private static func outside(_ place: Int) -> String { ["203.0.113", "198.51.100"][place] }

    /// From 169.254.21.0 on, which no provider keeps for itself and Azure asks for.
    private static func within(_ number: Int, _ place: Int) -> String {
        "169.254.21.\((number - 1) * 4 + (place == 0 ? 2 : 1))"
    }
}

extension LabDraft.Routing {
    fileprivate var words: String {
        switch self {
        case .fixed: "with static routes"
        case .bgp: "with BGP"
        case .policies: "by policies alone"
        }
    }
}

extension Duration {
    fileprivate var exactSeconds: String { "\(components.seconds)s" }
}
