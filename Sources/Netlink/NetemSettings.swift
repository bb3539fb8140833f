import CNetlink
import NetworkTypes

/// What a link does to packets: tc-netem(8), in whole nanoseconds and bits.
public struct NetemSettings: Hashable, Sendable, Codable {
    /// How long each packet is held, after the time its bytes take at `rate`.
    public var delay: Duration
    /// The delay's greatest deviation to either side, evenly spread. Packets may overtake each other.
    public var jitter: Duration
    /// The kernel keeps shares in 32 bits: they read back rounded to 10⁻⁹.
    public var loss: Percentage
    public var duplicate: Percentage
    /// The share of packets with one flipped bit.
    public var corrupt: Percentage
    /// The share of packets that are sent at once, past those held by `delay`.
    public var reorder: Percentage
    /// Counts Ethernet headers too. Kept in bytes a second: a multiple of 8 reads back exactly, others are rounded down.
    public var rate: BitRate?
    /// How many packets are held at most; more are dropped.
    public var limit: Int

    public init(
        delay: Duration = .zero, jitter: Duration = .zero, loss: Percentage = .zero, duplicate: Percentage = .zero,
        corrupt: Percentage = .zero, reorder: Percentage = .zero, rate: BitRate? = nil, limit: Int = 1000
    ) {
        self.delay = delay
        self.jitter = jitter
        self.loss = loss
        self.duplicate = duplicate
        self.corrupt = corrupt
        self.reorder = reorder
        self.rate = rate
        self.limit = limit
    }
}

extension NetemSettings {
    /// Writes `TCA_OPTIONS`: the old structure of counts and shares, then attributes for what it cannot hold.
    func put(in message: Message) {
        message.nest(Int(TCA_OPTIONS)) { message in
            var options = tc_netem_qopt()
            options.limit = UInt32(clamping: limit)
            options.loss = loss.share
            options.duplicate = duplicate.share
            // Reordering works on every packet only with a gap of one.
            options.gap = reorder == .zero ? 0 : 1
            message.append(options)
            message.put(TCA_NETEM_LATENCY64, delay.wholeNanoseconds)
            message.put(TCA_NETEM_JITTER64, jitter.wholeNanoseconds)
            // A queue that is there already keeps what it is not told (netem_change, net/sched/sch_netem.c).
            message.put(TCA_NETEM_CORRUPT, structure: tc_netem_corrupt(probability: corrupt.share, correlation: 0))
            message.put(TCA_NETEM_REORDER, structure: tc_netem_reorder(probability: reorder.share, correlation: 0))
            guard let rate else { return }
            let bytes = max(1, rate.bitsPerSecond / 8)
            var limit = tc_netem_rate()
            limit.rate = UInt32(clamping: bytes)
            if bytes > UInt64(UInt32.max) { message.put(TCA_NETEM_RATE64, bytes) }
            message.put(TCA_NETEM_RATE, structure: limit)
        }
    }

    /// Reads `TCA_OPTIONS` of a netem queue.
    init?(_ options: Attribute) {
        guard let fixed = options.structure(tc_netem_qopt.self) else { return nil }
        let attributes = Attributes(options.bytes.dropFirst(aligned(MemoryLayout<tc_netem_qopt>.size)))
        let rate = attributes[TCA_NETEM_RATE]?.structure(tc_netem_rate.self)
        let bytes = attributes[TCA_NETEM_RATE64]?.integer(UInt64.self) ?? UInt64(rate?.rate ?? 0)
        let (bits, overflow) = bytes.multipliedReportingOverflow(by: 8)
        self.init(
            delay: .nanoseconds(attributes[TCA_NETEM_LATENCY64]?.integer(Int64.self) ?? 0),
            jitter: .nanoseconds(attributes[TCA_NETEM_JITTER64]?.integer(Int64.self) ?? 0),
            loss: Percentage(share: fixed.loss), duplicate: Percentage(share: fixed.duplicate),
            corrupt: Percentage(
                share: attributes[TCA_NETEM_CORRUPT]?.structure(tc_netem_corrupt.self)?.probability ?? 0),
            reorder: Percentage(
                share: attributes[TCA_NETEM_REORDER]?.structure(tc_netem_reorder.self)?.probability ?? 0),
            rate: overflow ? nil : BitRate(bitsPerSecond: bits), limit: Int(fixed.limit))
    }
}

extension Percentage {
    /// The kernel's 32-bit scale, on which all ones is certainty.
    fileprivate var share: UInt32 { UInt32((fraction * Double(UInt32.max)).rounded()) }

    fileprivate init(share: UInt32) {
        self = Percentage(fraction: Double(share) / Double(UInt32.max)) ?? .zero
    }
}
