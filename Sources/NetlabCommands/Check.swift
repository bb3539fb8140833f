import AgentProtocol
import ArgumentParser
import CaptureFile
import CommandSupport
import Daemons
import Derivations
import Expectations
import FoundationEssentials
import Glibc
import LabHost
import LabModel
import LabRecords
import Pages
import Reporting
import Shards

struct Check: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Hold a running lab against what its file expects, packet by packet.",
        discussion: """
            Probes make traffic, every packet of it is captured, opened with the tunnels' keys, and compared. The lab's clock runs \
            as fast as it goes meanwhile. With --kernel, a lab of its own comes up on that kernel, and is gone afterwards. With \
            --capture, a file that was captured before is examined instead; the lab need not run then.

            A lab without `expect:` is held against what follows from itself: the form and the secrecy of what crosses each tunnel, the way \
            of each probe and what it takes, sessions, associations, rates. --derived does so besides what is written; --write \
            puts all of that into the lab file, to be kept and changed, and checks nothing.

            Exit codes: 0 all expectations hold; 1 one failed; 5 one could not be decided.
            """)

    @OptionGroup var target: LabArgument

    @Option(
        help: ArgumentHelp("Only these expectations, or kinds of them; separated by commas.", valueName: "names"),
        completion: Completion.expectationList)
    var only: String?

    @Flag(help: "Also expect what follows from the lab itself, as is done where its file expects nothing.")
    var derived = false

    @Flag(help: "Write what follows from the lab into its file, and check nothing; the lab need not run.")
    var write = false

    @Option(
        help: ArgumentHelp("Examine this capture file: encapsulation and confidentiality.", valueName: "file"),
        completion: .file())
    var capture: String?

    @Option(
        help: ArgumentHelp(
            "With --capture: the directory of keys that `netlab capture --with-keys` wrote beside it.",
            valueName: "directory"), completion: .directory)
    var keys: String?

    @Flag(help: "Also write the keys beside the capture: whoever has them can read the packets.")
    var withKeys = false

    @Flag(name: [.short, .long], help: "Show what was expected, and why, also of what holds.")
    var verbose = false

    @Option(
        help: ArgumentHelp(
            "Bring up a lab for this check alone, on this kernel: lab, host or auto.", valueName: "kernel"))
    var kernel: KernelOption.Choice?

    @OptionGroup var page: PageOption
    @OptionGroup var output: FormatOption

    func validate() throws {
        if kernel != nil, capture != nil { throw ValidationError("--kernel does not go with --capture.") }
        if withKeys, capture != nil { throw ValidationError("--with-keys does not go with --capture.") }
        if write, kernel != nil || capture != nil || withKeys || only != nil || page.file != nil {
            throw ValidationError("--write goes with no other option.")
        }
        if keys != nil, capture == nil { throw ValidationError("--keys goes with --capture.") }
    }

    func run() async throws {
        if write { return try DerivedEntries.writeExpectations(of: target.lab, output.format) }
        let report: VerdictReport
        if let capture {
            report = try examine(capture)
        } else {
            let (result, wasInterrupted) = await Interruption.guarding { try await self.check() }
            if wasInterrupted { throw ExitCode(ExitStatus.interrupted.rawValue) }
            report = try result.get()
        }
        try await page.write {
            let topology = try shownTopology()
            let versions = await DaemonVersions.ofThisMachine(for: [topology])
            return CheckPage(
                report, of: topology, testedWith: TestedWith(versions, [topology], kernel: nil).lines
            ).text
        }
        switch output.format {
        case .json: print(try JSONText.of(report))
        case .table: print(report.text(style: .standardOutput, isVerbose: verbose))
        }
        switch report.outcome {
        case .pass, .notApplicable: break
        case .fail: throw ExitCode(ExitStatus.expectationFailed.rawValue)
        case .inconclusive: throw ExitCode(ExitStatus.inconclusive.rawValue)
        }
    }

    /// The lab that was looked at, for its picture; what has to be said of its file has been said.
    private func shownTopology() throws -> Topology {
        if let lab = try? LabLocator.runningLab(target.lab) { return try LabLocator.topology(of: lab).topology }
        return try LabLocator.resolve(target.lab).topology
    }

    // MARK: A running lab

    private func check() async throws -> VerdictReport {
        guard let kernel else {
            let lab = try LabLocator.runningLab(target.lab)
            let (topology, file) = try LabLocator.topology(of: lab)
            guard case .running(let record) = lab.state() else { throw LabFailure("The lab \(lab.name) has ended.") }
            return try await check(lab, topology, file: file, time: record.runsOn == .host ? .real : .virtual)
        }
        return try await checkFresh(on: kernel)
    }

    /// A lab that is there for this check alone.
    private func checkFresh(on choice: KernelOption.Choice) async throws -> VerdictReport {
        let (topology, file) = try LabLocator.topology(for: target.lab)
        try await LabSoundness.check(topology, path: file)
        let kernel = try await KernelOption.chosen(choice, for: [topology])
        let lab = try FreshLab(topology, labFile: file, kernel: kernel, number: 1)
        let directory = try RunDirectory(path: nil)
        return try await lab.run(seed: nil, keepLogs: { directory.take(logsFrom: $0) }) {
            try await self.check(
                lab.directory, topology, file: file, time: kernel.time, keptIn: directory.path)
        }
    }

    /// - Parameter directory: Where the capture will be found; nil for where it is made.
    private func check(
        _ lab: LabDirectory, _ topology: Topology, file: String, time: TimeKind, keptIn directory: String? = nil
    ) async throws -> VerdictReport {
        let subject = try CheckSubject(topology, file: file, isDerived: derived, only: only)
        let topology = subject.topology
        let wanted = CheckPlan(topology: topology, expectations: subject.expectations)
        let client = CheckClient(lab: lab, keepsKeys: withKeys)
        defer { client.removeTemporaryFile() }
        let conditions =
            wanted.conditions.isEmpty
            ? Observation(steps: [], capture: nil)
            : try await client.observe(ObservationRequest(measurements: wanted.conditions))
        let plan = wanted.applicable(conditions)
        let observation = try await client.observe(plan.captured)
        let transfers = plan.uncaptured.measurements.isEmpty ? nil : try await client.observe(plan.uncaptured)
        let verdicts = try client.judge(plan, observation, transfers, labFile: file, time: time)
        let idle = wanted.expectations.filter { expectation in
            !plan.expectations.contains { $0.name == expectation.name }
        }
        let all = verdicts + idle.map { Verdict(notApplicable: $0, conditions: conditions, labFile: file) }
        let order = Dictionary(wanted.expectations.enumerated().map { ($1.name, $0) }) { first, _ in first }
        return VerdictReport(
            lab: topology.name, capture: directory.map { "\($0)/\(CheckClient.captureName)" } ?? client.captureFile,
            verdicts: all.sorted { order[$0.expectation, default: 0] < order[$1.expectation, default: 0] }
                + subject.gaps,
            deviations: topology.deviations)
    }

    // MARK: A file

    private func examine(_ path: String) throws -> VerdictReport {
        let (written, file) = try LabLocator.topologyOfAny(target.lab)
        let subject = try CheckSubject(written, file: file, isDerived: derived, only: only)
        let topology = subject.topology
        let expectations = subject.expectations.filter { expectation in
            // Whether a condition held is not in the file: those are examined that were asked for by name.
            expectation.claim.isAboutEveryPacket && (expectation.when.isEmpty || only != nil)
        }
        guard !expectations.isEmpty else {
            throw CommandError(
                message: "A capture file alone shows nothing of what was asked for.",
                remedy: "Leave --only out, or name expectations about encapsulation or confidentiality.")
        }
        let associations =
            try (keys ?? KeyDirectory.beside(path)).map { try KeyDirectory(path: $0).associations() } ?? []
        let plan = CheckPlan(topology: topology, expectations: expectations)
        let capture = try CaptureOnDisk(path: path)
        var examination = try CaptureExamination(
            topology: topology, expectations: expectations, associations: associations, keepsPackets: false)
        try capture.reading { try examination.read($0) }
        let judge = Judge(
            plan: plan, observation: Observation(steps: [], capture: nil), transfers: nil, examination: examination,
            labFile: file)
        let verdicts = try judge.verdicts { numbers in
            try capture.reading {
                try PacketRecordReader.lines(of: numbers, descriptor: $0, associations: associations)
            }
        }
        return VerdictReport(lab: topology.name, capture: path, verdicts: verdicts, deviations: topology.deviations)
    }
}

/// Asks a running lab for observations, and judges them by the capture it wrote.
private final class CheckClient {
    let lab: LabDirectory
    private let temporary: String
    static let captureName = "check.pcapng"
    /// Where the capture of the last check stays.
    let captureFile: String
    private let keepsKeys: Bool

    init(lab: LabDirectory, keepsKeys: Bool) {
        self.lab = lab
        self.keepsKeys = keepsKeys
        temporary = "check-\(getpid()).pcapng"
        captureFile = lab.logs.appending(Self.captureName).string
    }

    private var temporaryPath: String { lab.logs.appending(temporary).string }

    func removeTemporaryFile() { unlink(temporaryPath) }

    func observe(_ request: ObservationRequest) async throws -> Observation {
        try await LabClient(lab).ask(Observe(request, file: temporary))
    }

    func judge(
        _ plan: CheckPlan, _ observation: Observation, _ transfers: Observation?, labFile: String, time: TimeKind
    ) throws -> [Verdict] {
        let associations = observation.capture?.associations ?? []
        let capture = try CaptureOnDisk(path: temporaryPath)
        var examination = try CaptureExamination(
            topology: plan.topology, expectations: plan.expectations, associations: associations, keepsPackets: true)
        try capture.reading { try examination.read($0) }
        let judge = Judge(
            plan: plan, observation: observation, transfers: transfers, examination: examination, labFile: labFile,
            time: time)
        let verdicts = try judge.verdicts { numbers in
            try capture.reading {
                try PacketRecordReader.lines(of: numbers, descriptor: $0, associations: associations)
            }
        }
        try capture.annotate(to: captureFile, with: verdicts)
        // Keys of an earlier check are not this one's.
        KeyDirectory(path: "\(captureFile).keys").remove()
        if keepsKeys { _ = try KeyDirectory(path: "\(captureFile).keys").write(associations, ike: []) }
        return verdicts
    }
}

extension Verdict {
    /// Of an expectation whose condition does not hold now.
    fileprivate init(notApplicable expectation: Expectation, conditions: Observation, labFile: String) {
        let failing = expectation.when.lazy.compactMap { condition -> String? in
            guard case .condition(let holds, let seen)? = conditions.finding(of: .condition(condition)), !holds else {
                return nil
            }
            return "\"\(condition)\" does not hold (\(seen))"
        }
        let when = expectation.when.map(\.description).joined(separator: ", ")
        self.init(
            expectation: expectation.name, kind: expectation.claim.kind.rawValue, outcome: .notApplicable,
            expected: "only while \"\(when)\" holds",
            rule: expectation.source(in: labFile), seen: failing.first ?? "", isDerived: expectation.derivedFrom != nil)
    }
}
