import LabModel
import NetworkTypes

extension Topology {
    /// The BGP identifier of a node (RFC 4271, section 1.1): an IPv4 address of its own, or where it has none a number of its own in the
    /// same form.
    func routerID(of node: String) -> IPv4Address {
        let own =
            linkEnds(of: node).flatMap(\.end.addresses).map(\.address)
            + tunnelEnds(of: node).compactMap(\.end.inside?.address)
        let index = nodes.firstIndex { $0.name == node } ?? 0
        return own.lazy.compactMap { if case .v4(let address) = $0 { address } else { nil } }.first
            ?? IPv4Address(rawValue: UInt32(index + 1))
    }
}
