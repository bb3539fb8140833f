import Daemons
import LabModel
import NetworkTypes
import YAMLReading

/// What netlab needs of a connection in a user's own file.
struct OwnConnection {
    let localAddress: IPAddress?
    /// Where the peer is, as it is written.
    let remote: String?
    /// What the daemon's file calls that.
    let remoteKey: String
    /// The mark or `if_id` by which packets find the tunnel.
    let key: UInt32?
}

// The connections in the files that tunnels' ends bring along.
extension TopologyResolver {
    func connection(of end: TunnelSpec.End, file: Located<String>, place: String) -> OwnConnection? {
        guard let text = companion(file, place: place) else { return nil }
        return switch daemon(of: end.node.value) {
        case .libreswan: libreswanConnection(of: end, file, text, place: place)
        case .strongswan: strongSwanConnection(of: end, file, text, place: place)
        }
    }

    private func libreswanConnection(
        of end: TunnelSpec.End, _ file: Located<String>, _ text: String, place: String
    ) -> OwnConnection? {
        let written = IpsecConf(text)
        guard let name = end.connection, let parameters = written[connection: name.value] else {
            collector.error(
                end.connection?.line ?? end.line,
                "\(place): \(file.value) has no `conn \(end.connection?.value ?? "…")` section",
                Suggestion.remedy(
                    for: end.connection?.value ?? "", among: written.connectionNames, noun: "connections there"))
            return nil
        }
        if let interface = end.interface, let named = parameters["vti-interface"], named != interface.value.description
        {
            collector.error(
                interface.line, "\(place): \(file.value) says vti-interface=\(named), the lab file \(interface.value)",
                "Write `interface: \(named)`.")
        }
        if parameters["vti-interface"] != nil, Self.mark(parameters) == nil {
            collector.error(
                file.line, "\(place): \(file.value): vti-interface= needs mark=",
                "Add `mark=5/0xffffffff` to conn \(name.value).")
        }
        return OwnConnection(
            localAddress: parameters["left"].flatMap(IPAddress.init),
            remote: parameters["right"], remoteKey: "right",
            key: Self.mark(parameters))
    }

    /// The number before the mask of `mark=5/0xffffffff`.
    private static func mark(_ parameters: [String: String]) -> UInt32? {
        guard let text = parameters["mark"]?.split(separator: "/").first else { return nil }
        return text.hasPrefix("0x") ? UInt32(text.dropFirst(2), radix: 16) : UInt32(text)
    }

    private func strongSwanConnection(
        of end: TunnelSpec.End, _ file: Located<String>, _ text: String, place: String
    ) -> OwnConnection? {
        let settings: StrongSwanSettings
        do {
            settings = try StrongSwanSettings(text)
        } catch {
            collector.error(
                file.line, "\(place): \(file.value), line \(error.line): \(error.message)",
                "Mend it as strongswan.conf(5) and swanctl.conf(5) say.")
            return nil
        }
        let written = settings[section: "connections"]?.sectionNames ?? []
        guard let name = end.connection, let connection = SwanctlConnection(name.value, in: settings) else {
            collector.error(
                end.connection?.line ?? end.line,
                "\(place): \(file.value) has no connection \"\(end.connection?.value ?? "…")\" in `connections`",
                Suggestion.remedy(for: end.connection?.value ?? "", among: written, noun: "connections there"))
            return nil
        }
        if connection.child == nil {
            collector.error(
                file.line, "\(place): \(file.value): connection \(name.value) has no child, so it carries no traffic",
                "Add `children { \(name.value) { … } }` to it, on lines of their own.")
        }
        if connection.interfaceID == nil {
            collector.error(
                file.line, "\(place): \(file.value): connection \(name.value) leads through no interface",
                "Give it the same number above 0 as `if_id_in` and `if_id_out`: netlab makes the XFRM interface \(end.interface?.value.description ?? "") with it."
            )
        }
        return OwnConnection(
            localAddress: connection.localAddress, remote: connection.remote, remoteKey: "remote_addrs",
            key: connection.interfaceID)
    }

    func checkPeer(of end: TunnelSpec.End, _ own: OwnConnection?, expected: IPAddress, place: String) {
        guard let own, let remote = own.remote, !remote.hasPrefix("%"), let file = end.configuration,
            IPAddress(remote) != expected
        else { return }
        let key = own.remoteKey
        collector.error(
            file.line, "\(place): \(file.value) says \(key)=\(remote), but the other end is reached at \(expected)",
            "Write \(key)=\(expected), or mend the addresses and the NAT of the lab file.")
    }
}
