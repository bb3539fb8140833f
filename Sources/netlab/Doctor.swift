import ArgumentParser
import LabKernel
import Reporting

struct Doctor: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Examine this machine for everything labs need, and say how to get what is missing.")

    @OptionGroup var output: FormatOption

    func run() async throws {
        let findings = await LabKernel.Doctor.examine()
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

    private static func mark(_ status: DoctorFinding.Status, _ style: Style) -> String {
        switch status {
        case .ok: style.good("ok")
        case .warning: style.warning("warning")
        case .missing: style.bad("missing")
        }
    }
}
