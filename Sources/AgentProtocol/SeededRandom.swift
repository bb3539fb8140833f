/// What gives the daemons of a lab the same random numbers as in every other lab with the same seed.
public struct SeededRandom: Hashable, Sendable, Codable {
    public let seed: UInt64
    /// The shared library that a daemon is to load first (`Sources/CSeededRandom`): as bytes, for the host's file may
    /// lie where a lab has a directory of its own.
    public let library: Bytes

    public init(seed: UInt64, library: Bytes) {
        self.seed = seed
        self.library = library
    }

    /// Where a daemon's stream of numbers begins.
    ///
    /// - Parameters:
    ///   - daemon: `NODE/KIND`: no two daemons of a lab draw alike.
    ///   - start: How often it has been started before; it draws anew after a restart.
    public func stream(of daemon: String, start: Int) -> UInt64 {
        // FNV-1a (Fowler, Noll, Vo); the stream's own generator mixes what comes of it.
        "\(seed) \(daemon) \(start)".utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0100_0000_01B3 }
    }
}
