import Foundation
import SystemPackage
import Testing

/// What other users of a machine can do to a lab: nothing.
///
/// Played inside the lab kernel, where there are as many users as one likes: its root brings up a lab in host mode, and another
/// user tries, also where the modes of its directories do not stand in the way.
// Waiting for other labs counts, too.
@Suite(.timeLimit(.minutes(60)))
struct OtherUserTests {
    private static let preparation = """
        export PATH=/usr/sbin:/usr/bin:/sbin:/bin XDG_RUNTIME_DIR=/run/x XDG_STATE_HOME=/run/s LANG=C.UTF-8
        mkdir -m 700 /run/x /run/s
        other() { setpriv --reuid=1000 --regid=1000 --clear-groups --no-new-privs "$@"; }
        # Speaks to the supervisor as netlab does (AgentProtocol, FrameDecoder).
        ask='use IO::Socket::UNIX; $SIG{PIPE} = "IGNORE"; my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or do { print "refused\\n"; exit };
            my $j = $ARGV[1]; print $s pack("NN", 6 + length $j, length $j) . $j . "{}"; $s->flush; my $n = read($s, my $b, 4); print +($n ? "answered\\n" : "hung up\\n")'
        status='{"request":{"_0":"ShowStatus"}}' end='{"request":{"_0":"ShutDown"}}' socket=/run/x/netlab/labs/pair/socket

        """

    /// Runs a script as the root of a lab kernel; what it prints.
    private static func play(_ script: String, in home: LabHome) async throws -> [String] {
        let file = home.path.appending("script")
        try (preparation + script).write(toFile: file.string, atomically: true, encoding: .utf8)
        let lab = try home.writePair()
        let result = try await home.netlab.succeed(
            "kernel", "run", "--", "sh", file.string, Netlab.guestProgram.string, lab)
        return result.output.split(separator: "\n").map(String.init)
    }

    @Test func `Another user can neither command nor read nor end a lab`() async throws {
        try await LabHome.with { home in
            let output = try await Self.play(
                """
                "$1" up --kernel host "$2" >/dev/null || echo "up failed"
                echo closed; other perl -e "$ask" $socket "$status"
                other ls /run/x/netlab /run/s/netlab 2>/dev/null
                other cat /run/s/netlab/logs/pair/supervisor.log 2>/dev/null
                supervisor=$(sed -n 's/.*"supervisor":\\([0-9]*\\).*/\\1/p' /run/x/netlab/labs/pair/lab.json)
                other kill $supervisor 2>/dev/null && echo killed
                other cat /proc/$supervisor/environ 2>/dev/null
                other head -c 1 /proc/$supervisor/mem 2>/dev/null && echo read
                other env XDG_RUNTIME_DIR=/run/x "$1" down pair >/dev/null 2>&1 && echo downed
                find /run/x /run/s ! -type l -perm /077
                # The modes out of the way.
                chmod -R a+rwX /run/x /run/s
                echo open; other perl -e "$ask" $socket "$status"; other perl -e "$ask" $socket "$end"
                echo root; perl -e "$ask" $socket "$status"
                """, in: home)
            // The same question has an answer when root asks, so that it is a question.
            #expect(output == ["closed", "refused", "open", "hung up", "hung up", "root", "answered"])
        }
    }

    /// What another user has put where netlab would look or write.
    @Test func `What another user has put in place is not used`() async throws {
        try await LabHome.with { home in
            let output = try await Self.play(
                """
                # The host's /tmp is here, read-only, and what is tested may be in it; this one is the lab kernel's.
                mkdir /run/program; mount --bind "$(dirname "$1")" /run/program
                cp "$2" /run/pair.yaml; set -- /run/program/netlab /run/pair.yaml
                mount -t tmpfs -o mode=1777 tmpfs /tmp; unset XDG_RUNTIME_DIR
                other mkdir -m 777 -p /tmp/netlab-0/labs/pair
                # A record that names a process of root's as the kernel of a lab.
                sleep 1000 & victim=$!
                start=$(cut -d ' ' -f 22 /proc/$victim/stat)
                echo '{"lab":"pair","source":"x","supervisor":1,"supervisorStart":1,"kernel":'$victim',"kernelStart":'$start',"startedAt":0}' >/run/record
                other cp /run/record /tmp/netlab-0/labs/pair/lab.json
                for verb in "up --kernel host $2" "down pair" "status pair" "list" "exec pair left -- true" "logs pair"; do
                    "$1" $verb >/run/out 2>&1; echo "$? $(grep -c 'belongs to user 1000' /run/out)"
                done
                kill -0 $victim && echo alive
                rm -rf /tmp/netlab-0; other ln -s /run/elsewhere /tmp/netlab-0; mkdir /run/elsewhere
                "$1" up --kernel host "$2" >/run/out 2>&1; echo "$? $(grep -c 'is a symbolic link' /run/out)"
                ls -A /run/elsewhere
                # Capture files, and the directory of keys beside them.
                export XDG_RUNTIME_DIR=/run/x
                "$1" up --kernel host "$2" >/dev/null || echo "up failed"
                mkdir -m 1777 /tmp/shared; cd /tmp/shared
                echo mine >/run/target; other touch taken; other chmod 666 taken; other ln -s /run/target link
                for file in taken link new; do
                    "$1" capture pair --for 10ms -w $file >/run/out 2>&1; echo "$file $? $(grep -c 'belongs to user 1000' /run/out)"
                done
                cat /run/target; stat -c %a:%s taken; stat -c %a new
                """, in: home)
            #expect(
                output == Array(repeating: "3 1", count: 6) + [
                    "alive", "3 1", "taken 2 1", "link 2 1", "new 0 0", "mine", "666:0", "600",
                ])
        }
    }

    /// Whatever the shell's umask, files are 0600 and directories 0700.
    @Test(arguments: ["000", "077", "777"]) func `Umask does not matter`(_ umask: String) async throws {
        try await LabHome.with { home in
            let output = try await Self.play(
                """
                umask \(umask)
                "$1" up --kernel host "$2" >/dev/null || echo "up failed"
                umask 022; cd /run; umask \(umask)
                "$1" capture pair --for 10ms -w /run/x/c.pcapng >/dev/null 2>&1 || echo "capture failed"
                umask 022
                find /run/x /run/s -mindepth 1 -printf '%y %m\\n' | sort -u
                """, in: home)
            #expect(output == ["d 700", "f 600", "s 600"])
        }
    }
}
