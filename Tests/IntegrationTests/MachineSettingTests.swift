import Foundation
import SystemPackage
import Testing

/// What a user's surroundings can be like: limits, a suspended machine, search path, language, time zone.
// Waiting for other labs counts, too.
@Suite(.serialized, .timeLimit(.minutes(60)))
struct MachineSettingTests {
    // MARK: Limits

    /// The lab kernel keeps hundreds of the host's files open: it gets as many as the user may have.
    @Test func `A soft limit of open files is raised`() async throws {
        try await LabHome.with { home in
            let result = try await home.script(
                """
                ulimit -S -n 64
                "$netlab" up \(try home.writePair()) --clock paused >/dev/null || exit 1
                "$netlab" exec pair left -- sh -c 'find /usr/lib /usr/share -type f | head -n 1500 | xargs head -qc 1 | wc -c'
                "$netlab" down pair
                """)
            #expect(result.code == 0, result.account)
            let read = result.output.split(separator: "\n").compactMap { Int($0) }.first ?? 0
            #expect(read > 1000, result.account)
            #expect(!result.error.contains("Too many open files"), result.account)
        }
    }

    @Test func `Too few open files are said`() async throws {
        try await LabHome.with(labs: 0) { home in
            let result = try await home.script("ulimit -n 64; \"$netlab\" up \(try home.writePair())")
            #expect(result.code == 3, result.account)
            #expect(result.error.contains("open files: 64 at most"), result.account)
            #expect(result.error.contains("ulimit -n 4096"), result.account)
            try await home.expectNothingLeft()
        }
    }

    /// Without a check, the lab's kernel would be ended by a signal, in some starts.
    @Test func `A limit of a file's size is said`() async throws {
        try await LabHome.with(labs: 0) { home in
            let result = try await home.script("prlimit --fsize=1073741824 \"$netlab\" up \(try home.writePair())")
            #expect(result.code == 3, result.account)
            #expect(result.error.contains("file size: 1024 MiB at most"), result.account)
            #expect(result.error.contains("ulimit -f unlimited"), result.account)
            try await home.expectNothingLeft()
        }
    }

    /// Without a check, the program's libraries would wait for their threads for ever.
    @Test func `Too few processes are said`() async throws {
        // The limit does not hold for root: then it is somebody else's.
        let user = getuid() == 0 ? ["--reuid=65534", "--regid=65534", "--clear-groups"] : []
        let result = try await Netlab().execute(
            "/usr/bin/setpriv", user + ["prlimit", "--nproc=4", Netlab.program.string, "list"])
        #expect(result.code == 3, result.account)
        #expect(result.error.contains(/this user may start only \d more processes and threads/), result.account)
        #expect(result.error.contains("ulimit -u"), result.account)
    }

    // MARK: Suspended

    /// A machine that sleeps, or a debugger: the lab's time does not race afterwards to make up for it.
    @Test func `A suspended lab goes on where it was`() async throws {
        try await LabHome.with { home in
            try await home.netlab.succeed("up", try home.writePair())
            let lab = RunningLab(home: home, name: "pair")
            let processes = try home.processes(of: "pair")
            let before = try await lab.clock().time
            for process in processes { kill(process, SIGSTOP) }
            // Longer than everything that netlab waits for.
            try await Task.sleep(for: .seconds(8))
            for process in processes.reversed() { kill(process, SIGCONT) }
            let after = try await lab.clock().time
            #expect(after - before < .seconds(3))
            #expect(try await lab.ping("10.0.0.2", from: "left").isLossless)
        }
    }

    @Test func `A supervisor that has been stopped is taken down`() async throws {
        try await LabHome.with { home in
            try await home.netlab.succeed("up", try home.writePair())
            for process in try home.processes(of: "pair") { kill(process, SIGSTOP) }
            let down = try await home.netlab.succeed("down", "pair")
            #expect(down.took < .seconds(12))
            try await home.expectNothingLeft()
        }
    }

    // MARK: The date

    /// On the host's own kernel (a lab kernel in its place, whose date can be set): daemons and probes go by a clock that nobody
    /// can set.
    @Test func `A date that is set changes nothing`() async throws {
        try await LabHome.with { home in
            let result = try await home.netlab.run(
                "kernel", "run", "--", "/bin/sh", "-c",
                """
                mkdir -m 700 /run/xdg /run/xdg/run /run/xdg/state
                export XDG_RUNTIME_DIR=/run/xdg/run XDG_STATE_HOME=/run/xdg/state NETLAB_HOME=\(Netlab.checkout) NO_COLOR=1
                netlab=\(Netlab.guestProgram)
                $netlab up aws-oci --kernel host >/dev/null || exit 1
                for step in '+1 hour' '-2 hours'; do
                    before=$(date +%s); date -s "$step" >/dev/null || exit 1; echo "by $(($(date +%s) - before))"
                    $netlab exec aws-oci vpc1-ec2 -- ping -q -c 5 -i 3 10.105.2.100 | grep loss
                    $netlab status aws-oci | grep -c Established
                done
                $netlab down aws-oci
                """)
            #expect(result.code == 0, result.account)
            let words = result.output.split(separator: "\n").map(String.init)
            #expect(words.filter { $0.hasPrefix("by 3") || $0.hasPrefix("by -7") }.count == 2, result.account)
            #expect(words.filter { $0.contains("5 received, 0% packet loss") }.count == 2, result.account)
            #expect(words.filter { $0 == "2" }.count == 2, result.account)
        }
    }

    // MARK: The search path

    /// Labs run the system's programs, whatever the user's shell would find.
    @Test(arguments: [".:$home/bin:$PATH", "", "-"])
    func `The search path does not matter`(path: String) async throws {
        try await LabHome.with { home in
            let result = try await home.script(
                """
                mkdir "$home/bin"; cd "$home/bin"
                for program in linux ip certutil bird birdc pluto ipsec apt-get sh bash mount unshare nsenter; do
                    printf '#!/bin/sh\\necho "$0" >>"$home/taken"\\nexit 66\\n' >$program; chmod 755 $program
                done
                path="\(path)"; export PATH="$path"; [ "$path" != - ] || unset PATH
                "$netlab" up \(try home.writePair()) --clock paused || exit
                "$netlab" exec pair left -- ip -4 -o addr show dev eth0
                "$netlab" doctor; "$netlab" down pair
                """)
            #expect(result.code == 0, result.account)
            #expect(result.output.contains("inet 10.0.0.1/24"), result.account)
            #expect(!result.output.contains("\(home.path)/bin"), result.account)
            #expect(Host.contents("\(home.path)/taken") == "", "programs that were taken for the system's")
        }
    }

    /// From the script's first line on.
    @Test func `Scripts use the system's programs too`() async throws {
        try await LabHome.with(labs: 0) { home in
            let result = try await home.script(
                """
                mkdir -p "$home/bin" "$home/c/.build/release" "$home/c/Sources"; cd "$home/bin"
                for program in readlink find grep cmp awk dirname; do
                    printf '#!/bin/sh\\necho "$0" >>"$home/taken"\\nexit 66\\n' >$program; chmod 755 $program
                done
                cp -r \(Netlab.checkout)/scripts "$home/c/"; touch "$home/c/Package.swift"
                printf '#!/bin/sh\\necho "ran $1 by $PATH"\\n' >"$home/c/.build/release/netlab"
                chmod 755 "$home/c/.build/release/netlab"; touch "$home/c/.build/netlab.stamp"
                mount --bind "$home/c" "$home/c" && mount -o remount,bind,ro "$home/c"
                PATH=".:$home/bin:/usr/bin" TZ=nonsense LC_ALL=ja_JP.eucJP "$home/c/scripts/netlab" list
                """)
            #expect(result.code == 0, result.account)
            // The program gets the user's own path.
            #expect(result.output.contains("ran list by .:\(home.path)/bin:/usr/bin"), result.account)
            #expect(Host.contents("\(home.path)/taken") == "", "programs that were taken for the system's")
        }
    }

    // MARK: Language and time zone

    static let surroundings = [
        ["LANG": "tr_TR.UTF-8", "TZ": "Asia/Tokyo"], ["LC_ALL": "ja_JP.eucJP", "TZ": "nonsense/zone"],
        ["LC_ALL": "C", "TZ": "America/New_York"], ["LC_ALL": "nonsense", "TZ": "::::"],
    ]

    @Test(arguments: surroundings) func `Language and time zone do not matter`(variables: [String: String]) async throws
    {
        try await LabHome.with { home in
            let title = "日本語の題: İstanbul ıI"
            let file = try home.writePair()
            let text = Host.contents(file).replacing("title: two nodes and a wire", with: "title: \"\(title)\"")
            try text.write(toFile: file, atomically: true, encoding: .utf8)
            let there = home.netlab.settingVariables(variables.mapValues { $0 })
            for verb in ["validate", "plan"] {
                let (plain, other) = (
                    try await home.netlab.succeed(verb, file), try await there.succeed(verb, file)
                )
                #expect(plain.output == other.output)
            }
            try await there.succeed("up", file, "--clock", "paused")
            let status = try await there.succeed("status", "pair")
            #expect(status.output.contains(title), status.account)
            // The lab's own programs have a locale and a zone of their own.
            let date = try await there.succeed("exec", "pair", "left", "--", "date", "+%Z %B")
            #expect(date.output.hasPrefix("UTC "), date.account)
            try await there.succeed("down", "pair")
            try await home.expectNothingLeft()
        }
    }
}

extension LabHome {
    /// A lab's supervisor and its kernel, by the record that it has written.
    func processes(of lab: String) throws -> [pid_t] {
        struct Record: Decodable {
            let supervisor: pid_t
            let kernel: pid_t
        }
        let text = Host.contents("\(runtime)/netlab/labs/\(lab)/lab.json")
        let record = try JSONDecoder().decode(Record.self, from: Data(text.utf8))
        return [record.supervisor, record.kernel]
    }
}
