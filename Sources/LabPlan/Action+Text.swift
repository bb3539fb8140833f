import LabModel
import NetworkTypes

extension Action: CustomStringConvertible {
    /// One line in words, without secrets.
    public var description: String {
        switch self {
        case .createNode(let setup): "create node \(setup.name) (\(setup.role.rawValue))"
        case .removeNode(let name): "remove node \(name)"
        case .createLink(let link): "create link \(link.name): \(Self.text(of: link))"
        case .removeLink(let link): "remove link \(link.name)"
        case .setSysctls(let node, let settings):
            "\(node): set " + settings.map { "\($0.key) = \($0.value)" }.joined(separator: ", ")
        case .createTunnelInterface(let interface): Self.text(of: interface)
        case .createPlainTunnelInterface(let interface): Self.text(of: interface)
        case .removeInterface(let node, let name): "\(node): remove interface \(name)"
        case .setMTU(let node, let interface, let mtu): "\(node): set MTU \(mtu) on \(interface)"
        case .addAddress(let node, let interface, let address): "\(node): add address \(address) to \(interface)"
        case .removeAddress(let node, let interface, let address):
            "\(node): remove address \(address) from \(interface)"
        case .addRoute(let node, let entry): "\(node): add route \(entry)"
        case .removeRoute(let node, let entry): "\(node): remove route \(entry)"
        case .followTunnels(let node, let routes):
            "\(node): keep route \(routes.map(\.description).joined(separator: "; "))"
        case .stopFollowingTunnels(let node): "\(node): remove the routes of tunnels that are up"
        case .addRule(let node, let rule): "\(node): add rule \(Self.text(of: rule))"
        case .removeRule(let node, let rule): "\(node): remove rule \(Self.text(of: rule))"
        case .applyFilter(let node, let ruleset): "\(node): apply \(ruleset.purpose)"
        case .removeFilter(let node, let ruleset): "\(node): remove \(ruleset.purpose)"
        case .shareFile(let file): "all nodes: write \(file.path)"
        case .unshareFile(let path): "all nodes: remove \(path)"
        case .writeFile(let node, let file): "\(node): write \(file.path)\(file.isSecret ? " (secret)" : "")"
        case .removeFile(let node, let path): "\(node): remove \(path)"
        case .createKeyStore(let node, let store):
            "\(node): create \(store.names.isEmpty ? "an empty key store" : "a key store with \(store.names.joined(separator: ", "))") in \(store.directory)"
        case .startDaemon(let daemon):
            "\(daemon.node): start "
                + (daemon.foundations.map(\.arguments) + [daemon.arguments]).map { $0.joined(separator: " ") }
                .joined(separator: ", then ")
                + (daemon.loading.isEmpty ? "" : ", and run \(daemon.loading.joined(separator: " "))")
        case .stopDaemon(let daemon): "\(daemon.node): stop \(daemon.kind.rawValue)"
        case .startBootScript(let node, let script): "\(node): run boot script \(script.name)"
        case .stopBootScript(let node): "\(node): end the boot script"
        case .awaitBootScript(let node, let deadline):
            "wait for the end of the boot script of \(node), at most \(deadline.shortText)"
        case .run(let node, let arguments): "\(node): run \(arguments.joined(separator: " "))"
        case .sendEcho(let node, let address, _):
            "\(node): send an echo request to \(address), for the tunnel on the way"
        case .await(let condition, let deadline): "wait for \(condition), at most \(deadline.shortText)"
        }
    }

    private static func text(of link: Link) -> String {
        let ends = link.ends.map { end in
            "\(end.node):\(end.routedInterface)" + end.addresses.map { " \($0)" }.joined()
        }
        let loss = link.loss == .zero ? "" : ", loss \(link.loss)"
        let vlan = link.vlan.map { ", VLAN \($0)" } ?? ""
        return "\(ends.joined(separator: " -- "))\(vlan), MTU \(link.mtu), \(link.rate), \(link.delay.shortText)\(loss)"
    }

    private static func text(of interface: TunnelInterface) -> String {
        let address = interface.address.map { ", \($0)" } ?? ""
        let mtu = interface.mtu.map { ", MTU \($0)" } ?? ""
        let kind =
            switch interface.kind {
            case .vti(let local, let remote, let key): ("VTI", "\(local) to \(remote), key \(key)")
            case .xfrm(let id): ("XFRM interface", "if_id \(id)")
            }
        return "\(interface.node): create \(kind.0) \(interface.name), \(kind.1)\(address)\(mtu)"
    }

    private static func text(of interface: PlainTunnelInterface) -> String {
        let end = interface.end
        let isIPv6 = interface.kind.isOverIPv6
        let parts = [
            "\(end.node): create \(interface.kind.rawValue) tunnel \(end.interface), \(end.localAddress)"
                + (interface.kind == .isatap ? "" : " to \(end.remoteAddress)"),
            end.wireGuard.map { options in
                ["port \(options.port)"] + (options.hasPresharedKey ? ["a preshared key"] : [])
                    + (options.keepalive.map { ["keepalive \($0) s"] } ?? [])
            }?.joined(separator: ", "),
            end.vxlan.map { "VNI \($0.vni), port \($0.port)" },
            end.inside?.description,
            end.potentialRouters.isEmpty
                ? nil : "potential routers \(end.potentialRouters.map(\.description).joined(separator: " "))",
            interface.kind.hasEncapsulationLimit
                ? "encapsulation limit \(end.encapsulationLimit.map(String.init) ?? "none")" : nil,
            "\(isIPv6 ? "hop limit" : "TTL") \(end.hopLimit)", interface.mtu.map { "MTU \($0)" },
            interface.neighbour.map { "neighbour \($0.inside) at \($0.peer.ethernetAddress)" },
        ]
        return parts.compactMap { $0 }.joined(separator: ", ")
    }

    private static func text(of rule: PolicyRule) -> String {
        let parts = [
            rule.from.map { "from \($0)" }, rule.to.map { "to \($0)" }, rule.inputInterface.map { "in \($0)" },
            "table \(rule.table)", "priority \(rule.priority)",
        ]
        return parts.compactMap { $0 }.joined(separator: " ")
    }
}

extension RouteEntry: CustomStringConvertible {
    /// As ip(8) shows it: `10.0.0.0/8 via 10.1.1.1`, several next hops joined by commas.
    public var description: String {
        let hops = nextHops.map { hop in
            [hop.gateway.map { "via \($0)" }, hop.interface.map { "dev \($0)" }].compactMap { $0 }.joined(
                separator: " ")
        }
        return "\(destination) \(hops.joined(separator: ", "))\(table == 254 ? "" : " table \(table)")"
    }
}
