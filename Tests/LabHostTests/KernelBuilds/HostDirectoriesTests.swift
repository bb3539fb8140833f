import Glibc
import SystemPackage
import Testing

@testable import KernelBuilds
@testable import LabHost

@Suite("HostDirectories")
struct HostDirectoriesTests {
    @Test
    func `XDG variables come first, then HOME`() throws {
        let home = HostDirectories(environment: ["HOME": "/home/ann"])
        #expect(try home.path(.cache) == "/home/ann/.cache/netlab")
        #expect(try home.path(.state) == "/home/ann/.local/state/netlab")
        let xdg = HostDirectories(
            environment: ["HOME": "/home/ann", "XDG_CACHE_HOME": "/fast", "XDG_STATE_HOME": "/kept"])
        #expect(try xdg.path(.cache) == "/fast/netlab")
        #expect(try xdg.path(.state) == "/kept/netlab")
    }

    @Test(arguments: ["", "cache", "./cache"])
    func `A relative or empty variable counts as unset`(value: String) throws {
        let directories = HostDirectories(environment: ["HOME": "/home/ann", "XDG_CACHE_HOME": value])
        #expect(try directories.path(.cache) == "/home/ann/.cache/netlab")
    }

    @Test(arguments: [nil, "", "relative"])
    func `Without HOME: an error that names both variables`(home: String?) {
        var environment: [String: String] = [:]
        environment["HOME"] = home
        let error = #expect(throws: SetupError.self) { try HostDirectories(environment: environment).path(.state) }
        #expect(error?.code == .directoryUnavailable)
        #expect(error?.description.contains("XDG_STATE_HOME") == true)
        #expect(error?.description.contains("HOME") == true)
    }

    @Test
    func `The runtime directory lies in XDG_RUNTIME_DIR if that is the user's own, else in /tmp`() async throws {
        try await withTemporaryDirectory { directory in
            let user = UserID(rawValue: getuid())
            let own = HostDirectories(environment: ["XDG_RUNTIME_DIR": directory.string], user: user)
            let inside = try own.path(.runtime)
            #expect(inside == directory.appending("netlab"))
            let absent = HostDirectories(
                environment: ["XDG_RUNTIME_DIR": directory.appending("none").string], user: user)
            let fallback = try absent.path(.runtime)
            #expect(fallback.string == "/tmp/netlab-\(user.rawValue)")
            let other = UserID(rawValue: user.rawValue + 1)
            let foreign = HostDirectories(environment: ["XDG_RUNTIME_DIR": directory.string], user: other)
            let avoided = try foreign.path(.runtime)
            #expect(avoided.string == "/tmp/netlab-\(other.rawValue)")
        }
    }

    @Test
    func `Directories are made open to their owner only, with those above them; a second time changes nothing`()
        async throws
    {
        try await withTemporaryDirectory { directory in
            let directories = HostDirectories(
                environment: ["HOME": directory.appending("home").string], temporary: directory)
            for purpose in HostDirectories.Purpose.allCases {
                let path = try directories.create(purpose)
                let again = try directories.create(purpose)
                let permissions = try Stat(path).permissions
                #expect(again == path)
                #expect(permissions == .ownerReadWriteExecute)
            }
        }
    }

    @Test
    func `A file or a link in the place of the runtime directory is refused`() async throws {
        try await withTemporaryDirectory { directory in
            let directories = HostDirectories(environment: [:], temporary: directory)
            let path = try directories.path(.runtime)
            try write("", to: path)
            #expect(throws: SetupError.self) { try directories.create(.runtime) }
            #expect(unlink(path.string) == 0)
            try makeDirectory(directory.appending("target"))
            #expect(symlink(directory.appending("target").string, path.string) == 0)
            let error = #expect(throws: SetupError.self) { try directories.create(.runtime) }
            #expect(error?.code == .directoryUnsafe)
            #expect(error?.message.contains("symbolic link") == true)
        }
    }

    @Test
    func `A runtime directory of another user, or open to others, is refused`() async throws {
        try await withTemporaryDirectory { directory in
            let stranger = UserID(rawValue: getuid() + 1)
            let theirs = HostDirectories(environment: [:], user: stranger, temporary: directory)
            try makeDirectory(try theirs.path(.runtime))
            let refused = #expect(throws: SetupError.self) { try theirs.create(.runtime) }
            #expect(refused?.code == .directoryUnsafe)

            let mine = HostDirectories(environment: [:], temporary: directory)
            let path = try mine.create(.runtime)
            #expect(chmod(path.string, 0o755) == 0)
            let open = #expect(throws: SetupError.self) { try mine.create(.runtime) }
            #expect(open?.code == .directoryUnsafe)
            #expect(open?.remedy.contains("chmod 700") == true)
        }
    }

    @Test
    func `A directory for state that is another user's, or that others may write to, is refused`() async throws {
        try await withTemporaryDirectory { directory in
            let environment = ["XDG_STATE_HOME": directory.string]
            let mine = HostDirectories(environment: environment)
            let path = try mine.create(.state)
            let theirs = HostDirectories(environment: environment, user: UserID(rawValue: getuid() + 1))
            for attempt in [{ try theirs.create(.state) }, { try theirs.checkedPath(.state) }] {
                #expect(throws: SetupError.self) { try attempt() }
            }
            #expect(chmod(path.string, 0o755) == 0)
            let readable = try mine.checkedPath(.state)
            #expect(readable == path)
            #expect(chmod(path.string, 0o770) == 0)
            let open = #expect(throws: SetupError.self) { try mine.checkedPath(.state) }
            #expect(open?.code == .directoryUnsafe)
        }
    }

    @Test
    func `XDG_RUNTIME_DIR is passed over where others may write there`() async throws {
        try await withTemporaryDirectory { directory in
            let directories = HostDirectories(
                environment: ["XDG_RUNTIME_DIR": directory.string], temporary: directory.appending("tmp"))
            let closed = try directories.path(.runtime)
            #expect(closed == directory.appending("netlab"))
            #expect(chmod(directory.string, 0o777) == 0)
            let open = try directories.path(.runtime)
            #expect(open == directory.appending("tmp/netlab-\(getuid())"))
        }
    }

    @Test
    func `A lab's directories are looked for only where nobody else can have made them`() async throws {
        try await withTemporaryDirectory { directory in
            let directories = HostDirectories(
                environment: ["HOME": directory.string], temporary: directory)
            let runtime = try directories.create(.runtime)
            try makeDirectory(runtime.appending("labs/planted"))
            let labs = try LabDirectory.all(directories)
            #expect(labs.map(\.name) == ["planted"])
            let stranger = HostDirectories(
                environment: ["HOME": directory.string], user: UserID(rawValue: getuid()), temporary: directory)
            #expect(chmod(runtime.string, 0o777) == 0)
            #expect(throws: SetupError.self) { try LabDirectory.all(stranger) }
            #expect(throws: SetupError.self) { try LabDirectory(name: "planted", directories: stranger) }
        }
    }

    @Test(arguments: ["", ".", "..", "../x", "a/b", "/etc", ".hidden", "a\0b"])
    func `A lab's name leads nowhere else`(name: String) {
        let directories = HostDirectories(environment: ["HOME": "/nonexistent"], temporary: "/nonexistent")
        #expect(throws: SetupError.self) { try LabDirectory(name: name, directories: directories) }
    }

    @Test(arguments: ["labs", "logs", "logs/here"])
    func `A link in the place of a lab's directories is refused`(_ place: String) async throws {
        try await withTemporaryDirectory { directory in
            let environment = ["XDG_STATE_HOME": directory.string]
            let directories = HostDirectories(environment: environment, temporary: directory.appending("run"))
            let base = try directories.create(place == "labs" ? .runtime : .state)
            if place == "logs/here" { try makeDirectory(base.appending("logs")) }
            let target = directory.appending("target")
            try makeDirectory(target)
            #expect(symlink(target.string, base.appending(place).string) == 0)
            let lab = try LabDirectory(name: "here", directories: directories)
            let error = #expect(throws: SetupError.self) { try lab.claim(directories) }
            #expect(error?.code == .directoryUnsafe)
            #expect(try names(in: target) == [])
        }
    }

    @Test
    func `Where nothing can be made, the error names the directory and the variable to set`() async throws {
        try await withTemporaryDirectory { directory in
            let file = directory.appending("file")
            try write("", to: file)
            let directories = HostDirectories(environment: ["HOME": file.string])
            let error = #expect(throws: SetupError.self) { try directories.create(.cache) }
            #expect(error?.code == .directoryUnavailable)
            #expect(error?.cause == .notDirectory)
            #expect(error?.remedy.contains("XDG_CACHE_HOME") == true)
        }
    }
}
