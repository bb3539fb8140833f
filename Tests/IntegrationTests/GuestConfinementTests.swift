import Foundation
import SystemPackage
import Testing

/// A lab's guest is its own root, and reads the host's files; it cannot write one, whoever runs netlab.
// Waiting for other labs counts, too.
@Suite(.timeLimit(.minutes(60)))
struct GuestConfinementTests {
    /// Everything that the guest's root can try to write below a directory of the host's: by the root that it was given, made
    /// writable, and by a mount of its own.
    private static let attack = """
        mount -o remount,rw / && echo remounted
        mkdir -p /run/mine && mount -t hostfs none /run/mine -o / && echo mounted
        mkdir -p /run/here && mount -t hostfs none /run/here -o "$1" && echo here
        try() { ("$@") >/dev/null 2>&1 && echo "did: $*"; }
        for d in "/run/mine$1" /run/here; do
            cd $d || continue
            for c in 'echo x >f' 'echo x >>f' 'rm f' 'mv f g' 'ln f h' 'chmod 777 f' 'chown 1:1 f' 'touch -d @0 f' 'truncate -s 0 f' \\
                'echo x >n' 'mkdir d' 'ln -s f l' 'mkfifo p' 'mknod b b 8 0' 'rmdir e' 'chmod 777 .' 'mv e i' \\
                'perl -e "truncate(q(f), 0) or exit 1"' 'dd if=/dev/zero of=f bs=1 count=1 conv=notrunc'; do
                try sh -c "$c"
            done
        done
        cd /
        # The kernel's interfaces on the host, as files: the memory of the supervisor, and settings of the machine.
        mount -t hostfs none /run/mine -o /proc
        try sh -c "echo 5 >/run/mine/$2/oom_score_adj"
        try sh -c "printf x | dd of=/run/mine/$2/mem bs=1 seek=4194304 conv=notrunc"
        try sh -c "echo 3 >/run/mine/$2/clear_refs"
        try sh -c "head -c 1 /run/mine/$2/mem"
        try sh -c "echo x >/run/mine/sys/kernel/hostname"
        try sh -c "cat /run/mine/sys/kernel/hostname >/run/mine/sys/kernel/hostname"
        # What it may write: its own logs, plain files alone.
        cd "$3" 2>/dev/null || { mkdir -p /run/logs; mount -t hostfs none /run/logs -o "$3"; cd /run/logs; }
        echo x >plain && echo wrote
        try ln -s /etc/passwd link; try mkfifo pipe; try mknod device c 1 3; try mkdir directory; try ln plain hard
        true

        """

    @Test func `Guest root cannot write the host's files`() async throws {
        try await LabHome.with { home in
            try await Self.expectConfined(home, netlab: home.netlab, runAs: [])
        }
    }

    /// The same as an ordinary user, where root runs the tests; where an ordinary user does, the test before is this one.
    @Test func `Nor as an ordinary user`() async throws {
        guard geteuid() == 0 else { return }
        try await LabHome.with { home in
            let user = "65534"
            // What root has in its own directories this user cannot reach.
            let kernel = try await home.netlab.succeed("kernel", "info", "--format", "json").output
            let path = try #require(kernel.firstMatch(of: /"path" ?: ?"([^"]*)"/)).1.replacing("\\/", with: "/")
            let (program, linux) = (home.path.appending("netlab"), home.path.appending("linux"))
            try FileManager.default.copyItem(atPath: Netlab.program.string, toPath: program.string)
            try FileManager.default.copyItem(atPath: String(path), toPath: linux.string)
            let own = home.path.appending("own")
            try FileManager.default.createDirectory(
                atPath: own.appending("run").string, withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
            for file in [program, linux] { chmod(file.string, 0o755) }
            chmod(home.path.string, 0o755)
            for file in [own, own.appending("run")] { chown(file.string, 65534, 65534) }
            let netlab = home.netlab.settingVariables([
                "NETLAB_KERNEL": linux.string, "XDG_RUNTIME_DIR": own.appending("run").string,
                "XDG_STATE_HOME": own.appending("state").string, "XDG_CACHE_HOME": own.appending("cache").string,
                "HOME": own.string, "TMPDIR": "/tmp",
            ])
            try await Self.expectConfined(
                home, netlab: netlab, program: program,
                runAs: ["setpriv", "--reuid=\(user)", "--regid=\(user)", "--clear-groups"])
        }
    }

    @Test func `Nor where a container forbids seccomp filters`() async throws {
        try await LabHome.with { home in
            try await Self.expectConfined(home, netlab: home.netlab, runAs: [], under: ContainerProfile.noFilters.words)
        }
    }

    private static func expectConfined(
        _ home: LabHome, netlab: Netlab, program: FilePath = Netlab.program, runAs: [String], under: [String] = []
    ) async throws {
        func run(_ arguments: [String]) async throws -> Netlab.Result {
            let words = under + runAs + [program.string] + arguments
            return try await netlab.execute("/usr/bin/env", words)
        }
        let victim = home.path.appending("victim")
        try FileManager.default.createDirectory(
            atPath: victim.appending("e").string, withIntermediateDirectories: true)
        try "safe".write(toFile: victim.appending("f").string, atomically: false, encoding: .utf8)
        if !runAs.isEmpty {
            for file in [victim, victim.appending("e"), victim.appending("f")] { chown(file.string, 65534, 65534) }
        }
        let lab = try home.writePair()
        let up = try await run(["up", lab, "--clock", "paused"])
        try #require(up.code == 0, up.account)
        let list = try StatusView.decoder.decode(
            [LifetimeTests.Entry].self, from: Data(try await run(["list", "--format", "json"]).output.utf8))
        let entry = try #require(list.first { $0.name == "pair" })
        let supervisor = try #require(entry.supervisorPid)
        let state = runAs.isEmpty ? home.state : home.path.appending("own/state")
        let logs = state.appending("netlab/logs/pair")

        let before = picture(of: victim)
        let hostname = Host.contents("/proc/sys/kernel/hostname")
        let result = try await run([
            "exec", "pair", "left", "--", "sh", "-c", attack, "sh", victim.string, "\(supervisor)", logs.string,
        ])
        #expect(result.code == 0, result.account)
        let words = result.output.split(separator: "\n").map(String.init)
        // It may mount whatever it likes; that is all. Without a filter its own logs can have two names, too.
        let allowed = ["remounted", "mounted", "here", "wrote"] + (under.isEmpty ? [] : ["did: ln plain hard"])
        #expect(words == allowed, result.account)
        #expect(picture(of: victim) == before)
        #expect(before.count == 3)
        #expect(Host.contents("/proc/sys/kernel/hostname") == hostname)
        #expect(!Host.files(below: home.path).contains { $0.hasSuffix("outside") })
        #expect(Host.contents("/proc/\(supervisor)/oom_score_adj") == "0\n")
        let links = Host.files(below: logs).filter { name in
            (try? Stat(logs.appending(name), followTargetSymlink: false).type) != .regular
        }
        #expect(links == [])
        let down = try await run(["down", "pair"])
        #expect(down.code == 0, down.account)
    }

    /// Names, modes, owners, times and contents.
    private static func picture(of directory: FilePath) -> [String] {
        ([""] + Host.files(below: directory)).compactMap { name in
            let path = directory.appending(name)
            guard let status = try? Stat(path, followTargetSymlink: false) else { return nil }
            return
                "\(name) \(status.type) \(status.permissions.rawValue) \(status.userID.rawValue) \(status.linkCount) "
                + "\(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec) \(Host.contents(path.string))"
        }
    }

    /// The attempts are real ones: a kernel that is not confined lets its guest do them.
    @Test func `Positive control`() async throws {
        try await LabHome.with { home in
            let victim = home.path.appending("victim")
            try FileManager.default.createDirectory(
                atPath: victim.appending("e").string, withIntermediateDirectories: true)
            try "safe".write(toFile: victim.appending("f").string, atomically: false, encoding: .utf8)
            let lab = try home.writePair()
            let netlab = home.netlab.settingVariables(["NETLAB_UNCONFINED": "1"])
            let up = try await netlab.succeed("up", lab, "--clock", "paused")
            #expect(up.error.contains("NETLAB_UNCONFINED=1"), up.account)
            try await netlab.succeed(
                "exec", "pair", "left", "--", "sh", "-c",
                "mkdir /run/m && mount -t hostfs none /run/m -o \(victim) && chmod 640 /run/m/f && echo x >/run/m/n")
            #expect(Host.files(below: victim) == ["e", "f", "n"])
            #expect(try Stat(victim.appending("f")).permissions.rawValue == 0o640)
            try await netlab.succeed("down", "pair")
        }
    }

    /// Nobody finds keys in a core file: there are none, also of what is killed by a signal that makes one.
    @Test func `Nothing leaves a core`() async throws {
        try await LabHome.with { home in
            try await home.netlab.succeed("up", try home.writePair(), "--clock", "paused")
            let list = try StatusView.decoder.decode(
                [LifetimeTests.Entry].self,
                from: Data(try await home.netlab.succeed("list", "--format", "json").output.utf8))
            let entry = try #require(list.first { $0.name == "pair" })
            let (supervisor, kernel) = (try #require(entry.supervisorPid), try #require(entry.kernelPid))
            let processes = Set([supervisor, kernel] + Host.group(kernel) + Host.processes(naming: home.path))
            #expect(processes.count >= 3)
            for process in processes {
                let limits = Host.contents("/proc/\(process)/limits")
                // One byte: no core fits, and none is given to a program (fs/coredump.c).
                #expect(limits.contains(/Max core file size +1 +1 +bytes/), "\(Host.description(of: process))")
            }
            kill(supervisor, SIGXCPU)
            try await eventually(within: .seconds(60), "the lab's end") {
                Host.group(supervisor).isEmpty && !Host.group(kernel).contains(kernel)
            }
            _ = try await home.netlab.run("status", "pair")
            let cores = Host.files(below: home.path).filter { $0.contains("core") }
            #expect(cores == [])
        }
    }
}
