/// A setting that stands twice where it may stand once.
public struct Repetition: Hashable, Sendable {
    /// The setting's key, or its path.
    public var setting: String
    /// The lines, from 1.
    public let first: Int
    public let again: Int
    /// Whether the values are the same.
    public let isSame: Bool
}
