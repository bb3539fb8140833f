import Foundation
import SystemPackage
import Testing

/// A lab whose memory file has little room, in a file system of its own that TMPDIR names.
// Waiting for other labs counts, too.
@Suite(.serialized, .timeLimit(.minutes(60)))
struct LittleRoomTests {
    /// The lab gets less memory, and cannot fill its file system however hard it tries.
    @Test func `A lab has no more memory than there is room for`() async throws {
        try await LabHome.with { home in
            let lab = try home.writePair()
            let result = try await home.script(
                """
                mkdir "$home/m"; mount -t tmpfs -o size=256m none "$home/m"; export TMPDIR="$home/m"
                "$netlab" up \(lab) --clock paused || exit
                "$netlab" exec pair left -- sh -c 'head -c 200m /dev/zero >/tmp/x; head -c 200m /dev/zero >/run/x; df -m /run'
                "$netlab" exec pair left -- tail /dev/zero
                echo "tail: $?"
                "$netlab" exec pair left -- ping -c 1 10.0.0.2 && "$netlab" down pair
                """)
            #expect(result.code == 0, result.account)
            #expect(result.error.contains("so labs have 240 MB of memory"), result.account)
            #expect(result.error.contains("No space left on device"), result.account)
            // The program that wanted everything is told why it has ended; the lab goes on.
            #expect(result.output.contains("tail: 137"), result.account)
            #expect(result.error.contains("because the lab's memory was full"), result.account)
            #expect(result.output.contains(" 0% packet loss"), result.account)
            try await home.expectNothingLeft()
        }
    }

    @Test func `Too little room for any lab is said`() async throws {
        try await LabHome.with(labs: 0) { home in
            let lab = try home.writePair()
            let result = try await home.script(
                """
                mkdir "$home/m"; mount -t tmpfs -o size=64m none "$home/m"; export TMPDIR="$home/m"
                "$netlab" up \(lab)
                """)
            #expect(result.code == 3, result.account)
            #expect(result.error.contains("\(home.path)/m: only 67 MB free"), result.account)
            #expect(result.error.contains("Set TMPDIR"), result.account)
            try await home.expectNothingLeft()
        }
    }

    /// When somebody else takes the room that the lab was promised.
    @Test func `A memory file that cannot grow is said`() async throws {
        try await LabHome.with { home in
            let lab = try home.writePair()
            let result = try await home.script(
                """
                mkdir "$home/m"; mount -t tmpfs -o size=300m none "$home/m"; export TMPDIR="$home/m"
                "$netlab" up \(lab) --clock paused >/dev/null || exit 1
                head -c 300m /dev/zero >"$home/m/fill"
                "$netlab" exec pair left -- sh -c 'head -c 100m /dev/zero >/tmp/x'
                echo "exec: $?"
                "$netlab" down pair
                """)
            #expect(result.code == 0, result.account)
            #expect(result.output.contains("exec: 4"), result.account)
            // Not every kernel lives to say it.
            let words = [
                "\(home.path)/m has no room left for its memory", "it said nothing, and \(home.path)/m has room for ",
            ]
            #expect(words.contains(where: result.error.contains), result.account)
            try await home.expectNothingLeft()
        }
    }
}
