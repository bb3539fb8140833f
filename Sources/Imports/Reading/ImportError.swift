/// Why nothing can be imported: what was read, what is wrong, and what to do.
public struct ImportError: Error, Hashable, Sendable, CustomStringConvertible {
    public let message: String
    public let remedy: String

    init(message: String, remedy: String) {
        self.message = message.split(separator: "\n").map { String($0).oneLine }.joined(separator: "\n")
        self.remedy = remedy
    }

    public var description: String { "\(message)\n\(remedy)" }
}

/// Something to know of an imported lab.
public struct ImportNote: Hashable, Sendable {
    public enum Kind: String, Hashable, Sendable, Codable, CaseIterable {
        /// The lab needs it and no input has it; something stands in its place.
        case missing
        /// It is in an input, and the lab cannot have it.
        case unsupported
        /// No input says it, and a convention does.
        case assumed
    }

    public let kind: Kind
    public let text: String

    init(_ kind: Kind, _ text: String) {
        self.kind = kind
        self.text = text.oneLine
    }
}

/// A file that a user has given.
public struct ImportFile: Hashable, Sendable {
    /// As the user has named it.
    public let path: String
    public let text: String

    public init(path: String, text: String) {
        self.path = path
        self.text = text
    }

    /// The last part of its path.
    var name: String { path.split(separator: "/").last.map(String.init) ?? path }
    /// The part before that; nil where there is none.
    var directory: String? {
        path.split(separator: "/").dropLast().last.map(String.init).flatMap { [".", ".."].contains($0) ? nil : $0 }
    }
    /// What comments call it: with its directory, for both gateways' files may have one name.
    var label: String {
        isDaemonsOwn ? directory.map { "\($0)/\(name)" } ?? name : name
    }
    /// Whether its name is one that IKE daemons' own files have.
    var isDaemonsOwn: Bool { name.hasSuffix(".conf") || name.hasSuffix(".secrets") }
    /// What is before the name; empty where nothing is.
    var parent: String { String(path.dropLast(name.count)) }
}
