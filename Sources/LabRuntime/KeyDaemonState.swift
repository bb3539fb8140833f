import Daemons

/// What a node's key daemon says of its connections.
enum KeyDaemonState: Sendable {
    case pluto(PlutoStatus)
    case charon([CharonSA])

    /// The algorithms of a connection's newest IKE SA, in pluto's words: `AES_CBC_256-HMAC_SHA2_384-DH20`.
    func ikeAlgorithms(of connection: String) -> String? {
        switch self {
        case .pluto(let status): status.connection(named: connection)?.ikeAlgorithms
        case .charon(let associations): associations.newest(connection)?.algorithms?.plutoName
        }
    }

    /// When a connection's newest IKE SA ends if it is not renewed. charon tells when it renews it.
    func ikeReplacedIn(_ connection: String) -> Duration? {
        switch self {
        case .pluto(let status):
            let newest = status.connection(named: connection)?.newestIKESA
            return status.ikeSAs.first { $0.number == newest }?.replaceIn
        case .charon(let associations): return associations.newest(connection)?.rekeyIn
        }
    }

    /// When a connection's newest child SA ends if it is not renewed.
    func childReplacedIn(_ connection: String) -> Duration? {
        switch self {
        case .pluto(let status):
            let newest = status.connection(named: connection)?.newestChildSA
            return status.childSAs.first { $0.number == newest }?.replaceIn
        case .charon(let associations): return associations.newestChild(connection)?.lifeLeft
        }
    }
}
