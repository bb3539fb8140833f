import ArgumentParser
import CommandSupport
import KernelBuilds
import LabHost
import Reporting

struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Examine this machine for everything labs need, and say how to get what is missing.",
        discussion: """
            With --kernel host, this machine's own kernel is examined for what labs need of it, all known ones or those that \
            are named: each thing is tried, as root, in namespaces that are gone afterwards.
            """)

    enum Subject: String, ExpressibleByArgument, CaseIterable {
        case lab, host
    }

    @Option(help: "The kernel that labs are to run on: lab or host.")
    var kernel = Subject.lab

    @Argument(help: "With --kernel host: only what these labs need.")
    var labs: [String] = []

    @OptionGroup var output: FormatOption

    func validate() throws {
        guard labs.isEmpty || kernel == .host else { throw ValidationError("Labs are named with --kernel host only.") }
    }

    func run() async throws {
        switch kernel {
        case .lab: try await examineMachine()
        case .host: try await examineHostKernel()
        }
    }

    private func examineMachine() async throws {
        var findings = await Doctor.examine() + Systems.findings
        // A kernel that cannot be looked for, or lacks what it stands on, has been said already.
        if !findings.contains(where: { $0.status == .missing && Doctor.underKernel.contains($0.name) }),
            let kernel = try? KernelCache(environment: LabLocator.environment).find()
        {
            let place = findings.firstIndex { $0.name == Doctor.kernelName }.map { $0 + 1 } ?? 0
            findings.insert(await BareKernel.examine(kernel), at: place)
        }
        switch output.format {
        case .json: print(try JSONText.of(findings))
        case .table:
            let style = Style.standardOutput
            let rows = findings.map { finding in
                [Self.mark(finding.status, style), finding.name, finding.detail, finding.remedy ?? ""]
            }
            print(Table(columns: ["", "WHAT", "FOUND", "REMEDY"], rows: rows).text(style: style))
        }
        if findings.contains(where: { $0.status == .missing }) { throw ExitCode(ExitStatus.machineLacks.rawValue) }
    }

    private func examineHostKernel() async throws {
        let topologies = try (labs.isEmpty ? LabLocator.known : labs).map { try LabLocator.resolve($0).topology }
        let findings = try await HostKernel.findings(for: topologies)
        switch output.format {
        case .json: print(try JSONText.of(findings))
        case .table:
            let style = Style.standardOutput
            let rows = findings.map { finding -> [String] in
                let labs = finding.labs.joined(separator: " ")
                guard let obstacle = finding.obstacle else { return [style.good("ok"), finding.name, labs, "", ""] }
                let firstPart = obstacle.split { $0 == "\n" || $0 == ";" }.first.map(String.init) ?? ""
                return [style.bad("missing"), finding.name, labs, firstPart, finding.remedy]
            }
            print("This machine's kernel: \(ChosenKernel.hostRelease)")
            print(Table(columns: ["", "WHAT", "FOR", "TRIED", "REMEDY"], rows: rows).text(style: style))
        }
        if findings.contains(where: { $0.obstacle != nil }) { throw ExitCode(ExitStatus.machineLacks.rawValue) }
    }

    private static func mark(_ status: DoctorFinding.Status, _ style: Style) -> String {
        switch status {
        case .ok: style.good("ok")
        case .warning: style.warning("warning")
        case .missing: style.bad("missing")
        }
    }
}
