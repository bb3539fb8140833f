import ArgumentParser
import CommandSupport
import LabModel
import Pages

struct Graph: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "graph",
        abstract: "Draw a lab: its clouds, nodes, links and tunnels.",
        discussion: """
            Prints SVG, which browsers show; Mermaid, which GitHub and GitLab draw in Markdown; or the language of Graphviz: \
            netlab graph aws-oci --format dot | dot -Tpng > aws-oci.png.
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case svg, mermaid, dot
    }

    @OptionGroup var target: LabArgument
    @OptionGroup var variant: VariantOption

    @Option(help: "What to print: svg, mermaid or dot.")
    var format = Format.svg

    func run() async throws {
        let topology = try LabLocator.resolve(target.lab, variant: variant.variant).topology
        let text =
            switch format {
            case .svg: TopologyFigure(topology).svg
            case .mermaid: TopologyText(topology).mermaid
            case .dot: TopologyText(topology).dot
            }
        print(text, terminator: "")
    }
}
