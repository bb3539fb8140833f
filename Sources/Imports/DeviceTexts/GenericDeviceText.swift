import NetworkTypes

/// AWS's text for a device of no vendor in particular: for each tunnel a list of what is to be configured, as `- Pre-Shared Key : …`.
///
/// "Download Configuration" with the vendor Generic; forms of the VPC Network Administrator Guide's example. It has both ends' addresses,
/// inside and outside, and AS numbers where BGP speaks.
struct GenericDeviceText {
    private struct Section {
        let origin: Origin
        var values: [String: Sourced<String>] = [:]
    }

    private var sections: [Section] = []
    private let file: ImportFile

    /// Nil for a text of another form.
    init?(_ file: ImportFile) {
        self.file = file
        var part = ""
        let lines = file.text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        for (index, line) in lines.enumerated() {
            let text = line.trimmed
            let origin = Origin.read(file: file.label, path: "line \(index + 1)")
            let lower = text.lowercased()
            if lower.hasPrefix("ipsec tunnel #") {
                sections.append(Section(origin: origin))
                part = ""
            } else if lower.hasPrefix("#") || !lower.hasPrefix("-"), let title = Self.part(lower) {
                part = title
            } else if lower.hasPrefix("-"), !sections.isEmpty, let colon = text.firstIndex(of: ":") {
                let name = lower[..<(lower.firstIndex(of: ":") ?? lower.endIndex)].dropFirst().split(
                    whereSeparator: \.isWhitespace
                ).joined(separator: " ")
                let value = text[colon...].drop { $0 == ":" || $0.isWhitespace }
                guard !value.isEmpty, !name.isEmpty else { continue }
                let key = "\(part) \(name)"
                let place = sections.count - 1
                if sections[place].values[key] == nil { sections[place].values[key] = Sourced(String(value), origin) }
            }
        }
        sections = sections.filter { $0.values["outside virtual private gateway"] != nil }
        if sections.isEmpty { return nil }
    }

    /// The part of a tunnel's section that begins with a line.
    private static func part(_ line: String) -> String? {
        if line.hasPrefix("outside ip addresses") { return "outside" }
        if line.hasPrefix("inside ip addresses") { return "inside" }
        if line.hasPrefix("bgp configuration options") { return "bgp" }
        if line.hasPrefix("#"), line.contains("internet key exchange") { return "ike" }
        if line.hasPrefix("#"), line.contains("ipsec configuration") { return "esp" }
        if line.hasPrefix("#") { return "other" }
        if line.hasPrefix("configure your tunnel") { return "mtu" }
        return nil
    }

    func add(_ resources: Resources, to facts: inout Facts) {
        let text = file.text.split(whereSeparator: \.isNewline).prefix(60)
        let identifier = { (label: String) -> String? in
            text.first { $0.lowercased().contains(label) }.flatMap { line in
                line.split(separator: ":").last.map { $0.trimmed }
            }.flatMap { $0.isEmpty || $0.contains(" ") ? nil : $0 }
        }
        let near = identifier("gateway id").map(Resource.plain) ?? "aws of \(file.label)"
        let far = identifier("customer gateway id").map(Resource.plain) ?? "device of \(file.label)"
        let name = identifier("vpn connection id") ?? "aws"
        var provider = GatewayFacts(
            key: near == far ? "aws of \(file.label)" : near, name: "aws", title: "Amazon Web Services",
            provider: "aws",
            origin: sections[0].origin)
        provider.networks = AWSFacts.networksOfVPCs(resources)
        facts.add(provider)
        facts.add(
            GatewayFacts(
                key: far, name: "device", title: "Customer gateway", provider: nil, origin: sections[0].origin))
        for (place, section) in sections.enumerated() {
            var tunnel = TunnelFacts(
                name: "\(name)-\(place + 1)", origin: section.origin, near: EndFacts(gateway: provider.key),
                far: EndFacts(gateway: far), routing: section.values["bgp neighbor ip address"] == nil ? .fixed : .bgp)
            fill(&tunnel, section)
            if !facts.has(tunnel) { facts.tunnels.append(tunnel) }
        }
    }

    private func fill(_ tunnel: inout TunnelFacts, _ section: Section) {
        let value = { (key: String) in section.values[key] }
        // "28800 seconds", "1436 bytes", "Group 2".
        let number = { (key: String) -> Sourced<Int>? in
            value(key)?.map { $0.split(whereSeparator: \.isWhitespace).lazy.compactMap { Int($0) }.first }?.positive
        }
        tunnel.near.address = value("outside virtual private gateway")?.map { IPAddress($0) }
        tunnel.far.address = value("outside customer gateway")?.map { IPAddress($0) }
        tunnel.near.inside = value("inside virtual private gateway")?.map { InterfaceAddress($0) }
        tunnel.far.inside = value("inside customer gateway")?.map { InterfaceAddress($0) }
        tunnel.near.key = value("ike pre-shared key")
        tunnel.near.asn = value("bgp virtual private gateway asn")?.map { UInt32($0) }
        tunnel.far.asn = value("bgp customer gateway asn")?.map { UInt32($0) }
        tunnel.far.hold = number("bgp neighbor hold time")
        tunnel.mtu = number("mtu tunnel interface mtu")
        let list = { (key: String) in [value(key)].compactMap(\.self) }
        tunnel.far.ike = PhaseFacts(
            encryption: list("ike encryption algorithm"), integrity: list("ike authentication algorithm"),
            groups: list("ike diffie-hellman") + list("ike perfect forward secrecy"), lifetime: number("ike lifetime"))
        tunnel.far.esp = PhaseFacts(
            encryption: list("esp encryption algorithm"), integrity: list("esp authentication algorithm"),
            groups: list("esp perfect forward secrecy"), lifetime: number("esp lifetime"))
        if let version = value("ike ike version") { tunnel.ikeVersion = version.map { $0.hasSuffix("1") ? 1 : 2 } }
        if let interval = number("esp dpd interval") {
            tunnel.far.question = interval
            let retries = min(max(number("esp dpd retries")?.value ?? 3, 1), 100)
            tunnel.far.patience = interval.map { $0 <= 3600 ? $0 * retries : nil }
        }
    }
}
