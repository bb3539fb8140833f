/// One payload of an IKEv2 message, or one proposal or transform of its SA payload (RFC 7296, 3.2 to 3.14).
///
/// Lengths are of the data after the payload's own fields, in bytes.
public enum IKEPayload: Hashable, Sendable {
    /// Its proposals follow, each followed by its transforms.
    case securityAssociation
    /// `protocolID` is 1 IKE, 2 AH, 3 ESP.
    case proposal(number: UInt8, protocolID: UInt8, spiLength: Int, transforms: Int)
    /// `type` is 1 encryption, 2 PRF, 3 integrity, 4 key exchange group, 5 extended sequence numbers; `keyLength` in bits.
    case transform(type: UInt8, identifier: UInt16, keyLength: UInt16?)
    case keyExchange(group: UInt16, length: Int)
    case nonce(length: Int)
    case notify(IKENotification, protocolID: UInt8, spiLength: Int, length: Int)
    case delete(protocolID: UInt8, spiLength: Int, spis: Int)
    /// The last payload: what it begins with, when decrypted, is `first`.
    case encrypted(first: IKEPayloadType, length: Int)
    /// Number `number` of `total` parts; the last payload (RFC 7383, 2.5).
    case encryptedFragment(first: IKEPayloadType, number: UInt16, total: UInt16, length: Int)
    case other(IKEPayloadType, length: Int)

    /// Visits the payloads, the first of which is of type `first`, in order, until there is no more of them or `visit`
    /// returns false.
    ///
    /// `bytes` begin after the IKE header, or are those of a decrypted SK payload. What `visit` gets as `data` is where in
    /// `bytes` the data after the payload's own fields stand. Fails at the first payload that is not well-formed,
    /// having visited those before.
    public static func forEach(
        in bytes: RawSpan, first: IKEPayloadType,
        _ visit: (_ payload: IKEPayload, _ data: Range<Int>) -> Bool
    ) throws(Malformation) {
        var type = first
        var offset = 0
        while type != .none {
            guard offset + 4 <= bytes.byteCount else { throw .ikeLength }
            let next = IKEPayloadType(rawValue: bytes.uint8(at: offset))
            let end = offset + Int(bytes.uint16(at: offset + 2))
            guard end >= offset + 4, end <= bytes.byteCount else { throw .ikeLength }
            let (payload, data) = try decode(type, next: next, bytes, offset + 4..<end)
            guard visit(payload, data) else { return }
            switch payload {
            case .securityAssociation: guard try proposals(in: bytes, data, visit) else { return }
            case .encrypted, .encryptedFragment: return
            default: break
            }
            type = next
            offset = end
        }
    }

    private static func decode(
        _ type: IKEPayloadType, next: IKEPayloadType, _ bytes: RawSpan, _ body: Range<Int>
    ) throws(Malformation) -> (IKEPayload, Range<Int>) {
        let start = body.lowerBound
        func data(after fields: Int) throws(Malformation) -> Range<Int> {
            guard body.count >= fields else { throw .ikeLength }
            return start + fields..<body.upperBound
        }
        switch type {
        case .securityAssociation:
            return (.securityAssociation, body)
        case .keyExchange:
            let data = try data(after: 4)
            return (.keyExchange(group: bytes.uint16(at: start), length: data.count), data)
        case .nonce:
            return (.nonce(length: body.count), body)
        case .notify:
            _ = try data(after: 4)
            let spiLength = Int(bytes.uint8(at: start + 1))
            let data = try data(after: 4 + spiLength)
            let notification = IKENotification(rawValue: bytes.uint16(at: start + 2))
            return (
                .notify(
                    notification, protocolID: bytes.uint8(at: start), spiLength: spiLength, length: data.count), data
            )
        case .delete:
            let data = try data(after: 4)
            let spiLength = Int(bytes.uint8(at: start + 1))
            let spis = Int(bytes.uint16(at: start + 2))
            guard spiLength * spis <= data.count else { throw .ikeLength }
            return (.delete(protocolID: bytes.uint8(at: start), spiLength: spiLength, spis: spis), data)
        case .encrypted:
            return (.encrypted(first: next, length: body.count), body)
        case .encryptedFragment:
            let data = try data(after: 4)
            return (
                .encryptedFragment(
                    first: next, number: bytes.uint16(at: start), total: bytes.uint16(at: start + 2),
                    length: data.count), data
            )
        default:
            return (.other(type, length: body.count), body)
        }
    }

    /// Visits proposals and their transforms; false when `visit` wants no more.
    private static func proposals(
        in bytes: RawSpan, _ body: Range<Int>, _ visit: (IKEPayload, Range<Int>) -> Bool
    ) throws(Malformation) -> Bool {
        var offset = body.lowerBound
        while offset < body.upperBound {
            let end = try substructureEnd(in: bytes, offset..<body.upperBound)
            let spiLength = Int(bytes.uint8(at: offset + 6))
            let transforms = Int(bytes.uint8(at: offset + 7))
            guard offset + 8 + spiLength <= end else { throw .ikeLength }
            let proposal = IKEPayload.proposal(
                number: bytes.uint8(at: offset + 4), protocolID: bytes.uint8(at: offset + 5), spiLength: spiLength,
                transforms: transforms)
            guard visit(proposal, offset + 8..<end) else { return false }
            var transform = offset + 8 + spiLength
            while transform < end {
                let next = try substructureEnd(in: bytes, transform..<end)
                let attributes = transform + 8..<next
                let value = IKEPayload.transform(
                    type: bytes.uint8(at: transform + 4), identifier: bytes.uint16(at: transform + 6),
                    keyLength: try keyLength(in: bytes, attributes))
                guard visit(value, attributes) else { return false }
                transform = next
            }
            offset = end
        }
        return true
    }

    /// The end of the proposal or transform that begins where `range` does; both have their length there and at least
    /// eight bytes.
    private static func substructureEnd(in bytes: RawSpan, _ range: Range<Int>) throws(Malformation) -> Int {
        guard range.count >= 8 else { throw .ikeLength }
        let end = range.lowerBound + Int(bytes.uint16(at: range.lowerBound + 2))
        guard end >= range.lowerBound + 8, end <= range.upperBound else { throw .ikeLength }
        return end
    }

    /// The Key Length attribute, of type 14 (RFC 7296, 3.3.5).
    private static func keyLength(in bytes: RawSpan, _ range: Range<Int>) throws(Malformation) -> UInt16? {
        var offset = range.lowerBound
        while offset < range.upperBound {
            guard offset + 4 <= range.upperBound else { throw .ikeLength }
            let type = bytes.uint16(at: offset)
            let value = bytes.uint16(at: offset + 2)
            if type == 0x800E { return value }
            // The first bit tells a value in place from a length.
            offset += type & 0x8000 != 0 ? 4 : 4 + Int(value)
        }
        guard offset == range.upperBound else { throw .ikeLength }
        return nil
    }
}
