import LabModel
import NetworkTypes

/// One of the ways in which a lab may go on: its chance, and when faults begin in it.
public struct Future: Hashable, Sendable {
    /// From 1. With the plan's other values it says all of a future.
    public let number: Int
    /// What the lab's randomness begins with.
    public let seed: UInt64
    /// How long after the lab has come up the first faults begin, beyond a scenario's usual beginning.
    public let moment: Duration
    /// Faults in the order in which they begin: those of one group at once.
    public let groups: [[Fault]]
    /// How long each group is held back when what came before it is over; the first one's is ``moment``.
    public let delays: [Duration]
}

/// Which futures of a lab there are: evenly spread moments, each with a seed of its own.
///
/// A future is the same however many there are besides, so that one can be had again by its number.
public struct FuturePlan: Hashable, Sendable {
    /// What begins in a future: one group of faults, or two in this order. Futures take turns.
    public let courses: [[[Fault]]]
    /// The moments are from zero to this.
    public let span: Duration
    /// The first future's; those after it have the numbers that follow.
    public let seed: UInt64

    /// - Parameter span: Above zero.
    public init(courses: [[[Fault]]], span: Duration, seed: UInt64) {
        precondition(!courses.isEmpty && span > .zero)
        self.courses = courses
        self.span = span
        self.seed = seed
    }

    /// Every two of some faults, one after the other, in both orders.
    public static func pairs(of faults: [Fault]) -> [[[Fault]]] {
        faults.indices.flatMap { first in
            faults.indices.filter { $0 != first }.map { [[faults[first]], [faults[$0]]] }
        }
    }

    /// - Parameter number: From 1.
    public func future(_ number: Int) -> Future {
        let (round, place) = (number - 1).quotientAndRemainder(dividingBy: courses.count)
        let groups = courses[place]
        let steps = groups.count > 1 ? Self.plane : Self.line
        let delays = zip(groups.indices, steps).map { spread(UInt64(round + 1), by: $1) }
        return Future(
            number: number, seed: seed &+ UInt64(number - 1), moment: delays.first ?? .zero, groups: groups,
            delays: delays)
    }

    /// The additive recurrence: multiples of an irrational number, less their whole parts. However many are taken, no gap between them is
    /// much wider than others (Niederreiter, Random Number Generation and Quasi-Monte Carlo Methods, 1992, section 3.1).
    private func spread(_ count: UInt64, by step: UInt64) -> Duration {
        let length = UInt64(clamping: span.wholeNanoseconds)
        return .nanoseconds(Int64(clamping: (count &* step).multipliedFullWidth(by: length).high))
    }

    /// Of 2^64: the golden ratio's fraction; and for two dimensions, the first two powers of what takes its place there, the inverse of
    /// the root of x³ = x + 1.
    private static let line: [UInt64] = [0x9E37_79B9_7F4A_7C15]
    private static let plane: [UInt64] = [0xC13F_A9A9_02A6_328F, 0x91E1_0DA5_C79E_7B1C]
}
