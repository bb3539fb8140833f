import Providers

/// A lab made from what users have: what their cloud's command line prints, Terraform's state or plan, or two daemons' own files.
///
/// Text in, text out: nothing is read from or written to disk here.
public struct LabImport: Sendable {
    /// A file of the lab's directory.
    public struct File: Hashable, Sendable {
        public let name: String
        public let text: String
        /// What it is for, in a few words.
        public let purpose: String
    }

    /// `lab.yaml` first; the others are secret or may have secrets in them.
    public let files: [File]
    /// Everything that is missing, left out or assumed.
    public let notes: [ImportNote]
    /// How many tunnels there are.
    public let tunnels: Int

    /// The most bytes of one input: a state of many thousand resources.
    public static let largestInput = 64 << 20

    /// A name for a lab of these inputs: that of the first, or those of both gateways' directories.
    public static func name(for inputs: [ImportFile]) -> String {
        let first = inputs.first
        let directories = inputs.compactMap(\.directory)
        let isOwn = inputs.contains { $0.name.hasSuffix(".conf") }
        let pair = directories.reduce(into: [String]()) { if !$1.isEmpty, !$0.contains($1) { $0.append($1) } }
        let stem = first.map { String($0.name.split(separator: ".").first ?? "") } ?? ""
        var names = Names()
        return names.claim(isOwn && pair.count == 2 ? pair.joined(separator: "-") : stem, usual: "imported")
    }

    /// - Parameters:
    ///   - name: The lab's.
    ///   - inputs: In the order in which the user has named them.
    ///   - accepted: Providers' rules that the lab may break, because its inputs do.
    ///   - provider: A provider that lab files may name; nil for one that they may not.
    /// - Throws: ``ImportError`` where the inputs cannot be read, or have no tunnel in them.
    public init(
        name: String, inputs: [ImportFile], accepting accepted: [String] = [], provider: @escaping (String) -> Provider?
    ) throws(ImportError) {
        var facts = Facts()
        var resources = Resources()
        var recognized: [String] = []
        var documents = 0
        var own: [ImportFile] = []
        var texts: [(text: DeviceText, source: String)] = []
        var lists: [GenericDeviceText] = []
        for input in inputs {
            let first = input.text.first { !$0.isWhitespace && $0 != "\u{FEFF}" }
            if first == "{" || first == "[" {
                if let found = try Self.read(input, into: &resources, &facts) { recognized.append(found) }
                documents += 1
            } else if first == "<" {
                resources.add(Self.device(input))
                documents += 1
                recognized.append("\(input.path): a document of AWS's for a customer's device")
            } else if input.isDaemonsOwn {
                own.append(input)
            } else if let text = DeviceText([input]), inputs.count == 1 || text.author.provider != nil {
                texts.append((text, input.label))
                documents += 1
                recognized.append("\(input.path): a provider's text for the user's gateway")
            } else if let list = GenericDeviceText(input) {
                lists.append(list)
                documents += 1
                recognized.append("\(input.path): AWS's text for a device of any vendor")
            } else if let vendor = OtherVendor(input.text) {
                throw vendor.error(of: input.path)
            } else {
                own.append(input)
            }
        }
        // The files that a provider's page has for the user's gateway are one end, and tell whose the other one is.
        if documents == 0, let text = DeviceText(provider: own) {
            texts.append((text, own[0].label))
            own = []
        }
        if own.isEmpty {
            AWSFacts.add(resources, to: &facts)
            AzureFacts.add(resources, to: &facts)
            GCPFacts.add(resources, to: &facts)
            OCIFacts.add(resources, to: &facts)
            for (text, source) in texts { try DeviceTextFacts.add(text, source: source, resources, to: &facts) }
            for list in lists { list.add(resources, to: &facts) }
            facts.join()
        } else if documents == 0 {
            try OwnFileFacts.add(own, to: &facts)
        } else {
            throw ImportError(
                message: "\(own[0].path) is no JSON, and \(inputs.count - own.count) other inputs are.",
                remedy: "Import two daemons' own files by themselves, and what clouds and Terraform say by itself.")
        }
        guard !facts.tunnels.isEmpty else {
            let seen = (recognized + facts.notes.map(\.text)).map { "\n  \($0)" }.joined()
            throw ImportError(
                message: "There is no VPN tunnel in what was given:\(seen)",
                remedy:
                    "Give what `aws ec2 describe-vpn-connections`, `az network vpn-connection show`, `gcloud compute vpn-tunnels describe --format json`, `oci network ip-sec-connection-tunnel list` or `terraform show -json` print; a provider's text for your gateway; or two daemons' own files."
            )
        }
        guard facts.tunnels.count <= Self.mostTunnels else {
            throw ImportError(
                message:
                    "There are \(facts.tunnels.count) tunnels in what was given, and a lab has \(Self.mostTunnels) at most.",
                remedy:
                    "Give a part of it: `aws ec2 describe-vpn-connections --vpn-connection-ids ID`, or one resource's file."
            )
        }
        let lab = SettledLab(facts, provider: provider)
        let text = LabText(lab, name: name, sources: inputs.map(\.label), accepted: accepted)
        files =
            [File(name: "lab.yaml", text: text.text, purpose: "the lab")]
            + text.keys.map { File(name: $0.name, text: "\($0.key)\n", purpose: "a pre-shared key") }
            + facts.copies.map { File(name: $0.name, text: $0.text, purpose: "a daemon's own file") }
        notes = lab.notes
        tunnels = facts.tunnels.count
    }

    private static let mostTunnels = 64

    /// - Returns: What the input is, for people; nil for what is noted as unknown.
    private static func read(
        _ input: ImportFile, into resources: inout Resources, _ facts: inout Facts
    ) throws(ImportError) -> String? {
        let root = try JSONNode(text: input.text, file: input.name)
        if TerraformReader.isMeant(root) {
            if root["resources"]?.isList ?? false, root["values"] == nil {
                throw ImportError(
                    message: "\(input.path) is Terraform's own file of a state, whose format is its affair alone.",
                    remedy: "Give what `terraform show -json` prints: terraform show -json > state.json")
            }
            let before = resources.all.count
            let (count, unknown) = TerraformReader.read(root, into: &resources)
            for address in unknown.prefix(20) {
                facts.note(.unsupported, "\(input.name): \(address) is of a type that is not read")
            }
            if unknown.count > 20 {
                facts.note(
                    .unsupported, "\(input.name): \(unknown.count - 20) more resources are of types that are not read")
            }
            return
                "\(input.path): Terraform's, with \(count) resources, of which \(resources.all.count - before) are read"
        }
        if CloudReader.read(root, into: &resources) { return "\(input.path): a cloud's" }
        let names = root.members.first?.names ?? []
        let found = names.isEmpty ? "it has no members" : "its members are \(names.prefix(8).joined(separator: ", "))"
        facts.note(.unsupported, "\(input.path) is JSON of something that is not read: \(found)")
        return nil
    }

    /// The document alone, as if it stood in a connection.
    private static func device(_ input: ImportFile) -> Resource {
        let member = ("CustomerGatewayConfiguration", JSONValue.text(input.text))
        let node = JSONNode(.object([JSONValue.folded(member.0): (name: member.0, value: member.1)]), file: input.name)
        return Resource(kind: "aws_vpn_connection", node: node, address: input.name)
    }
}
