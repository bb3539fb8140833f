import Daemons
import LabModel
import NetworkTypes
import YAMLReading

// The connections in the files that tunnels' ends bring along.
extension TopologyResolver {
    func connection(of end: TunnelSpec.End, file: Located<String>, place: String) -> OwnConnection? {
        guard let text = configuration(file, place: place) else { return nil }
        let addresses = self.ends(of: end.node.value).flatMap(\.addresses).map(\.value.address)
        let own = OwnFile(name: file.value, text: text, interface: end.interface?.value, addresses: addresses)
        let (connection, problems) = daemon(of: end.node.value).read(own, connection: end.connection?.value)
        for problem in problems {
            let line =
                switch problem.place {
                case .file: file.line
                case .connection: end.connection?.line ?? end.line
                case .interface: end.interface?.line ?? end.line
                }
            if problem.isWarning {
                collector.warning(line, "\(place): \(problem.message)", problem.remedy)
            } else {
                collector.error(line, "\(place): \(problem.message)", problem.remedy)
            }
        }
        return connection
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
