import CNetlink
import Glibc
import NetworkTypes

/// The extended-sequence-number flag, `XFRM_STATE_ESN` (linux/xfrm.h).
private let extendedSequenceFlag: UInt8 = 128

extension SecurityAssociation {
    /// Reads an `XFRM_MSG_NEWSA` message.
    init?(_ reply: Reply) {
        guard let (state, attributes) = reply.split(xfrm_usersa_info.self) else { return nil }
        self.init(state, attributes)
    }

    /// Reads the structure and attributes of `XFRM_MSG_NEWSA`; nil where the family, mode or a prefix length makes no sense.
    init?(_ state: xfrm_usersa_info, _ attributes: Attributes) {
        guard let source = IPAddress(state.saddr, family: state.family),
            let destination = IPAddress(state.id.daddr, family: state.family),
            let mode = IPsecMode(rawValue: state.mode)
        else { return nil }
        self.init(
            source: source, destination: destination, spi: UInt32(bigEndian: state.id.spi),
            protocol: IPsecProtocol(rawValue: state.id.proto), mode: mode)
        requestID = state.reqid
        mark = attributes[XFRMA_MARK]?.structure(xfrm_mark.self).map { PacketMark(value: $0.v, mask: $0.m) }
        outputMark = attributes[XFRMA_SET_MARK]?.integer(UInt32.self).map { value in
            PacketMark(value: value, mask: attributes[XFRMA_SET_MARK_MASK]?.integer() ?? .max)
        }
        interfaceID = attributes[XFRMA_IF_ID]?.integer()
        encryption = attributes[XFRMA_ALG_CRYPT].flatMap { IPsecAlgorithm($0, hasTag: false) }
        integrity = attributes[XFRMA_ALG_AUTH_TRUNC].flatMap { IPsecAlgorithm($0, hasTag: true) }
        aead = attributes[XFRMA_ALG_AEAD].flatMap { IPsecAlgorithm($0, hasTag: true) }
        encapsulation = attributes[XFRMA_ENCAP]?.structure(xfrm_encap_tmpl.self).map { template in
            Encapsulation(
                type: EncapsulationType(rawValue: template.encap_type),
                sourcePort: UInt16(bigEndian: template.encap_sport),
                destinationPort: UInt16(bigEndian: template.encap_dport))
        }
        selector = IPsecSelector(state.sel)
        hasExtendedSequence = state.flags & extendedSequenceFlag != 0
        if let replay = attributes[XFRMA_REPLAY_ESN_VAL]?.structure(xfrm_replay_state_esn.self) {
            replayWindow = Int(replay.replay_window)
            outputSequence = UInt64(replay.oseq_hi) << 32 | UInt64(replay.oseq)
            inputSequence = UInt64(replay.seq_hi) << 32 | UInt64(replay.seq)
        } else {
            let replay = attributes[XFRMA_REPLAY_VAL]?.structure(xfrm_replay_state.self)
            replayWindow = Int(state.replay_window)
            outputSequence = UInt64(replay?.oseq ?? 0)
            inputSequence = UInt64(replay?.seq ?? 0)
        }
        let limits = state.lft
        softLimits = IPsecLimits(
            limits.soft_byte_limit, limits.soft_packet_limit, limits.soft_add_expires_seconds,
            limits.soft_use_expires_seconds)
        hardLimits = IPsecLimits(
            limits.hard_byte_limit, limits.hard_packet_limit, limits.hard_add_expires_seconds,
            limits.hard_use_expires_seconds)
        bytes = state.curlft.bytes
        packets = state.curlft.packets
        addTime = state.curlft.add_time
        useTime = state.curlft.use_time
        replays = state.stats.replay
        integrityFailures = state.stats.integrity_failed
    }

    /// The request that adds this association. What the kernel counts is left out.
    func addMessage() throws(NetlinkError) -> Message {
        var state = xfrm_usersa_info()
        state.id.daddr = xfrm_address_t(destination)
        state.id.spi = spi.bigEndian
        state.id.proto = self.protocol.rawValue
        state.saddr = xfrm_address_t(source)
        state.family = UInt16(destination.family)
        state.mode = mode.rawValue
        state.reqid = requestID
        if let selector { state.sel = xfrm_selector(selector) }
        let usesLargeWindow = hasExtendedSequence || replayWindow > 32
        state.replay_window = usesLargeWindow ? 0 : UInt8(clamping: replayWindow)
        if hasExtendedSequence { state.flags |= extendedSequenceFlag }
        state.lft = xfrm_lifetime_cfg(soft: softLimits, hard: hardLimits)

        let message = try Message(XFRM_MSG_NEWSA, flags: Int32(NLM_F_CREATE | NLM_F_EXCL), state)
        for (type, algorithm, hasTag) in [
            (XFRMA_ALG_CRYPT, encryption, false), (XFRMA_ALG_AUTH_TRUNC, integrity, true), (XFRMA_ALG_AEAD, aead, true),
        ] {
            if let algorithm { message.put(type, bytes: algorithm.bytes(hasTag: hasTag)) }
        }
        if let encapsulation {
            var template = xfrm_encap_tmpl()
            template.encap_type = encapsulation.type.rawValue
            template.encap_sport = encapsulation.sourcePort.bigEndian
            template.encap_dport = encapsulation.destinationPort.bigEndian
            message.put(XFRMA_ENCAP, structure: template)
        }
        if usesLargeWindow {
            var replay = xfrm_replay_state_esn()
            let words = (UInt32(clamping: replayWindow).clamped(to: 4096) + 31) / 32
            replay.bmp_len = words
            replay.replay_window = UInt32(clamping: replayWindow)
            message.put(XFRMA_REPLAY_ESN_VAL, bytes: replay.bytes + Array(repeating: 0, count: Int(words) * 4))
        }
        message.put(mark, interfaceID)
        if let outputMark {
            message.put(XFRMA_SET_MARK, outputMark.value)
            message.put(XFRMA_SET_MARK_MASK, outputMark.mask)
        }
        return message
    }

    /// What names it in messages to people: never its keys.
    var label: String { "\(self.protocol) \(source) to \(destination) spi 0x\(String(spi, radix: 16))" }
}

extension IPsecAlgorithm {
    /// Reads `struct xfrm_algo`, or with a tag's length `xfrm_algo_auth` and `xfrm_algo_aead`: 64 bytes of name, one or two lengths in bits, the key.
    fileprivate init?(_ attribute: Attribute, hasTag: Bool) {
        let bytes = attribute.bytes
        guard let keyBits = bytes.dropFirst(64).integer(UInt32.self),
            let tagBits = hasTag ? bytes.dropFirst(68).integer(UInt32.self) : 0
        else { return nil }
        let key = bytes.dropFirst(hasTag ? 72 : 68)
        let length = (Int(keyBits) + 7) / 8
        guard length <= key.count else { return nil }
        let name = String(decoding: bytes.prefix(64).prefix { $0 != 0 }, as: UTF8.self)
        self.init(name: name, key: KeyMaterial(Array(key.prefix(length))), tagBits: Int(tagBits))
    }

    fileprivate func bytes(hasTag: Bool) -> [UInt8] {
        let text = Array(name.utf8.prefix(63))
        var bytes = text + Array(repeating: 0, count: 64 - text.count)
        for length in hasTag ? [key.bits, tagBits] : [key.bits] {
            bytes += withUnsafeBytes(of: UInt32(clamping: length)) { Array($0) }
        }
        return bytes + key.bytes
    }
}

extension IPsecLimits {
    /// The kernel's "none" is all ones for counts and zero for times.
    fileprivate init(_ bytes: UInt64, _ packets: UInt64, _ sinceAdded: UInt64, _ sinceFirstUse: UInt64) {
        self.init(
            bytes: bytes == .max ? nil : bytes, packets: packets == .max ? nil : packets,
            sinceAdded: sinceAdded == 0 ? nil : .seconds(Int64(clamping: sinceAdded)),
            sinceFirstUse: sinceFirstUse == 0 ? nil : .seconds(Int64(clamping: sinceFirstUse)))
    }
}

extension xfrm_lifetime_cfg {
    init(soft: IPsecLimits = IPsecLimits(), hard: IPsecLimits = IPsecLimits()) {
        let seconds = { (time: Duration?) in UInt64(clamping: time?.components.seconds ?? 0) }
        self.init(
            soft_byte_limit: soft.bytes ?? .max, hard_byte_limit: hard.bytes ?? .max,
            soft_packet_limit: soft.packets ?? .max, hard_packet_limit: hard.packets ?? .max,
            soft_add_expires_seconds: seconds(soft.sinceAdded), hard_add_expires_seconds: seconds(hard.sinceAdded),
            soft_use_expires_seconds: seconds(soft.sinceFirstUse), hard_use_expires_seconds: seconds(hard.sinceFirstUse)
        )
    }
}

extension UInt32 {
    fileprivate func clamped(to limit: UInt32) -> UInt32 { Swift.min(self, limit) }
}
