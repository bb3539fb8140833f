import AgentProtocol
import Daemons
import FoundationEssentials
import Glibc
import KernelBuilds
import SystemPackage

/// One thing that labs need from this machine, and whether it is there.
public struct DoctorFinding: Sendable, Hashable, Codable {
    public enum Status: String, Sendable, Hashable, Codable {
        case ok
        /// There, but something will not work as one would expect; or missing, and not every lab needs it.
        case warning
        /// Labs do not run without it.
        case missing
    }

    public let name: String
    /// What it is for.
    public let purpose: String
    public let status: Status
    /// What was found: a path, a version, a size, or what is wrong.
    public let detail: String
    /// What to do; nil when nothing needs doing.
    public let remedy: String?

    public init(name: String, purpose: String, status: Status, detail: String, remedy: String? = nil) {
        self.name = name
        self.purpose = purpose
        self.status = status
        self.detail = detail
        self.remedy = remedy
    }
}

/// Examines the machine for everything that labs need.
///
/// Makes netlab's own directories where they are absent, and a temporary file, which it removes; changes nothing else.
public enum Doctor {
    /// Every finding, in the order in which to mend them.
    ///
    /// - Parameter kind: The kernel that labs are to run on. On the host's, what only the lab kernel needs is not looked at.
    public static func examine(
        environment: [String: String] = ProcessInfo.processInfo.environment, for kind: KernelKind = .lab
    ) async -> [DoctorFinding] {
        let ofLabKernel =
            kind == .lab
            ? [
                architecture(KernelBuild.machineName), kernel(environment), memory(environment), fileSize(),
                confinement(environment),
            ] : []
        return ofLabKernel
            + HostDirectories.Purpose.allCases.filter { kind == .lab || $0 != .cache }.map {
                directory($0, environment)
            }
            + programs.map {
                $0.finding(
                    at: ProgramSearch.find($0.name, in: ProgramSearch.directories(LabPrograms.path) + $0.elsewhere))
            }
            + [openFiles(), processes()] + trees(environment) + [room(environment)]
    }

    /// The finding about the kernel in the cache.
    public static let kernelName = "lab kernel"
    /// The findings without which no kernel boots.
    public static let underKernel = ["processor", kernelName, "memory file", "file size", "confinement", "open files"]

    // MARK: - The machine

    static func architecture(_ machine: String) -> DoctorFinding {
        let purpose = "the lab kernel runs on x86-64 only"
        do {
            try KernelBuild.checkArchitecture(machine)
            return DoctorFinding(name: "processor", purpose: purpose, status: .ok, detail: machine)
        } catch {
            return DoctorFinding(
                name: "processor", purpose: purpose, status: .missing, detail: machine, remedy: error.remedy)
        }
    }

    static func kernel(_ environment: [String: String]) -> DoctorFinding {
        let purpose = "labs run on a kernel of their own"
        func finding(_ status: DoctorFinding.Status, _ detail: String, _ remedy: String? = nil) -> DoctorFinding {
            DoctorFinding(name: kernelName, purpose: purpose, status: status, detail: detail, remedy: remedy)
        }
        do {
            guard let kernel = try KernelCache(environment: environment).find() else {
                return finding(.missing, "not built yet", "Build it, once, some minutes: netlab kernel build")
            }
            return finding(
                .ok, [kernel.metadata?.release, kernel.path.string].compactMap { $0 }.joined(separator: ", "))
        } catch {
            return finding(.missing, error.message, error.remedy)
        }
    }

    // MARK: - File systems

    /// Why a file in `directory` cannot be mapped for execution, or nil when it can: tried with a real one, like
    /// User-Mode Linux does at start. mmap(2).
    static func executionObstacle(_ directory: FilePath) -> Errno? {
        var template = Array(directory.appending("netlab-XXXXXX").string.utf8CString)
        let descriptor = mkstemp(&template)
        guard descriptor >= 0 else { return Errno(rawValue: errno) }
        defer { close(descriptor) }
        unlink(template)
        let page = 4096
        guard ftruncate(descriptor, off_t(page)) == 0 else { return Errno(rawValue: errno) }
        let address = mmap(nil, page, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE, descriptor, 0)
        guard address != MAP_FAILED else { return Errno(rawValue: errno) }
        munmap(address, page)
        return nil
    }

    // MARK: - Directories and disk

    static func directory(_ purpose: HostDirectories.Purpose, _ environment: [String: String]) -> DoctorFinding {
        let name = "\(purpose.rawValue) directory"
        let uses: [HostDirectories.Purpose: String] = [
            .cache: "holds the lab kernel", .state: "keeps the logs of past runs", .runtime: "holds running labs",
        ]
        let use = uses[purpose] ?? ""
        do {
            let path = try HostDirectories(environment: environment).create(purpose)
            return DoctorFinding(name: name, purpose: use, status: .ok, detail: path.string)
        } catch {
            // Nobody needs to write there once the kernel is built.
            if purpose == .cache, (try? KernelCache(environment: environment).find()) != nil {
                return DoctorFinding(name: name, purpose: use, status: .ok, detail: "read-only, and complete")
            }
            return DoctorFinding(
                name: name, purpose: use, status: .missing, detail: error.message, remedy: error.remedy)
        }
    }

    static func room(_ environment: [String: String]) -> DoctorFinding {
        let free = (try? HostDirectories(environment: environment).path(.state)).flatMap(existing).flatMap(
            HostDirectories.freeBytes)
        return roomFinding(free: free)
    }

    static func roomFinding(free: Int?) -> DoctorFinding {
        let enough = 200_000_000
        let tight = (free ?? enough) < enough
        return DoctorFinding(
            name: "disk", purpose: "logs and captures of labs", status: tight ? .warning : .ok,
            detail: free.map { "\($0 / 1_000_000) MB free" } ?? "its free space is unknown",
            remedy: tight ? "Make room, or set XDG_STATE_HOME to a directory on another file system." : nil)
    }

    /// The path, or the nearest one above it that is there.
    private static func existing(_ path: FilePath) -> FilePath? {
        var path = path
        while (try? Stat(path)) == nil {
            guard path.removeLastComponent() else { return nil }
        }
        return path
    }

    // MARK: - Programs

    /// A program that labs run, and how to get it.
    struct Program: Sendable, Hashable {
        let name: String
        let purpose: String
        /// The Debian package that has it.
        let package: String
        /// Whether no lab comes up without it.
        var isEssential = true
        /// Directories to look in after the labs' own search path.
        var elsewhere: [FilePath] = []

        func finding(at path: FilePath?) -> DoctorFinding {
            if let path {
                return DoctorFinding(name: name, purpose: purpose, status: .ok, detail: path.string)
            }
            return DoctorFinding(
                name: name, purpose: purpose, status: isEssential ? .missing : .warning, detail: "not installed",
                remedy: "apt-get install \(package)")
        }
    }

    /// Those of the daemons that are installed, and what speaks to them and to people.
    static var programs: [Program] {
        DaemonRegistry.all.flatMap(\.programs).map {
            Program(
                name: $0.name, purpose: $0.purpose, package: $0.package, elsewhere: $0.elsewhere.map { FilePath($0) })
        } + tools
    }

    private static let tools = [
        Program(name: "ip", purpose: "used by daemons' scripts, and by people in a node", package: "iproute2"),
        Program(name: "ping", purpose: "used by people in a node", package: "iputils-ping", isEssential: false),
        Program(name: "traceroute", purpose: "used by people in a node", package: "traceroute", isEssential: false),
        Program(name: "tcpdump", purpose: "used by people in a node", package: "tcpdump", isEssential: false),
        Program(name: "sudo", purpose: "called by boot scripts, in a node", package: "sudo", isEssential: false),
    ]
}

extension Doctor {
    /// The finding about each daemon that netlab keeps in a tree of its own: named by its product, and needed by labs that run it.
    static func trees(_ environment: [String: String]) -> [DoctorFinding] {
        DaemonRegistry.all.compactMap { daemon in
            guard let tree = daemon.tree else { return nil }
            let found = DaemonTrees.find(tree, environment: environment)
            return DoctorFinding(
                name: daemon.product, purpose: "nodes with `\(daemon.choice)`", status: found == nil ? .warning : .ok,
                detail: found?.string ?? "not in netlab's cache", remedy: found == nil ? DaemonTrees.remedy : nil)
        }
    }
}
