import DaemonProfiles
import Daemons
import Foundation
import KernelBuilds
import LabModel
import SystemPackage
import Testing
import Userlands

/// Releases in a cache that the test makes.
struct ReleaseCacheTests {
    private func withCache(_ body: (_ cache: ReleaseCache, _ release: FilePath, _ home: FilePath) async throws -> Void)
        async throws
    {
        let home = FilePath(NSTemporaryDirectory()).appending("netlab-cache-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(atPath: home.string) }
        let cache = try ReleaseCache(environment: ["HOME": home.string, "XDG_CACHE_HOME": home.string])
        try await body(cache, home.pushing("netlab/systems/debian-13"), home)
    }

    private func make(_ files: [String], in release: FilePath) throws {
        for file in files {
            let path = release.string + "/" + file
            try FileManager.default.createDirectory(
                atPath: FilePath(path).removingLastComponent().string, withIntermediateDirectories: true)
            try Data().write(to: URL(filePath: path))
        }
    }

    /// What each daemon needs, where it is kept.
    private var whole: [String] {
        DaemonRegistry.all.flatMap { daemon in
            daemon.files.map { "\(daemon.tree?.name ?? "root")/\($0)" }
        }
    }

    @Test func `A release counts when all of it is there, and says its daemons' versions`() async throws {
        try await withCache { cache, release, _ in
            #expect(cache.find(.debian13) == nil)
            try make(whole, in: release)
            // Its list is written last.
            #expect(cache.find(.debian13) == nil)
            try Data("libreswan 5.2-2.2\nbird2 2.17.6-0+deb13u1\ncharon-systemd 6.0.1-6+deb13u7\n".utf8)
                .write(to: URL(filePath: release.string + "/packages"))
            let userland = try #require(cache.find(.debian13))
            #expect(
                userland.versions == [
                    .pluto: DaemonVersion(major: 5, minor: 2), .bird: DaemonVersion(major: 2, minor: 17, patch: 6),
                    .charon: DaemonVersion(major: 6, minor: 0, patch: 1),
                ])
            #expect(
                userland.trees == [
                    "debian-13": release.string + "/root", "debian-13+strongswan": release.string + "/strongswan",
                ])
            #expect(cache.find(.debian12) == nil)
            try FileManager.default.removeItem(atPath: release.string + "/root/usr/sbin/bird")
            #expect(cache.find(.debian13) == nil)
        }
    }

    /// apt-get's own directory cannot be made: a file is in its place.
    @Test func `A release that cannot be fetched is one error, and nothing is left behind`() async throws {
        try await withCache { cache, release, home in
            try make(["root/usr/bin/half"], in: release)
            try Data().write(to: URL(filePath: home.string + "/netlab/apt"))
            var lines: [String] = []
            let error = await #expect(throws: SetupError.self) {
                try await cache.fetched(.debian13) { lines.append($0) }
            }
            #expect(error?.reason.isEmpty == false)
            #expect(lines.count == 1 && lines[0].contains("fetching the programs of debian-13"))
            let left = try FileManager.default.contentsOfDirectory(atPath: release.removingLastComponent().string)
            #expect(left.sorted() == [".lock", "debian-13"])
            #expect(cache.find(.debian13) == nil)
        }
    }
}
