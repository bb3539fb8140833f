/// Where a node's programs and libraries come from, where they are not the host's.
public enum NodeSystem: Hashable, Sendable, Codable, Comparable, CustomStringConvertible {
    /// A release of Debian's, whose packages netlab keeps unpacked.
    case release(DebianRelease)
    /// A root directory of the user's own, such as an unpacked container image, by its path: in a lab file relative to that file, on this machine
    /// absolute.
    case directory(String)

    /// Reads what a lab file or a command line says: a release's name, or a path, which has a slash in it. Nil for anything else.
    public init?(_ text: String) {
        if let release = DebianRelease(rawValue: text) {
            self = .release(release)
        } else if text.contains("/"), !text.utf8.contains(0) {
            self = .directory(text)
        } else {
            return nil
        }
    }

    /// What the tree with its programs is called in a lab: a plain name below a directory, without what separates the layers of an
    /// overlay and a mount's options.
    public var treeName: String {
        switch self {
        case .release(let release): release.rawValue
        case .directory(let path): "root" + path.utf8.map(Self.plain).joined()
        }
    }

    private static func plain(_ byte: UInt8) -> String {
        let character = Character(UnicodeScalar(byte))
        if character.isASCII, character.isLetter || character.isNumber || "._-".contains(character) {
            return String(character)
        }
        return "=" + String(byte, radix: 16)
    }

    /// What the tree is called that is laid over a release's own programs, of packages that cannot be installed beside others; nil for
    /// a root directory, which has to have them itself.
    public func name(ofTree name: String) -> String? {
        switch self {
        case .release(let release): "\(release.rawValue)+\(name)"
        case .directory: nil
        }
    }

    public var description: String {
        switch self {
        case .release(let release): release.rawValue
        case .directory(let path): path
        }
    }

    public static func < (left: Self, right: Self) -> Bool { left.description < right.description }
}

/// A release of Debian's that netlab fetches programs of, by the name that lab files have for it.
public enum DebianRelease: String, Hashable, Sendable, Codable, CaseIterable {
    case debian12 = "debian-12"
    case debian13 = "debian-13"

    /// What the release is called in Debian's archive.
    public var suite: String {
        switch self {
        case .debian12: "bookworm"
        case .debian13: "trixie"
        }
    }
}
