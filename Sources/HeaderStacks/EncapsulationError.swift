/// Encapsulations that cannot stand together as asked, with what to do instead.
public struct EncapsulationError: Error, Hashable, Sendable, CustomStringConvertible {
    public let message: String
    public let remedy: String

    public var description: String { "\(message)\n\(remedy)" }
}
