import AgentProtocol
import ArgumentParser
import CommandSupport
import LabHost
import LabModel
import Pages
import Reporting

struct Graph: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "graph",
        abstract: "Draw a lab: its clouds, nodes, links and tunnels.",
        discussion: """
            Prints SVG, which browsers show; Mermaid, which GitHub and GitLab draw in Markdown; or the language of Graphviz: \
            netlab graph aws-oci --format dot | dot -Tpng > aws-oci.png. With --live, SVG of the lab as it runs: what is down, and what \
            tunnels carry.
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case svg, mermaid, dot
    }

    @OptionGroup var target: LabArgument
    @OptionGroup var variant: VariantOption

    @Option(help: "What to print: svg, mermaid or dot.")
    var format = Format.svg

    @Flag(help: "Ask the running lab what is down, and look twice at what its tunnels carry where its clock runs.")
    var live = false

    func validate() throws {
        guard !live || format == .svg else { throw ValidationError("--live is for --format svg.") }
        guard !live || variant.variant == nil else {
            throw ValidationError("--live shows the lab as it runs, which has its variant already.")
        }
    }

    func run() async throws {
        if live { return try await drawRunning() }
        let topology = try LabLocator.resolve(target.lab, variant: variant.variant).topology
        let text =
            switch format {
            case .svg: TopologyFigure(topology).svg
            case .mermaid: TopologyText(topology).mermaid
            case .dot: TopologyText(topology).dot
            }
        print(text, terminator: "")
    }

    private func drawRunning() async throws {
        let lab = try LabLocator.runningLab(target.lab)
        let topology = try LabLocator.topology(of: lab).topology
        let first = try await LabClient(lab).ask(ShowStatus())
        var last = first
        if first.clock?.mode != .paused || first.clock?.isAdvancing == true {
            // A second of the clock on the wall, by which such a lab goes.
            try await Task.sleep(for: .seconds(1))
            last = try await LabClient(lab).ask(ShowStatus())
        }
        let state = TopologyFigure.State(last, rates: LabRates(from: first, to: last))
        print(TopologyFigure(topology, state: state).svg, terminator: "")
    }
}
