import Glibc
import LabModel
import LabRecords
import NetworkTypes
import PacketFormats

/// Holds every packet of a capture against one confidentiality claim.
struct ConfidentialityExaminer: Sendable {
    let claim: ConfidentialityClaim
    let name: String
    /// For each of the topology's links whether the claim is about it.
    private let isClaimed: [Bool]
    /// Whoever knocks at public addresses for security expectations: no tunnel's traffic, and expected to be seen.
    private let strangers: [(sources: Set<IPAddress>, claim: SecurityClaim)]
    private(set) var objections = Objections()
    private(set) var encrypted = 0
    /// Messages of WireGuard's between the ends of a tunnel of the lab's.
    private(set) var messages = 0
    /// How much of each kind of control traffic was let through.
    private(set) var allowed: [ConfidentialityClaim.ControlTraffic: Int] = [:]

    init(_ claim: ConfidentialityClaim, name: String, topology: Topology) {
        self.claim = claim
        self.name = name
        isClaimed = topology.marks(ofLinks: claim.links)
        let translated = topology.nodes.compactMap(\.nat).flatMap(\.mappings).map(\.outside)
        let publicAddresses = translated + topology.tunnels.flatMap(\.ends).map(\.localAddress)
        strangers = topology.expectations.compactMap { expectation in
            guard case .security(let claim) = expectation.claim, publicAddresses.contains(claim.destination) else {
                return nil
            }
            return (Set(topology.addresses(of: claim.source) + [claim.sourceAddress].compactMap(\.self)), claim)
        }
    }

    mutating func take(_ packet: WirePacket, frame: RawSpan, at places: WirePlaces) {
        guard let place = places[packet.point], let number = place.linkNumber, isClaimed[number], !isStrangers(packet)
        else { return }
        // Also inside of what claims to be encrypted: ESP may use the NULL cipher (RFC 2410).
        if Self.holdsMarker(frame) {
            objections.add(
                "with a probe's payload in clear", packet, "a probe's payload can be read on \(place.linkName)")
        } else if packet.esp != nil || isRestOfESP(packet, at: places) {
            encrypted += 1
        } else if places.wireGuard(packet) != nil {
            messages += 1
        } else if let control = packet.control, claim.allowed.contains(control) {
            allowed[control, default: 0] += 1
        } else {
            objections.add(
                "in clear", packet,
                "\(packet.control.map { "\($0.rawValue) traffic" } ?? "traffic") that is not encrypted on \(place.linkName)"
            )
        }
    }

    /// Whether it is a fragment that goes between a tunnel's ends: the first one shows whether it is ESP.
    private func isRestOfESP(_ packet: WirePacket, at places: WirePlaces) -> Bool {
        packet.outer?.isLaterFragment == true && places.tunnel(of: packet) != nil
    }

    /// Whether it is what a security expectation sends, and nothing else between the same addresses; the answer to that only where
    /// one is expected.
    private func isStrangers(_ packet: WirePacket) -> Bool {
        guard packet.esp == nil, packet.wireGuard == nil, let inner = packet.inner else { return false }
        return strangers.contains { sources, claim in
            let isQuestion = sources.contains(inner.source) && claim.destination == inner.destination
            let isAnswer =
                claim.outcome == .accepted && sources.contains(inner.destination) && claim.destination == inner.source
            guard isQuestion || isAnswer else { return false }
            switch (claim.transport, inner.transport) {
            case (.icmp, .echo(let isRequest, _, _)): return isRequest == isQuestion
            case (.tcp, .tcp(let source, let destination, _, _)), (.udp, .udp(let source, let destination)):
                return claim.port == (isQuestion ? destination : source)
            default: return isAnswer && inner.transport == .otherICMP
            }
        }
    }

    private static func holdsMarker(_ frame: RawSpan) -> Bool {
        frame.withUnsafeBytes { bytes in
            var rest = bytes[...]
            while let found = rest.firstOf(ProbeMarker.magic[0]) {
                if bytes[found...].starts(with: ProbeMarker.magic) { return true }
                rest = bytes[(found + 1)...]
            }
            return false
        }
    }
}

extension Slice<UnsafeRawBufferPointer> {
    /// Where a byte is first found; a frame has some hundred, and memchr(3) looks at many at once.
    fileprivate func firstOf(_ byte: UInt8) -> Int? {
        guard let start = UnsafeRawBufferPointer(rebasing: self).baseAddress,
            let found = memchr(start, Int32(byte), count)
        else { return nil }
        return startIndex + (UnsafeRawPointer(found) - start)
    }
}
