import LabModel
import NetworkTypes

/// What a link does to the packets that leave by one of its ends.
public struct LinkShape: Hashable, Sendable, Codable {
    public var delay: Duration
    /// The greatest deviation from the delay, to either side.
    public var jitter: Duration = .zero
    public var loss: Percentage
    public var corruption: Percentage = .zero
    public var duplication: Percentage = .zero
    public var reordering: Percentage = .zero
    public var rate: BitRate
    /// The packets that the link's queue holds, those under way included.
    public var queue: Int { Self.queue(rate: rate, delay: delay + jitter, mtu: mtu) }
    private let mtu: MTU

    /// As the lab file has the link, the same in both directions.
    public init(_ link: Link) {
        delay = link.delay
        loss = link.loss
        rate = link.rate
        mtu = link.mtu
    }

    /// Room for 50 ms beyond what the delay holds: about what a router's port has.
    private static func queue(rate: BitRate, delay: Duration, mtu: MTU) -> Int {
        let packetsPerSecond = Double(rate.bitsPerSecond) / Double(8 * mtu.bytes)
        return max(1000, Int(min(packetsPerSecond * (delay.inSeconds + 0.05), Double(Int32.max))))
    }

    /// The same with something beside: losses and their like as if one came after the other, delays in sum, and the
    /// narrowest rate.
    mutating func add(_ impairment: Fault.Impairment) {
        switch impairment {
        case .loss(let share): loss = loss.or(share)
        case .corruption(let share): corruption = corruption.or(share)
        case .duplication(let share): duplication = duplication.or(share)
        case .reordering(let share): reordering = reordering.or(share)
        case .delay(let more): delay += more
        case .jitter(let more): jitter += more
        case .rate(let limit): rate = min(rate, limit)
        }
    }

    /// Nothing arrives.
    mutating func swallow() {
        loss = Percentage(fraction: 1) ?? loss
    }
}

extension Percentage {
    /// The chance of either of two things that have nothing to do with each other.
    fileprivate func or(_ other: Percentage) -> Percentage {
        if self == .zero { return other }
        if other == .zero { return self }
        return Percentage(fraction: min(1, 1 - (1 - fraction) * (1 - other.fraction))) ?? self
    }
}
