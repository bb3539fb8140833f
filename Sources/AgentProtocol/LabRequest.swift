/// What is asked of a lab: of its supervisor by a command, or of its agent by the supervisor. It names the type of its answer.
public protocol LabRequest: Codable, Sendable {
    associatedtype Reply: Codable, Sendable
}

extension LabRequest {
    /// As it is called in messages.
    public static var name: String { String(describing: Self.self) }
}

/// The answer to a request that only has to be done.
public struct Done: Hashable, Sendable, Codable {
    public init() {}
}
