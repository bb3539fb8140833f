import Foundation
import SystemPackage
import Testing

@testable import Daemons
@testable import KernelBuilds
@testable import LabHost

struct DaemonTreesTests {
    private func add(_ version: String, in directory: FilePath, isWhole: Bool = true) throws {
        let tree = directory.appending("netlab/strongswan/\(version)")
        try FileManager.default.createDirectory(atPath: "\(tree)/usr/sbin", withIntermediateDirectories: true)
        for program in ["charon-systemd", "swanctl"] { try write("", to: tree.appending("usr/sbin/\(program)")) }
        if isWhole { try write("libstrongswan \(version)\n", to: tree.appending("packages")) }
    }

    @Test func `The newest whole tree is found`() async throws {
        try await withTemporaryDirectory { directory in
            let environment = ["XDG_CACHE_HOME": directory.string]
            #expect(DaemonTrees.find(StrongSwan.tree, environment: environment) == nil)
            #expect(Doctor.trees(environment)[0].status == .warning)
            for version in ["5.9.8-5+deb12u6", "5.9.8-5+deb12u10", "5.9.1-1"] { try add(version, in: directory) }
            try add("6.0.0-1", in: directory, isWhole: false)
            try add(".new.123", in: directory)
            let found = DaemonTrees.find(StrongSwan.tree, environment: environment)
            #expect(found == directory.appending("netlab/strongswan/5.9.8-5+deb12u10"))
            let finding = Doctor.trees(environment)[0]
            #expect(finding.status == .ok && finding.detail == found?.string && finding.remedy == nil)
        }
    }

    @Test func `A package's tree is found where the user has none that is newer`() async throws {
        try await withTemporaryDirectory { directory in
            try makeDirectory(directory.pushing("usr/lib/netlab"))
            let installation = try #require(Installation(program: directory.pushing("usr/bin/netlab")))
            let environment = ["XDG_CACHE_HOME": directory.string]
            let tree = installation.place(ofTree: "strongswan").appending("5.9.8-5+deb12u2")
            try makeDirectory(tree.pushing("usr/sbin"))
            for file in ["packages", "usr/sbin/charon-systemd", "usr/sbin/swanctl"] {
                try write("", to: tree.pushing(FilePath(file)))
            }
            let found = { DaemonTrees.find(StrongSwan.tree, environment: environment, installation: installation) }
            #expect(found() == tree)
            #expect(DaemonTrees.find(StrongSwan.tree, environment: [:], installation: installation) == tree)
            try add("5.9.8-5+deb12u1", in: directory)
            #expect(found() == tree)
            try add("5.9.8-5+deb12u3", in: directory)
            #expect(found() == directory.appending("netlab/strongswan/5.9.8-5+deb12u3"))
        }
    }

    @Test func `What is missing is told with the way to get it`() {
        #expect(DaemonTrees.missing(StrongSwan()).message.contains("`ike: strongswan`"))
        #expect(DaemonTrees.missing(StrongSwan()).remedy.contains("scripts/netlab"))
    }
}
