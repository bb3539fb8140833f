import ArgumentParser
import CommandSupport
import HeaderStacks
import NetworkTypes
import Reporting

struct MTUCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mtu",
        abstract: "Compute what tunnels leave of a link's MTU, and a packet's headers byte for byte.",
        discussion: """
            Examples:
              netlab mtu --esp aes-gcm-16 --nat-t
              netlab mtu --esp aes-cbc --integrity sha2-256 --size 1400
              netlab mtu --over isatap,ipip6
              netlab mtu --esp aes-gcm-16 --mode transport --over esp,gre+key
            """)

    @Option(help: "ESP's cipher, such as aes-gcm-16 or aes-256-cbc.")
    var esp: String?

    @Option(help: "ESP's integrity algorithm, such as sha2-256, with a cipher that has none of its own.")
    var integrity: String?

    @Flag(name: .customLong("nat-t"), help: "ESP in UDP, to get through a NAT.")
    var natTraversal = false

    @Option(help: "ESP's mode: tunnel or transport. (default: tunnel)")
    var mode: ESPEncapsulation.Mode?

    @Option(help: "The family of ESP's IP header: ipv4 or ipv6. (default: what the layers around it need, else ipv4)")
    var outer: EncapsulationFamily?

    @Option(
        help: ArgumentHelp(
            """
            Layers with commas between, outermost first: \(HeaderStackRequest.layerNames.joined(separator: ", ")). ESP is \
            innermost unless esp is among them. With options: gre+key+seq+csum, ipip6+no-encaplimit.
            """, valueName: "layers"))
    var over = ""

    @Option(help: "VLAN tags on the link: 0 to 2.")
    var vlan = 0

    @Option(
        name: .customLong("link-mtu"), help: "The MTU of the link: 68 to 65535. (default: 1500)",
        transform: Self.linkMTU)
    var linkMTU = MTU.ethernet

    @Option(help: "Show a packet of this many bytes instead of the longest that fits.")
    var size: Int?

    @OptionGroup var output: FormatOption

    func run() throws {
        guard (0...2).contains(vlan) else {
            throw CommandError(
                message: "A link has no \(vlan) VLAN tags.", remedy: "--vlan is a number of tags: 0, 1 or 2.")
        }
        let stack: HeaderStack
        do {
            stack = try request.stack()
        } catch {
            throw CommandError(message: error.message, remedy: error.remedy)
        }
        if let size, !(stack.shortestPacket...65535).contains(size) {
            throw CommandError(
                message: "There is no IP packet of \(size) bytes to go into these layers.",
                remedy: "--size is \(stack.shortestPacket), the bytes of an IP header, to 65535.")
        }
        let report = HeaderStackReport(stack, size: size)
        switch output.format {
        case .json: print(try JSONText.of(report))
        case .table: print(report.text(style: .standardOutput))
        }
    }

    private var request: HeaderStackRequest {
        var request = HeaderStackRequest()
        request.encryption = esp
        request.integrity = integrity
        request.mode = mode
        request.family = outer
        request.isUDPEncapsulated = natTraversal
        request.layers = over
        request.vlanTags = vlan
        request.linkMTU = linkMTU
        return request
    }

    private static func linkMTU(_ text: String) throws -> MTU {
        guard let mtu = MTU(text) else { throw ValidationError("\"\(text)\" is not an MTU: write 68 to 65535.") }
        return mtu
    }
}

extension ESPEncapsulation.Mode: ExpressibleByArgument {}
extension EncapsulationFamily: ExpressibleByArgument {}
