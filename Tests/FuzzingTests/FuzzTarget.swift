/// What reads bytes that others wrote: the wire, files, the guest, daemons, the kernel.
///
/// `scripts/fuzz` looks for bytes that bring one of them down; ``CorpusTests`` gives each what is in `Corpus/NAME`.
enum FuzzTarget: String, CaseIterable, Sendable {
    case packet, fragments, capture, examination, esp
    case lab, libreswan, strongswan, provider, text, certificate
    case cloudImport = "import"
    case ownImport = "import-own"
    case message, shard, http
    case pluto, charon, vici, bird, frr
    case netlink

    /// Reads bytes as netlab does, whatever they are.
    ///
    /// - Throws: ``Violation`` where something does not hold that must; a trap is as bad.
    func read(_ bytes: [UInt8]) throws {
        switch self {
        case .packet: try PacketReading.read(bytes)
        case .fragments: try FragmentReading.read(bytes)
        case .capture: try CaptureReading.read(bytes)
        case .examination: try ExaminationReading.read(bytes)
        case .esp: try ESPReading.read(bytes)
        case .lab: try LabReading.lab(bytes)
        case .libreswan: try LabReading.libreswan(bytes)
        case .strongswan: try LabReading.strongSwan(bytes)
        case .provider: try LabReading.provider(bytes)
        case .text: try TextReading.read(bytes)
        case .certificate: try CertificateReading.read(bytes)
        case .cloudImport: try ImportReading.cloud(bytes)
        case .ownImport: try ImportReading.own(bytes)
        case .message: try MessageReading.read(bytes)
        case .shard: try ShardReading.read(bytes)
        case .http: try HTTPReading.read(bytes)
        case .pluto: try DaemonReading.pluto(bytes)
        case .charon: try DaemonReading.charon(bytes)
        case .vici: try DaemonReading.vici(bytes)
        case .bird: try DaemonReading.bird(bytes)
        case .frr: try DaemonReading.frr(bytes)
        case .netlink: try NetlinkReading.read(bytes)
        }
    }
}

/// Something that must hold for all bytes and did not for these.
struct Violation: Error, CustomStringConvertible {
    let description: String
}

func require(_ condition: Bool, _ what: @autoclosure () -> String) throws(Violation) {
    if !condition { throw Violation(description: what()) }
}
