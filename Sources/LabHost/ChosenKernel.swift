import AgentProtocol
import Glibc
import KernelBuilds
import LabRecords
import SystemPackage

/// The kernel that a lab is to run on.
public enum ChosenKernel: Sendable, Hashable {
    case lab(BuiltKernel)
    /// The host's own.
    case host

    public var kind: KernelKind {
        switch self {
        case .lab: .lab
        case .host: .host
        }
    }

    /// What kind of time passes on it.
    public var time: TimeKind { kind == .host ? .real : .virtual }

    /// As an argument of the supervisor: the program of a lab kernel, or a word that is no path.
    public var argument: String {
        switch self {
        case .lab(let kernel): kernel.path.string
        case .host: KernelKind.host.rawValue
        }
    }

    /// - Parameter argument: as from ``argument``.
    public init(argument: String) {
        self = argument == KernelKind.host.rawValue ? .host : .lab(BuiltKernel(path: FilePath(argument), metadata: nil))
    }

    /// What the kernel calls itself (uname(2)), or where its program is if nothing else is known about it.
    public var release: String {
        switch self {
        case .lab(let kernel): return kernel.release
        case .host: return Self.hostRelease
        }
    }

    /// The host's kernel by its own name: `6.1.0-50-amd64`.
    public static var hostRelease: String {
        var names = utsname()
        uname(&names)
        return withUnsafeBytes(of: names.release) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
    }
}
