import LabModel
import NetworkTypes
import YAMLReading

extension DiagnosticCollector {
    /// Warns of an address that nobody answers for, which is most often a slip.
    public func warn(ofNobodys address: IPAddress, _ line: Int, place: String, in topology: Topology) {
        let translated = topology.nodes.compactMap(\.nat).flatMap(\.mappings).map(\.outside)
        guard !hasErrors, topology.owner(of: address) == nil, !translated.contains(address) else { return }
        warning(
            line, "\(place): nothing in the lab has the address \(address)",
            "Take an address of the lab, or a node's name.")
    }
}
