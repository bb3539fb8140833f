import Foundation
import SystemPackage
import Testing

@testable import KernelBuilds
@testable import LabHost

/// What crashed labs leave is found by netlab's own marks, and what only looks like it is left alone.
@Suite("LeftoverSearch", .serialized)
struct LeftoverTests {
    /// No process has this number: it is beyond what the kernel gives (proc(5), pid_max).
    private static let nobody: pid_t = 4_194_304

    // MARK: Directories

    @Test
    func `A dead lab's directory, with a record and without, is found and removed; its logs stay`() async throws {
        try await Place.with { place in
            let lab = try place.lab("crashed")
            try place.claim(lab, supervisor: Self.nobody)
            try makeDirectory(lab.logs)
            try write("words\n", to: lab.supervisorLog)
            try makeDirectory(place.labs.appending("begun"))
            let found = try place.search.find()
            #expect(found.map(\.kind) == [.lab, .lab])
            #expect(found.map(\.lab) == ["begun", "crashed"])
            #expect(found.last?.reason == "its supervisor was gone")
            try place.removeAll()
            #expect(try names(in: place.labs) == [])
            #expect(try names(in: lab.logs) == ["supervisor.log"])
        }
    }

    @Test
    func `A running lab is left alone, and so is one that is being started`() async throws {
        try await Place.with { place in
            try place.claim(try place.lab("busy"), supervisor: getpid())
            let starting = try place.lab("starting")
            #expect(try starting.claim(place.directories))
            // What its supervisor writes for a scenario has a number that may be anybody's.
            let logs = place.logs.appending("busy")
            try makeDirectory(logs)
            try write("bytes\n", to: logs.appending("check-1.pcapng"))
            #expect(try place.search.find() == [])
            guard case .starting = starting.state() else {
                Issue.record("a claimed lab counts as \(starting.state())")
                return
            }
        }
    }

    @Test
    func `What a user has put among the labs is not netlab's`() async throws {
        try await Place.with { place in
            try makeDirectory(place.labs.appending("notes"))
            try write("mine\n", to: place.labs.appending("notes").appending("todo.txt"))
            try FileManager.default.createSymbolicLink(
                atPath: place.labs.appending("link").string, withDestinationPath: place.root.string)
            try makeDirectory(place.labs.appending(".hidden"))
            #expect(try place.search.find() == [])
            // Nor does what cleans up in passing touch it.
            try place.lab("notes").cleanUp(nil)
            #expect(try names(in: place.labs.appending("notes")) == ["todo.txt"])
        }
    }

    @Test
    func `A directory that was being removed is found when the one who did is gone`() async throws {
        try await Place.with { place in
            let grave = place.labs.appending(".pair.\(Self.nobody)-0")
            try makeDirectory(grave.appending("kernel"))
            let found = try place.search.find()
            #expect(found.map(\.what) == [grave.string])
            #expect(found.first?.lab == "pair")
            try place.removeAll()
            #expect(try names(in: place.labs) == [])
        }
    }

    @Test
    func `Removing a lab that has been started anew meanwhile does nothing`() async throws {
        try await Place.with { place in
            let lab = try place.lab("pair")
            try place.claim(lab, supervisor: Self.nobody)
            guard case .dead(let record) = lab.state() else {
                Issue.record("not dead")
                return
            }
            try place.claim(lab, supervisor: getpid())
            lab.cleanUp(record)
            guard case .running = lab.state() else {
                Issue.record("the new lab is gone")
                return
            }
        }
    }

    @Test
    func `Logs of a lab that a command had to itself go with the command; those of a lab by its name stay`()
        async throws
    {
        try await Place.with { place in
            for name in ["aws-oci", "aws-oci.\(Self.nobody)-3", "run.\(Self.nobody)-0", "run-17", "a.b"] {
                try makeDirectory(place.logs.appending(name))
                try write("words\n", to: place.logs.appending(name).appending("console.log"))
            }
            #expect(try place.search.find().map(\.kind) == [.logs, .logs])
            try place.removeAll()
            #expect(try names(in: place.logs) == ["a.b", "aws-oci", "run-17"])
        }
    }

    @Test
    func `A dead lab that a command had to itself goes with its logs; those of a command that runs stay`() async throws
    {
        try await Place.with { place in
            let (gone, kept) = ("pair.\(Self.nobody)-1", "pair.\(getpid())-1")
            for name in [gone, kept] {
                let lab = try place.lab(name)
                try place.claim(lab, supervisor: Self.nobody)
                try makeDirectory(lab.logs)
                try write("words\n", to: lab.consoleLog)
            }
            #expect(try place.search.find().map(\.kind) == [.lab, .lab])
            try place.removeAll()
            #expect(try names(in: place.labs) == [])
            #expect(try names(in: place.logs) == [kept])
        }
    }

    // MARK: Files

    @Test
    func `Captures of commands that are gone; what a check has finished stays`() async throws {
        try await Place.with { place in
            let directory = place.logs.appending("aws-oci")
            try makeDirectory(directory)
            let gone = ["capture-\(Self.nobody).pcapng", "check-\(Self.nobody).pcapng", "check.pcapng.\(Self.nobody)"]
            for name in gone + ["check.pcapng", "check-1.pcapng.txt", "console.log"] {
                try write("bytes\n", to: directory.appending(name))
            }
            #expect(try place.search.find().map(\.kind) == [.capture, .capture, .capture])
            try place.removeAll()
            #expect(try names(in: directory) == ["check-1.pcapng.txt", "check.pcapng", "console.log"])
        }
    }

    @Test
    func `Places of memory files that nobody uses are found; what others have put beside them is not`() async throws {
        try await Place.with { place in
            let prefix = LabDirectory.memoryPlacePrefix
            let places = ["\(prefix)old", "\(prefix)young", "\(prefix)others", "\(prefix)busy", "netlab-0x-else"]
            for name in places { try makeDirectory(place.memory.appending(name)) }
            try write("", to: place.memory.appending("\(prefix)old").appending("vm_file-AbCdEf"))
            try write("mine\n", to: place.memory.appending("\(prefix)others").appending("todo.txt"))
            for (name, text) in [("netlab-AbCdE1", ""), ("netlab-Filled", "text"), ("vm_file-AbCdE2", "")] {
                try write(text, to: place.memory.appending(name))
            }
            let all = try names(in: place.memory)
            for name in all where name != "\(prefix)young" { try place.age(place.memory.appending(name)) }
            let user = try Sleeper(["linux"], environment: ["TMPDIR": place.memory.appending("\(prefix)busy").string])
            defer { user.end() }
            let found = try place.search.find().map(\.what)
            #expect(found == ["\(prefix)old", "netlab-AbCdE1"].map { place.memory.appending($0).string })
            try place.removeAll()
            #expect(try names(in: place.memory) == all.filter { $0 != "\(prefix)old" && $0 != "netlab-AbCdE1" })
        }
    }

    @Test
    func `Builds are found when their process is gone`() async throws {
        try await Place.with { place in
            let kernels = place.cache.appending("kernels")
            for name in [".build-\(Self.nobody)", ".build-\(getpid())", "0123456789abcdef"] {
                try makeDirectory(kernels.appending(name))
            }
            try makeDirectory(place.cache.appending("strongswan").appending(".new.\(Self.nobody)"))
            #expect(try place.search.find().map(\.kind) == [.build, .build])
            try place.removeAll()
            #expect(try names(in: kernels) == [".build-\(getpid())", "0123456789abcdef"])
            #expect(try names(in: place.cache.appending("strongswan")) == [])
        }
    }

    // MARK: Processes

    @Test
    func
        `A lab kernel's process without its lab is found and ended; one of another place, or with a similar name, is not`()
        async throws
    {
        try await Place.with { place in
            let stray = try Sleeper(["linux", "umid=kernel", "uml_dir=\(place.labs)/pair/uml"])
            let others = try [
                Sleeper(["linux", "umid=kernel", "uml_dir=\(place.labs)-of-others/pair/uml"]),
                Sleeper(["linux", "umid=other", "uml_dir=\(place.labs)/pair/uml"]),
                Sleeper(["linux", "umid=kernel", "uml_dir=\(place.labs)/pair/uml/deeper"]),
                Sleeper(["netlab", "--supervise-lab", "pair"]),
                Sleeper(["netlab-agent"]),
            ]
            defer { for sleeper in others + [stray] { sleeper.end() } }
            let found = try place.search.find()
            #expect(found.map(\.kind) == [.process])
            #expect(found.map(\.process) == [stray.process])
            #expect(found.first?.lab == "pair")
            try place.removeAll()
            #expect(stray.hasEnded)
            #expect(others.allSatisfy { !$0.hasEnded })
        }
    }

    @Test
    func `Processes of a running lab are left alone; those of an earlier kernel of its name are not`() async throws {
        try await Place.with { place in
            let words = ["linux", "umid=kernel", "uml_dir=\(place.labs)/pair/uml"]
            let (current, earlier) = (try Sleeper(words), try Sleeper(words))
            defer { for sleeper in [current, earlier] { sleeper.end() } }
            try place.claim(try place.lab("pair"), supervisor: getpid(), kernel: current.process)
            #expect(try place.search.find().map(\.process) == [earlier.process])
            try place.removeAll()
            #expect(earlier.hasEnded && !current.hasEnded)
        }
    }
}

/// Directories of netlab's that nothing else is in.
private struct Place {
    let root: FilePath
    let directories: HostDirectories
    let search: LeftoverSearch

    var labs: FilePath { root.appending("run/netlab/labs") }
    var logs: FilePath { root.appending("state/netlab/logs") }
    var cache: FilePath { root.appending("cache/netlab") }
    var memory: FilePath { root.appending("memory") }

    static func with(_ body: (Place) async throws -> Void) async throws {
        try await withTemporaryDirectory { try await body(try Place($0)) }
    }

    private init(_ root: FilePath) throws {
        self.root = root
        let environment = [
            "XDG_RUNTIME_DIR": root.appending("run").string, "XDG_STATE_HOME": root.appending("state").string,
            "XDG_CACHE_HOME": root.appending("cache").string, "TMPDIR": root.appending("memory").string,
        ]
        directories = HostDirectories(environment: environment)
        search = LeftoverSearch(environment: environment)
        for name in ["run", "state", "cache", "memory"] {
            try FileManager.default.createDirectory(
                atPath: root.appending(name).string, withIntermediateDirectories: false,
                attributes: [.posixPermissions: 0o700])
        }
        for path in [labs, logs, cache] {
            try FileManager.default.createDirectory(
                atPath: path.string, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        }
    }

    func lab(_ name: String) throws -> LabDirectory { try LabDirectory(name: name, directories: directories) }

    /// Writes down that a process supervises a lab.
    func claim(_ lab: LabDirectory, supervisor: pid_t, kernel: pid_t? = nil) throws {
        try makeDirectory(lab.path)
        var record = LabDirectory.Record(
            lab: lab.name, source: "lab.yaml", variant: nil, supervisor: supervisor,
            supervisorStart: ProcessTable.startTime(of: supervisor) ?? 0, runsOn: nil, startedAt: 0)
        record.kernel = kernel
        record.kernelStart = kernel.flatMap { ProcessTable.startTime(of: $0) }
        try lab.write(record)
    }

    func removeAll() throws {
        for leftover in try search.find() { #expect(try search.remove(leftover) == nil) }
        #expect(try search.find() == [])
    }

    /// Makes a file an hour old.
    func age(_ path: FilePath) throws {
        try FileManager.default.setAttributes([.modificationDate: Date() - 3600], ofItemAtPath: path.string)
    }
}

/// A process that does nothing, under a command line of one's choice, leading a process group of its own.
private struct Sleeper {
    let process: pid_t

    init(_ words: [String], environment: [String: String] = [:]) throws {
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
        // A shell that waits for its standard input takes any words behind its script.
        var input: [Int32] = [0, 0]
        guard pipe(&input) == 0 else { throw Errno(rawValue: errno) }
        for end in input { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input[0], 0)
        let variables = environment.map { strdup("\($0)=\($1)") }
        defer { variables.forEach { free($0) } }
        let arguments = ([words[0], "-c", "read line"] + words.dropFirst()).map { strdup($0) }
        defer { arguments.forEach { free($0) } }
        var id: pid_t = 0
        let code = posix_spawn(&id, "/bin/sh", &actions, &attributes, arguments + [nil], variables + [nil])
        close(input[0])
        guard code == 0 else { throw Errno(rawValue: code) }
        process = id
    }

    /// Whether it has been ended by somebody.
    var hasEnded: Bool { ProcessTable.startTime(of: process) == nil }

    func end() {
        kill(process, SIGKILL)
        waitpid(process, nil, 0)
    }
}
