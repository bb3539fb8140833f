import CLinux
import Glibc
import SystemPackage
import Testing

@testable import KernelBuilds
@testable import LabHost

/// What a confined program can write: each means by itself, with a program that tries everything that a lab kernel's process
/// could be made to do.
@Suite("Confinement")
struct ConfinementTests {
    /// Those that this machine has; the first alone is used, the others where it is missing.
    static let means = Confinement.candidates.filter { (try? run("true", confined: $0, places: [])) == 0 }

    @Test func `This machine has a means, and the one to be used is the first`() {
        #expect(Self.means.first != nil)
        #expect(Confinement.find([:]) == Self.means.first)
        #expect(Confinement.find(["NETLAB_UNCONFINED": "1"]) == Confinement.none)
    }

    /// Attempts at a file `f` and what is beside it; each leaves a trace if it succeeds.
    static let attempts = [
        "echo x > f", "echo x >> f", "rm f", "mv f g", "ln f h", "chmod 777 f", "touch -d @0 f", "truncate -s 0 f",
        "echo x > n", "mkdir d", "ln -s f l", "mkfifo p", "mknod c c 1 3", "cp f o", "rmdir e", "chown 1:1 f",
        "ln -s / t/l; echo x > t/l$PWD/n", "ln f t/f && echo x > t/f", "mv f t/f", "perl -e 'truncate(\"f\", 0)'",
        "perl -e 'utime(0, 0, \"f\")'", "mount --bind t .; echo x > f",
    ]

    @Test(arguments: means, attempts)
    func `Confined, nothing of what is outside changes`(means: Confinement, attempt: String) async throws {
        try await withTemporaryDirectory { directory in
            let place = try Self.furnish(directory)
            let before = try Self.picture(of: directory)
            _ = try Self.run("cd \(directory) && \(attempt)", confined: means, places: [place])
            #expect(try Self.picture(of: directory) == before, "\(attempt)")
        }
    }

    /// Without it, the attempts are real ones: the same user succeeds with all but those that only root may.
    @Test(arguments: attempts.prefix(13))
    func `Unconfined, the same attempts succeed`(attempt: String) async throws {
        if attempt.hasPrefix("mknod"), geteuid() != 0 { return }
        try await withTemporaryDirectory { directory in
            let place = try Self.furnish(directory)
            let before = try Self.picture(of: directory)
            _ = try Self.run("cd \(directory) && \(attempt)", confined: Confinement.none, places: [place])
            #expect(try Self.picture(of: directory) != before)
        }
    }

    @Test(arguments: means)
    func `Files can be made, written and removed in the directories that were given`(means: Confinement) async throws {
        try await withTemporaryDirectory { directory in
            let place = try Self.furnish(directory)
            let work = "cd \(place.path) && echo one > a && echo two >> a && echo x > b && rm b && cat a > c && : > a"
            #expect(try Self.run(work, confined: means, places: [place]) == 0)
            #expect(try names(in: place.path) == ["a", "c"])
        }
    }

    @Test(arguments: means)
    func `A confined program can neither link nor make devices where it may write`(means: Confinement) async throws {
        try await withTemporaryDirectory { directory in
            let place = try Self.furnish(directory)
            let work = "cd \(place.path) && touch a; ln -s / l; mkfifo p; mknod c c 1 3; true"
            #expect(try Self.run(work, confined: means, places: [place]) == 0)
            #expect(try names(in: place.path) == ["a"])
            // Without a filter of system calls a file can get another mode, and a second name, where files can be written.
            if case .landlockInMountNamespace = means { return }
            #expect(try Self.run("cd \(place.path); ln a h; chmod 777 a; true", confined: means, places: [place]) == 0)
            #expect(try names(in: place.path) == ["a"])
            #expect(try Stat(place.path.appending("a")).permissions.isDisjoint(with: .otherWrite))
        }
    }

    @Test(arguments: means)
    func `Files of the kernel's own, such as /proc/self/oom_score_adj, cannot be written`(means: Confinement) throws {
        #expect(try Self.run("echo 5 > /proc/self/oom_score_adj", confined: Confinement.none, places: []) == 0)
        #expect(try Self.run("echo 5 > /proc/self/oom_score_adj", confined: means, places: []) != 0)
    }

    @Test
    func `No means at all is an obstacle with a remedy, the waiver a warning`() {
        let missing = Doctor.confinementFinding(nil)
        #expect(missing.status == .missing)
        #expect(missing.remedy?.contains("NETLAB_UNCONFINED=1") == true)
        #expect(Doctor.confinementFinding(Confinement.none).status == .warning)
        #expect(Doctor.confinementFinding(.landlock(version: 1)).status == .ok)
    }

    // MARK: -

    /// A file `f`, an empty directory `e`, and a directory `t` that may be written.
    private static func furnish(_ directory: FilePath) throws -> Confinement.Place {
        try write("safe", to: directory.appending("f"))
        try makeDirectory(directory.appending("e"))
        try makeDirectory(directory.appending("t"))
        return Confinement.Place(path: directory.appending("t"))
    }

    /// What can be seen of the files of a directory, but for the one that may be written.
    private static func picture(of directory: FilePath) throws -> [String] {
        try names(in: directory).map { name in
            let path = directory.appending(name)
            let status = try Stat(path, followTargetSymlink: false)
            let text = name == "f" ? (try? TextFile.read(path.string)) ?? "" : ""
            return "\(name) \(status.type) \(status.permissions.rawValue) \(status.userID.rawValue) \(status.linkCount)"
                + (name == "t" ? "" : " \(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec) \(text)")
        }
    }

    /// Runs a shell to its end.
    ///
    /// - Returns: Its exit code.
    private static func run(_ script: String, confined: Confinement, places: [Confinement.Place]) throws -> Int32 {
        let null = try FileDescriptor.open("/dev/null", .readWrite)
        defer { try? null.close() }
        let id = try confined.spawn(
            "/bin/sh", ["sh", "-c", script], environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"],
            streams: [null.rawValue, null.rawValue, null.rawValue], places: places)
        var status: Int32 = 0
        while waitpid(id, &status, 0) < 0, errno == EINTR {}
        return status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F
    }
}
