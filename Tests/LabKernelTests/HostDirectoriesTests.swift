import Glibc
import SystemPackage
import Testing

@testable import LabKernel

@Suite("HostDirectories")
struct HostDirectoriesTests {
    @Test("XDG variables come first, then HOME")
    func paths() throws {
        let home = HostDirectories(environment: ["HOME": "/home/ann"])
        #expect(try home.path(.cache) == "/home/ann/.cache/netlab")
        #expect(try home.path(.state) == "/home/ann/.local/state/netlab")
        let xdg = HostDirectories(
            environment: ["HOME": "/home/ann", "XDG_CACHE_HOME": "/fast", "XDG_STATE_HOME": "/kept"])
        #expect(try xdg.path(.cache) == "/fast/netlab")
        #expect(try xdg.path(.state) == "/kept/netlab")
    }

    @Test("A relative or empty variable counts as unset", arguments: ["", "cache", "./cache"])
    func relative(value: String) throws {
        let directories = HostDirectories(environment: ["HOME": "/home/ann", "XDG_CACHE_HOME": value])
        #expect(try directories.path(.cache) == "/home/ann/.cache/netlab")
    }

    @Test("Without HOME: an error that names both variables", arguments: [nil, "", "relative"])
    func noHome(home: String?) {
        var environment: [String: String] = [:]
        environment["HOME"] = home
        let error = #expect(throws: SetupError.self) { try HostDirectories(environment: environment).path(.state) }
        #expect(error?.code == .directoryUnavailable)
        #expect(error?.description.contains("XDG_STATE_HOME") == true)
        #expect(error?.description.contains("HOME") == true)
    }

    @Test("The runtime directory lies in XDG_RUNTIME_DIR if that is the user's own, else in /tmp")
    func runtime() async throws {
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

    @Test("Directories are made open to their owner only, with those above them; a second time changes nothing")
    func create() async throws {
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

    @Test("A file or a link in the place of the runtime directory is refused")
    func wrongType() async throws {
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

    @Test("A runtime directory of another user, or open to others, is refused")
    func foreign() async throws {
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

    @Test("Where nothing can be made, the error names the directory and the variable to set")
    func unwritable() async throws {
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
