import Foundation
import SystemPackage
import Testing

/// A part of a lab that is killed (SIGKILL), and when.
struct Kill: Sendable, CustomStringConvertible {
    /// What goes on meanwhile.
    enum Activity: String, CaseIterable { case up, down, soak }

    enum Victim: String, CaseIterable {
        case command, supervisor
        /// The lab kernel, or the first process of the namespaces on the host's.
        case kernel
        /// By a program in the lab, whose parent the agent is.
        case agent
        /// Any process below the kernel's.
        case program
    }

    enum Moment {
        /// When a step of the plan, counted from 0, begins.
        case step(Int)
        /// So long after the beginning.
        case after(Duration)
    }

    let lab: String
    let activity: Activity
    let victim: Victim
    let moment: Moment

    var description: String { "\(activity) \(lab.split(separator: "/").last ?? ""): \(victim) at \(moment)" }

    /// Any kill, of the lab's steps or of a moment in its first seconds, which in a lab kernel are shorter: nothing takes time
    /// there but waiting.
    static func random(lab: String, steps: Int, using chance: inout SplitMix64) -> Kill {
        let activity = Activity.allCases.randomElement(using: &chance) ?? .up
        let longest = HostState.isAlone ? (up: 150, down: 150) : (up: 2500, down: 300)
        let moment: Moment =
            switch activity {
            case .up where Bool.random(using: &chance): .step(.random(in: 0..<steps, using: &chance))
            case .up: .after(.milliseconds(Int.random(in: 0...longest.up, using: &chance)))
            case .down: .after(.milliseconds(Int.random(in: 0...longest.down, using: &chance)))
            case .soak: .after(.milliseconds(Int.random(in: 0...2500, using: &chance)))
            }
        return Kill(
            lab: lab, activity: activity, victim: Victim.allCases.randomElement(using: &chance) ?? .kernel,
            moment: moment)
    }
}

/// SplitMix64: the same numbers in every run of a seed.
struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// Carries out kills in a home, and looks at what is left of each.
struct KillRun {
    let home: LabHome
    /// `lab` or `host`.
    let kernel: String
    private var chance: SplitMix64
    private let before: HostState
    /// What the test itself makes.
    private let made: FilePath

    /// What came of all kills so far.
    private(set) var landed = 0
    private(set) var missed = 0
    private(set) var leftBeforeCollection = 0
    private(set) var leaks: [String] = []

    /// - Parameter pair: A lab that has been up and down before, so that the directories that stay are there.
    init(home: LabHome, kernel: String, seed: UInt64, warmingUpWith pair: String) async throws {
        self.home = home
        self.kernel = kernel
        chance = SplitMix64(state: seed)
        made = home.path.appending("made")
        try FileManager.default.createDirectory(atPath: made.string, withIntermediateDirectories: true)
        try await home.netlab.succeed("up", pair, "--kernel", kernel)
        try await home.netlab.succeed("down", "--all")
        before = try await HostState.settled(of: home)
    }

    var summary: String {
        "\(landed) kills survived, \(leaks.count) leaks (--kernel \(kernel); \(missed) came too late to meet anything; "
            + "after \(leftBeforeCollection), something was left for gc)"
    }

    private var labs: FilePath { home.runtime.appending("netlab/labs") }

    mutating func perform(_ kill: Kill) async throws {
        if kill.activity == .down { try await home.netlab.succeed("up", kill.lab, "--kernel", kernel) }
        let hasLanded = try await during(kill) { await land(kill.victim) }
        if hasLanded { landed += 1 } else { missed += 1 }
        try await settle()
        let isLeft = !Host.processes(naming: home.path).isEmpty || !Host.names(in: labs).isEmpty
        if isLeft { leftBeforeCollection += 1 }
        let collection = try await home.netlab.run("gc")
        if collection.code != 0 { leaks.append("\(kill): gc: \(collection.account)") }
        // What lives on had not been harmed.
        if !Host.names(in: labs).isEmpty { try await home.netlab.run("down", "--all") }
        let differences = try await lastingDifferences()
        if !differences.isEmpty { leaks.append("\(kill): \(differences.joined(separator: "; "))") }
        print(
            "kill: \(kill)\(hasLanded ? "" : ", too late")\(isLeft ? ", something was left for gc" : "")"
                + (differences.isEmpty ? "" : ", LEAK"))
    }

    // MARK: The command

    /// Runs the command on a terminal, and calls `strike` at the moment.
    private func during(_ kill: Kill, _ strike: () async -> Bool) async throws -> Bool {
        let (typescript, process) = (made.appending("typescript"), made.appending("pid"))
        for file in [typescript, process] { unlink(file.string) }
        let words =
            switch kill.activity {
            case .up: ["up", kill.lab, "--kernel", kernel]
            case .down: ["down", "--all"]
            case .soak: ["soak", kill.lab, "--kernel", kernel, "--for", kernel == "host" ? "5s" : "1h"]
            }
        let script = "echo $$ >\(process); exec \(Netlab.program) \(words.joined(separator: " "))"
        let netlab = home.netlab
        let command = Task {
            try await netlab.execute("/usr/bin/script", ["-qfec", script, typescript.string])
        }
        let start = ContinuousClock.now
        // A command that has ended has nothing more to be met.
        while !hasCome(kill.moment, since: start, typescript), ContinuousClock.now - start < .seconds(60) {
            if let id = commandID, !Host.isThere(id) { break }
            try await Task.sleep(for: .milliseconds(1))
        }
        let hasLanded = await strike()
        _ = try await command.value
        return hasLanded
    }

    private func hasCome(_ moment: Kill.Moment, since start: ContinuousClock.Instant, _ typescript: FilePath) -> Bool {
        switch moment {
        case .after(let duration): ContinuousClock.now - start >= duration
        // Every step is shown once, on a terminal.
        case .step(let number): Host.contents(typescript.string).ranges(of: "  · ").count > number
        }
    }

    private var commandID: pid_t? {
        pid_t(Host.contents(made.appending("pid").string).split(separator: "\n").first ?? "")
    }

    // MARK: The victim

    private struct Record: Decodable {
        let lab: String
        let supervisor: pid_t
        let kernel: pid_t?
        let isStarting: Bool?
    }

    /// Who runs the lab that there is; nil for none.
    private var record: Record? {
        let texts = Host.names(in: labs).map { Host.contents(labs.appending($0).appending("lab.json").string) }
        return texts.compactMap { try? JSONDecoder().decode(Record.self, from: Data($0.utf8)) }.first
    }

    /// - Returns: Whether it met somebody.
    private mutating func land(_ victim: Kill.Victim) async -> Bool {
        let process: pid_t?
        switch victim {
        case .command: process = commandID
        case .supervisor: process = record.flatMap { $0.isStarting == true ? nil : $0.supervisor }
        case .kernel: process = record?.kernel
        case .program: process = record?.kernel.flatMap { Host.children(of: $0).randomElement(using: &chance) }
        case .agent:
            guard let lab = record?.lab else { return false }
            for node in ["left", "tgw"] {
                let result = try? await home.netlab.run("exec", lab, node, "--", "sh", "-c", "kill -9 $PPID")
                if let result, result.error.contains("ended") { return true }
            }
            return false
        }
        guard let process, process > 1, Host.isThere(process) else { return false }
        return Glibc.kill(process, SIGKILL) == 0
    }

    // MARK: Afterwards

    /// Gives what ends by itself two seconds.
    private func settle() async throws {
        let end = ContinuousClock.now + .seconds(2)
        while !Host.processes(naming: home.path).isEmpty, ContinuousClock.now < end {
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    /// What is different from before for longer than it takes a kernel to tidy up.
    private func lastingDifferences() async throws -> [String] {
        let end = ContinuousClock.now + .seconds(10)
        while true {
            let differences = await HostState.of(home).differences(from: before)
            if differences.isEmpty || ContinuousClock.now > end { return differences }
            try await Task.sleep(for: .seconds(1))
        }
    }
}
