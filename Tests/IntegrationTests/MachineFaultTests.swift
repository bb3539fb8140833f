import Foundation
import SystemPackage
import Testing

/// A machine that is short of something: each time the lab works, or `netlab` says what, where, and what to do.
// Waiting for other labs counts, too.
@Suite(.serialized, .timeLimit(.minutes(60)))
struct MachineFaultTests {
    // MARK: The memory file

    /// As in containers, where nobody has set TMPDIR.
    @Test func `A small shared memory is passed over`() async throws {
        try await LabHome.with { home in
            let lab = try home.writePair()
            let result = try await home.script(
                """
                mount -t tmpfs -o size=64m none /dev/shm; unset TMPDIR TMP TEMP
                "$netlab" up \(lab) --clock paused && "$netlab" exec pair left -- ping -c 1 10.0.0.2 && "$netlab" down pair
                """)
            #expect(result.code == 0, result.account)
            #expect(result.output.contains(" 0% packet loss"), result.account)
            try await home.expectNothingLeft()
        }
    }

    // MARK: Memory in the lab

    /// Of the daemons it is said which, by whoever looks.
    @Test func `A daemon that is taken for want of memory is said`() async throws {
        try await LabHome.with { home in
            let result = try await home.script(
                """
                mkdir "$home/m"; mount -t tmpfs -o size=300m none "$home/m"; export TMPDIR="$home/m"
                "$netlab" up aws-oci --clock paused >/dev/null || exit 1
                "$netlab" exec aws-oci tgw -- sh -c '
                    set -- $(pidof bird); echo 1000 >/proc/$1/oom_score_adj; exec tail /dev/zero'
                "$netlab" status aws-oci; "$netlab" down aws-oci
                """)
            #expect(result.code == 0, result.account)
            #expect(
                result.output.contains(
                    /\/bird +ended +BIRD [\d.]+ +was killed by the kernel, because the lab's memory was full/),
                result.account)
            try await home.expectNothingLeft()
        }
    }

    // MARK: Full disks

    @Test func `A full runtime directory is said`() async throws {
        try await LabHome.with { home in
            let lab = try home.writePair()
            let result = try await home.script(
                """
                mount -t tmpfs -o size=1m,mode=700 none "$XDG_RUNTIME_DIR"
                head -c 2m /dev/zero >"$XDG_RUNTIME_DIR/fill"
                "$netlab" up \(lab); code=$?
                find "$XDG_RUNTIME_DIR" -path '*/labs/*'; exit $code
                """)
            #expect(result.code == 3, result.account)
            #expect(result.error.contains("cannot write to the runtime directory"), result.account)
            #expect(result.error.contains("No space left on device"), result.account)
            #expect(result.error.contains("set XDG_RUNTIME_DIR"), result.account)
            #expect(!result.output.contains("/labs/"), result.account)
            try await home.expectNothingLeft()
        }
    }

    /// A lab's own work needs no room there; what is to be written is refused, and the lab lives.
    @Test func `A full state directory is said and the lab works`() async throws {
        try await LabHome.with { home in
            let lab = try home.writePair()
            let result = try await home.script(
                """
                mount -t tmpfs -o size=1m,mode=700 none "$XDG_STATE_HOME"
                head -c 2m /dev/zero >"$XDG_STATE_HOME/fill"
                "$netlab" up \(lab) || exit 1
                "$netlab" capture pair --for 1s -w "$home/x.pcapng"; echo "capture: $?"
                "$netlab" exec pair left -- ping -c 1 10.0.0.2; "$netlab" down pair
                """)
            #expect(result.code == 0, result.account)
            #expect(result.error.contains("netlab: disk: 0 MB free"), result.account)
            #expect(result.output.contains("capture: 3"), result.account)
            #expect(result.error.contains("The capture file cannot be written: No space left"), result.account)
            #expect(result.error.contains("set XDG_STATE_HOME"), result.account)
            #expect(result.output.contains(" 0% packet loss"), result.account)
            try await home.expectNothingLeft()
        }
    }

    // MARK: Directories that cannot be written

    /// Once the lab kernel is there, nobody writes to the cache.
    @Test func `A read-only cache is enough`() async throws {
        try await LabHome.with { home in
            let lab = try home.writePair()
            let result = try await home.script(
                """
                cache=${XDG_CACHE_HOME:-$HOME/.cache}/netlab
                mount --bind "$cache" "$cache" && mount -o remount,bind,ro "$cache" || exit 1
                ! touch "$cache/x" 2>/dev/null || exit 1
                "$netlab" up \(lab) --clock paused && "$netlab" down pair
                """)
            #expect(result.code == 0, result.account)
            try await home.expectNothingLeft()
        }
    }

    @Test func `A read-only home is said`() async throws {
        try await LabHome.with(labs: 0) { home in
            let lab = try home.writePair()
            let result = try await home.script(
                """
                mount -t tmpfs -o ro none "$XDG_STATE_HOME"
                "$netlab" up \(lab)
                """)
            #expect(result.code == 3, result.account)
            #expect(result.error.contains("cannot make the state directory"), result.account)
            #expect(result.error.contains("Set XDG_STATE_HOME"), result.account)
        }
    }

    // MARK: No entropy

    /// The lab kernel is seeded as it boots: nothing in a lab waits for chance, and IKE has its keys without /dev/random.
    @Test func `A machine without random devices is enough`() async throws {
        try await LabHome.with { home in
            let result = try await home.script(
                """
                touch "$home/empty"
                for device in random urandom hwrng; do
                    [ ! -e /dev/$device ] || mount --bind "$home/empty" /dev/$device || exit 1
                done
                "$netlab" up aws-oci --clock paused && "$netlab" exec aws-oci tgw -- dmesg; "$netlab" down aws-oci
                """)
            #expect(result.code == 0, result.account)
            #expect(result.output.contains(/tunnel +main +up/), result.account)
            #expect(result.output.contains("[    0.000000] random: crng init done"), result.account)
            try await home.expectNothingLeft()
        }
    }

    // MARK: No network

    /// Labs have their own; of the host's, IPv6 or not, netlab needs none.
    @Test func `A host without any network is enough`() async throws {
        try await LabHome.with { home in
            let result = try await home.script(
                """
                ! ip -6 addr add ::1/128 dev lo 2>/dev/null || exit 1
                "$netlab" up aws-ipip6 --clock paused >/dev/null || exit 1
                "$netlab" check aws-ipip6 | tail -n 1; "$netlab" down aws-ipip6
                """, withoutIPv6: true)
            #expect(result.code == 0, result.account)
            #expect(result.output.contains(/aws-ipip6: \d+ passed/), result.account)
            #expect(!result.output.contains("failed"), result.account)
        }
    }
}

extension LabHome {
    /// Runs a shell script in namespaces of its own, where anybody may mount (user_namespaces(7)). `$netlab` is the program,
    /// `$home` this directory.
    ///
    /// - Parameter withoutIPv6: In a network that has nothing but a loopback interface, on which IPv6 is off.
    func script(_ text: String, withoutIPv6: Bool = false) async throws -> Netlab.Result {
        let network = withoutIPv6 ? ["--net"] : []
        let prelude = withoutIPv6 ? "echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6\n" : ""
        return try await netlab.settingVariables(["netlab": Netlab.program.string, "home": path.string]).execute(
            "/usr/bin/unshare",
            ["--user", "--map-root-user", "--mount"] + network + ["sh", "-c", prelude + text])
    }
}
