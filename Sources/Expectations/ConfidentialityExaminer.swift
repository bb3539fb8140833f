import Glibc
import LabModel
import PacketFormats

/// Holds every packet of a capture against one confidentiality claim.
struct ConfidentialityExaminer: Sendable {
    let claim: ConfidentialityClaim
    let name: String
    private let links: Set<String>
    private(set) var objections = Objections()
    private(set) var encrypted = 0
    /// How much of each kind of control traffic was let through.
    private(set) var allowed: [ConfidentialityClaim.ControlTraffic: Int] = [:]

    init(_ claim: ConfidentialityClaim, name: String) {
        self.claim = claim
        self.name = name
        links = Set(claim.links)
    }

    mutating func take(_ packet: WirePacket, frame: RawSpan, at places: WirePlaces) {
        guard let link = places[packet.point]?.link, links.contains(link.name) else { return }
        // Also inside of what claims to be encrypted: ESP may use the NULL cipher (RFC 2410).
        if Self.holdsMarker(frame) {
            objections.add("with a probe's payload in clear", packet, "a probe's payload can be read on \(link.name)")
        } else if packet.esp != nil {
            encrypted += 1
        } else if let control = packet.control, claim.allowed.contains(control) {
            allowed[control, default: 0] += 1
        } else {
            objections.add("in clear", packet, "\(packet.control.map { "\($0.rawValue) traffic" } ?? "traffic") that is not encrypted on \(link.name)")
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
        guard let start = UnsafeRawBufferPointer(rebasing: self).baseAddress, let found = memchr(start, Int32(byte), count) else { return nil }
        return startIndex + (UnsafeRawPointer(found) - start)
    }
}
