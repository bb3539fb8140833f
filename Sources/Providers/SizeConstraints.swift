import Daemons
import LabModel
import NetworkTypes
import YAMLReading

/// The MTU and the segment size that a provider advises for its tunnels.
struct TunnelMTUAdvice: ProviderConstraint {
    static let kind = "tunnel-mtu"
    static let keys = ["at-most", "mss", "path-mtu-discovery", "by-algorithm"]
    static let severity = LabFileDiagnostic.Severity.warning

    /// A line of a table of MTUs by ESP's algorithms.
    struct Row: Hashable, Sendable {
        let cipher: Cipher
        /// Nil for a cipher that authenticates by itself.
        let integrity: IntegrityAlgorithm?
        let isUDPEncapsulated: Bool
        let mtu: Int
    }

    let mtu: Int
    let mss: Int
    /// Whether the provider's gateway answers what is too big with ICMP.
    let discoversPathMTU: Bool
    let rows: [Row]

    init?(_ fields: YAMLFields) {
        guard let mtu = fields.number("at-most", 68...65535, "the MTU that is advised"),
            let discovers = fields["path-mtu-discovery"].map({ $0.flag()?.value }) ?? true,
            let mss = fields["mss"] == nil ? mtu - 40 : fields.number("mss", 28...65495, "the segment size"),
            let rows = Self.rows(fields["by-algorithm"])
        else { return nil }
        self.mtu = mtu
        self.mss = mss
        self.rows = rows
        discoversPathMTU = discovers
    }

    private static func rows(_ value: YAMLValue?) -> [Row]? {
        guard let value else { return [] }
        let read = value.members.map { member -> Row? in
            guard let fields = member.fields(["cipher", "integrity", "nat-t", "mtu"]),
                let cipher = fields.required("cipher", "for example aes-cbc")?.choice(Cipher.self, noun: "ciphers"),
                let integrity = fields["integrity"].map({
                    $0.choice(IntegrityAlgorithm.self, noun: "integrity algorithms")?.value
                }) ?? IntegrityAlgorithm?.none as IntegrityAlgorithm??,
                let encapsulated = fields["nat-t"].map({ $0.flag()?.value }) ?? false,
                let mtu = fields.number("mtu", 68...65535, "the MTU for these algorithms")
            else { return nil }
            return Row(cipher: cipher.value, integrity: integrity, isUDPEncapsulated: encapsulated, mtu: mtu)
        }
        let rows = read.compactMap { $0 }
        return rows.count == read.count ? rows : nil
    }

    var statement: String {
        "tunnel MTU \(mtu) or less, MSS \(mss)"
            + (rows.isEmpty ? "" : ", less with some algorithms (\(rows.map(\.mtu).min() ?? mtu) and up)")
            + (discoversPathMTU ? "" : "; no path MTU discovery")
    }

    /// An IPv4 and a TCP header without options are 40 bytes (RFC 791, section 3.1; RFC 9293, section 3.1).
    var contradiction: String? {
        let fits = mtu - 40
        guard mss > fits else { return nil }
        return
            "MTU \(mtu) and MSS \(mss) contradict each other: a segment of \(mss) bytes makes a packet of \(mss + 40), and \(mtu) leaves room for \(fits)"
    }

    /// What is advised for a tunnel: by its algorithms where the provider says so.
    func advice(for tunnel: Tunnel) -> Int {
        guard let algorithms = tunnel.algorithms else { return mtu }
        let row = rows.first {
            $0.cipher == algorithms.encryption.cipher && $0.integrity == algorithms.integrity
                && $0.isUDPEncapsulated == tunnel.isUDPEncapsulated
        }
        return min(row?.mtu ?? mtu, mtu)
    }

    func findings(in design: Design) -> [Finding] {
        design.ownEnds.filter { !$0.tunnel.isUnused }.flatMap { own -> [Finding] in
            let advised = advice(for: own.tunnel)
            // What a provider advises in general may be more than the links here take.
            let fitting = min(advised, design.room(of: own.tunnel)?.advised ?? advised)
            let segment = min(mss, advised - 40)
            let fittingSegment = min(segment, fitting - 40)
            let place = "tunnels.\(own.tunnel.name)"
            let line = design.line("tunnels", own.tunnel.name, "mtu")
            var findings: [Finding] = []
            if let own = own.end.mtu?.bytes, own > advised {
                findings.append(
                    Finding(
                        line: line,
                        message: "\(place): MTU \(own), and \(design.provider) advises \(advised) or less here",
                        remedy: "Write `mtu: \(fitting)`."))
            }
            switch own.tunnel.mss {
            case .to(let bytes) where bytes > segment:
                findings.append(
                    Finding(
                        line: design.line("tunnels", own.tunnel.name, "mss"),
                        message: "\(place): MSS is lowered to \(bytes), and \(design.provider) advises \(segment) here",
                        remedy: "Write `mss: \(fittingSegment)`."))
            case .off where !discoversPathMTU:
                findings.append(
                    Finding(
                        line: design.line("tunnels", own.tunnel.name),
                        message:
                            "\(place): nothing lowers the MSS, and \(design.provider) does no path MTU discovery: large segments get lost",
                        remedy: "Write `mss: \(fittingSegment)`, or `mtu: \(fitting)` with `mss: clamp-to-pmtu`."))
            case .toPathMTU where own.end.mtu == nil && own.end.interface != nil:
                findings.append(
                    Finding(
                        line: design.line("tunnels", own.tunnel.name, "mss"),
                        message:
                            "\(place): `mss: clamp-to-pmtu` trusts the interface's MTU, which does not count ESP without `mtu:`; \(design.provider) advises \(advised)",
                        remedy: "Write `mtu: \(fitting)`."))
            default: break
            }
            return findings
        }
    }
}

/// The MTUs that a virtual interface on a dedicated line may have.
struct LinkMTUChoice: ProviderConstraint {
    static let kind = "virtual-interface-mtu"
    static let keys = ["one-of"]
    static let severity = LabFileDiagnostic.Severity.error

    let choices: [Int]

    init?(_ fields: YAMLFields) {
        guard fields.required("one-of", "the MTUs there are") != nil,
            let choices = fields.integers("one-of", 68...65535)
        else {
            return nil
        }
        self.choices = choices
    }

    var statement: String { "MTU of a virtual interface: \(choices.map(String.init).joined(separator: " or "))" }

    func findings(in design: Design) -> [Finding] {
        design.ownLines.compactMap { link in
            guard !choices.contains(link.mtu.bytes) else { return nil }
            return Finding(
                line: design.line("links", link.name, "mtu"),
                message: "links.\(link.name): MTU \(link.mtu) of a line to \(design.provider)",
                remedy: "Write `mtu: \(choices.map(String.init).joined(separator: "` or `mtu: "))`.")
        }
    }
}
