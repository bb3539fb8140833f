import CaptureFile
import Decryption
import Expectations
import LabFiles
import LabModel
import LabRecords
import NetworkTypes
import Testing

/// A lab with a tunnel between public addresses and one behind 1:1 NAT, whose expectations each test writes itself.
///
///     west ── gw1 ══ wire ══ gw2 ── east          tunnel plain, ESP
///     vpn1 ── igw ══ natwire ══ vpn2              tunnel nat, ESP in UDP
enum JudgedLab {
    private static let text = """
        name: judged
        clouds:
          one: {title: One}
          two: {title: Two}
        defaults: {link: {mtu: 1500, rate: 1gbit, delay: 1ms}}
        nodes:
          west: {cloud: one, routes: {0.0.0.0/0: 10.1.0.1}}
          gw1: {cloud: one, role: router}
          vpn1: {cloud: one, role: router}
          igw:
            cloud: one
            role: internet-gateway
            nat: {outside: wan, map: {203.0.113.20: 10.1.9.2}}
          gw2: {cloud: two, role: router}
          east: {cloud: two, routes: {0.0.0.0/0: 10.2.0.1}}
          vpn2: {cloud: two, role: router}
        links:
          west-lan: {ends: {west:eth0: [10.1.0.2/24, "2001:db8:1::2/64"], gw1:lan: 10.1.0.1/24}}
          wire: {ends: {gw1:wan: 203.0.113.1/24, gw2:wan: 203.0.113.2/24}}
          east-lan: {ends: {gw2:lan: 10.2.0.1/24, east:eth0: [10.2.0.2/24, "2001:db8:2::2/64"]}}
          nat-inside: {ends: {vpn1:wan: 10.1.9.2/24, igw:lan: 10.1.9.1/24}}
          natwire: {ends: {igw:wan: 192.0.2.1/24, vpn2:wan: 192.0.2.2/24}}
        tunnels:
          plain:
            psk: example-key-of-plain
            ike: {encryption: aes-256-cbc, integrity: sha2-384, group: 20, lifetime: 8h}
            esp: {encryption: aes-256-cbc, integrity: sha2-256, lifetime: 1h}
            ends:
              gw1: {address: 203.0.113.1, interface: vpn1, inside: 169.254.1.1/30, startup: listen}
              gw2: {address: 203.0.113.2, interface: vpn1, inside: 169.254.1.2/30}
          nat:
            psk: example-key-of-nat
            ike: {encryption: aes-256-cbc, integrity: sha2-384, group: 20, lifetime: 8h}
            esp: {encryption: aes-256-gcm-16, lifetime: 1h}
            ends:
              vpn1: {address: 10.1.9.2, interface: vti1, inside: 192.168.2.1/30}
              vpn2: {address: 192.0.2.2, interface: vti1, inside: 192.168.2.2/30, startup: listen}
        bgp:
          main:
            over: plain
            speakers:
              gw1: {asn: 64512, keepalive: 10s, hold: 30s, advertise: 10.1.0.0/24}
              gw2: {asn: 65001, keepalive: 60s, hold: 180s, advertise: 10.2.0.0/24}
          half: {speakers: {gw2: {asn: 65001, peer: 169.254.9.1, peer-asn: 64512}}, expect: connecting, because: no other}
        probes:
          there: {from: west, to: east}
          back: {from: east, to: west}
          inside: {from: vpn1, to: 192.168.2.2}
          sixes: {from: west, source: "2001:db8:1::2", to: "2001:db8:2::2"}
        expect:

        """

    /// - Parameter expectations: Lines of `expect:`, without indentation.
    static func topology(expecting expectations: String, _ change: (String) -> String = { $0 }) throws -> Topology {
        let lines = expectations.split(separator: "\n").map { "  \($0)\n" }.joined()
        return try LabFile(text: change(text) + lines, file: "lab.yaml") { _ in "" }.resolve().topology
    }

    /// What a file alone, or a check of a running lab, makes of a capture.
    static func verdicts(
        expecting expectations: String, of capture: SyntheticCapture, keys: [TunnelAssociation] = Way.keys,
        isLive: Bool = true,
        steps: [Observation.Step] = [], transfers: Observation? = nil, time: TimeKind = .virtual
    ) throws -> [String: Verdict] {
        let topology = try topology(expecting: expectations)
        let file = try capture.written()
        var examination = try CaptureExamination(
            topology: topology, expectations: topology.expectations, associations: keys, keepsPackets: isLive)
        try file.reading { try examination.read($0) }
        let summary =
            isLive
            ? CaptureSummary(file: "check.pcapng", points: [], associations: keys, ikeKeys: [], unusableIKE: 0) : nil
        let judge = Judge(
            plan: CheckPlan(topology: topology, expectations: topology.expectations),
            observation: Observation(steps: steps, capture: summary),
            transfers: transfers, examination: examination, labFile: "lab.yaml", time: time)
        let verdicts = try judge.verdicts { numbers in
            try file.reading { try PacketRecordReader.lines(of: numbers, descriptor: $0, associations: keys) }
        }
        return Dictionary(uniqueKeysWithValues: verdicts.map { ($0.expectation, $0) })
    }

    /// The verdict about the only expectation, or the one of that name.
    static func verdict(
        _ name: String = "one", expecting expectations: String, of capture: SyntheticCapture,
        keys: [TunnelAssociation] = Way.keys,
        isLive: Bool = true, steps: [Observation.Step] = [], transfers: Observation? = nil, time: TimeKind = .virtual
    ) throws -> Verdict {
        let verdicts = try verdicts(
            expecting: expectations, of: capture, keys: keys, isLive: isLive, steps: steps, transfers: transfers,
            time: time)
        return try #require(verdicts[name])
    }
}

/// A tunnel's direction: what its packets look like, and where they are seen.
enum Way: CaseIterable {
    case plainEast, plainWest, natEast, natWest

    /// The tunnel's interface, which packets enter in clear.
    var entrance: String {
        switch self {
        case .plainEast: "gw1:vpn1"
        case .plainWest: "gw2:vpn1"
        case .natEast: "vpn1:vti1"
        case .natWest: "vpn2:vti1"
        }
    }

    /// Where they go out, and with which outer addresses.
    var crossings: [(place: String, source: String, destination: String)] {
        switch self {
        case .plainEast: [("gw1:wan", "203.0.113.1", "203.0.113.2")]
        case .plainWest: [("gw2:wan", "203.0.113.2", "203.0.113.1")]
        case .natEast: [("vpn1:wan", "10.1.9.2", "192.0.2.2"), ("igw:wan", "203.0.113.20", "192.0.2.2")]
        case .natWest: [("vpn2:wan", "192.0.2.2", "203.0.113.20"), ("igw:lan", "192.0.2.2", "10.1.9.2")]
        }
    }

    var isPlain: Bool { self == .plainEast || self == .plainWest }

    var association: ESPAssociation {
        switch self {
        case .plainEast: .cbc(spi: 0x1001)
        case .plainWest: .cbc(spi: 0x1002)
        case .natEast: .gcm(spi: 0x2001)
        case .natWest: .gcm(spi: 0x2002)
        }
    }

    func key(_ association: ESPAssociation) -> TunnelAssociation {
        TunnelAssociation(
            tunnel: isPlain ? "plain" : "nat", node: String(entrance.prefix { $0 != ":" }), isOutbound: true,
            association: association)
    }

    static let keys = allCases.map { $0.key($0.association) }
}

extension ESPAssociation {
    private init(spi: UInt32, encryption: Algorithm, integrity: Algorithm? = nil, isExtended: Bool = false) {
        let nowhere = IPAddress.v4(IPv4Address(rawValue: 0))
        self.init(
            source: nowhere, destination: nowhere, spi: spi, encryption: encryption, integrity: integrity,
            hasExtendedSequence: isExtended)
    }

    private static func key(_ length: Int, _ spi: UInt32) -> KeyMaterial {
        KeyMaterial((0..<length).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ Int(spi)) })
    }

    private static func sha256(_ spi: UInt32) -> Algorithm {
        Algorithm(name: "hmac(sha256)", key: key(32, spi), tagBits: 128)
    }

    static func cbc(spi: UInt32, isExtended: Bool = false) -> Self {
        Self(
            spi: spi, encryption: Algorithm(name: "cbc(aes)", key: key(32, spi)), integrity: sha256(spi),
            isExtended: isExtended)
    }

    static func gcm(spi: UInt32) -> Self {
        Self(spi: spi, encryption: Algorithm(name: "rfc4106(gcm(aes))", key: key(36, spi), tagBits: 128))
    }

    static func ctr(spi: UInt32) -> Self {
        Self(spi: spi, encryption: Algorithm(name: "rfc3686(ctr(aes))", key: key(36, spi)), integrity: sha256(spi))
    }

    static func null(spi: UInt32) -> Self {
        Self(spi: spi, encryption: Algorithm(name: "ecb(cipher_null)", key: KeyMaterial([])), integrity: sha256(spi))
    }
}
